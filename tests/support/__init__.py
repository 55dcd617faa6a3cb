"""What tests share, typed: servers, callers, scripted backends, journals and media."""

import pytest

# An assertion in there is to say what it saw, as those in tests do.
pytest.register_assert_rewrite("tests.support.client_requirements")
