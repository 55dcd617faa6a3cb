"""Runs one mode of the action; the inputs are in the environment, as `INPUT_…`."""

import os
import sys

from ..errors import CommandError, UsageError
from .action_inputs import read_inputs
from .background_server import start_server, stop_server
from .check_modes import check_client, check_server, check_skills
from .runner_files import report_error

_MODES = {
    "conform": check_server,
    "client": check_client,
    "skill": check_skills,
    "serve": start_server,
    "stop": stop_server,
}


def main() -> int:
    """Return the status of the mode: 0, 1 for a failure or a failed check, 2 for wrong usage."""
    try:
        inputs = read_inputs(os.environ)
        mode = inputs.mode or ("client" if inputs.client else "conform")
        if mode not in _MODES:
            raise UsageError(f"unknown mode {mode!r}: use {', '.join(_MODES)}")
        return _MODES[mode](inputs)
    except CommandError as error:
        return report_error(str(error), error.exit_status)


if __name__ == "__main__":
    sys.exit(main())
