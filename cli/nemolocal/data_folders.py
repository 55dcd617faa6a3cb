"""The folders of data: that of `serve`, and the user's own, where chats are kept."""

import os
from pathlib import Path

DATA_VARIABLE = "NEMOLOCAL_DATA_DIR"
SERVE_FOLDER = ".nemolocal"
"""Where `nemolocal serve` keeps its data if nobody names a folder."""


def data_folder() -> Path:
    """The user's data folder for Nemo Local, or what NEMOLOCAL_DATA_DIR names."""
    # Imported late: `--help` needs none of it.
    import platformdirs

    named = os.environ.get(DATA_VARIABLE)
    return Path(named) if named else Path(platformdirs.user_data_dir("nemolocal"))
