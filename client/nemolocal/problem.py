"""What a command reports in one line and exits with 1 for."""


class Problem(Exception):
    """A failure of a command; the message says the way out."""
