"""Numbers with what they count: `1 error`, `2 entries`, `8.2 MB`."""


def pluralize(number: int, noun: str, plural: str = "") -> str:
    """A number and its noun, in the plural unless it is one; `plural` where that is no mere `s`."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def sized(size: int) -> str:
    """Bytes as a person reads them: `12 kB`, `8.2 MB`, `1,340 MB`; what is not empty is never 0."""
    if size < 1_000_000:
        return f"{max(size / 1e3, min(size, 1)):.0f} kB"
    amount = size / 1e6
    return f"{amount:,.0f} MB" if amount >= 100 else f"{amount:.1f} MB"
