"""What a command reports in one line, and the status that it exits with."""


class Problem(Exception):
    """A failure of a command; the message says the way out."""

    status = 1


class Usage(Problem):
    """What the command was told makes no sense, as where argparse finds that out: nothing was done.

    Arguments that do not fit together or name nothing, and settings and variables that are wrong.
    """

    status = 2
