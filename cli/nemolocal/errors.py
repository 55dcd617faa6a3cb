"""Errors that a command reports in one line, with its exit status."""


class CommandError(Exception):
    """A command failed; the message says what to do."""

    exit_status = 1


class UsageError(CommandError):
    """Wrong usage, as argparse reports it: nothing was done.

    For arguments that conflict or name nothing, and for invalid settings and variables.
    """

    exit_status = 2


class NothingChecked(CommandError):
    """A command that checks something found nothing to check, which is no pass."""

    exit_status = 2
