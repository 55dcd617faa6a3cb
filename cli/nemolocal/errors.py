"""What a command reports in one line, and the status that it exits with."""


class CommandError(Exception):
    """A failure of a command; the message says the way out."""

    exit_status = 1


class UsageError(CommandError):
    """What the command was told makes no sense, as where argparse finds that out: nothing was done.

    Arguments that do not fit together or name nothing, and settings and variables that are wrong.
    """

    exit_status = 2
