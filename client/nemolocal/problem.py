"""What a command reports in one line, and the status that it exits with."""


class Problem(Exception):
    """A failure of a command; the message says the way out."""

    status = 1


class Usage(Problem):
    """Arguments that do not fit together, or name nothing: as where argparse finds it out."""

    status = 2
