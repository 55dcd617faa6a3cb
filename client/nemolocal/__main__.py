"""`python -m nemolocal` is the command `nemolocal`."""

import sys

from .command import main

sys.exit(main())
