"""Numbers with the noun that they count: `1 error`, `2 errors`, `2 entries`."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number and its noun, in the plural unless it is one; `plural` where that is no mere `s`."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
