"""The data folder of `serve`, and the user's data folder with the saved chats."""

import os
from pathlib import Path

DATA_VARIABLE = "NEMOLOCAL_DATA_DIR"
SERVE_FOLDER = ".nemolocal"
"""The default data folder of `nemolocal serve`."""


def data_folder() -> Path:
    """Return the user's data folder for Nemo Local, or NEMOLOCAL_DATA_DIR."""
    # Imported late: `--help` needs none of it.
    import platformdirs

    named = os.environ.get(DATA_VARIABLE)
    return Path(named) if named else Path(platformdirs.user_data_dir("nemolocal"))
