"""What the runner of GitHub Actions reads: files named in the environment, and lines on stdout."""

import os
import sys
from pathlib import Path

# What a command on a line of stdout cannot contain as it is.
_ESCAPES = {"%": "%25", "\r": "%0D", "\n": "%0A"}


def set_output(name: str, value: str) -> None:
    """Set an output of the step; `value` is one line."""
    _append("GITHUB_OUTPUT", f"{name}={value}\n")


def export_variable(name: str, value: str) -> None:
    """Set a variable for all later steps of the job; `value` is one line."""
    _append("GITHUB_ENV", f"{name}={value}\n")


def add_summary(text: str) -> None:
    """Add Markdown to the page of the workflow run, with an empty line after it."""
    _append("GITHUB_STEP_SUMMARY", text.rstrip("\n") + "\n\n")


def mask(secret: str) -> None:
    """Hide a text in the log of the job."""
    print(f"::add-mask::{_escaped(secret)}", flush=True)


def report_error(text: str, status: int) -> int:
    """Show an error on the page of the run and on stderr; return the status."""
    print(f"::error title=Nemo Local::{_escaped(text)}", flush=True)
    print(f"nemolocal: {text}", file=sys.stderr, flush=True)
    return status


def _append(variable: str, text: str) -> None:
    """Append to the file that a variable names; elsewhere than on a runner, there is none."""
    if path := os.environ.get(variable):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)


def _escaped(text: str) -> str:
    for sign, escape in _ESCAPES.items():
        text = text.replace(sign, escape)
    return text
