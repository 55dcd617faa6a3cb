"""Range checks of settings, with the name of the field in the error."""

import math

DAY = 86_400.0
CENTURY = 36_500 * DAY
MAX_CREDITS = 10**12
"""The maximum of any grant or price: sums of them fit into the store."""


def check_range(name: str, value: float, least: float, most: float) -> None:
    """Raise ValueError unless the value is a number from `least` to `most`."""
    if not least <= value <= most:
        raise ValueError(f"{name} must be from {_plain(least)} to {_plain(most)}, not {value}")


def check_positive(name: str, value: float, most: float) -> None:
    """Raise ValueError unless the value is a number greater than 0 and at most `most`."""
    if not value > 0:
        raise ValueError(f"{name} must be greater than 0, not {value}")
    if value > most:
        raise ValueError(f"{name} must be at most {_plain(most)}, not {value}")


def check_finite(name: str, value: float) -> None:
    """Raise ValueError for infinity and NaN."""
    if not math.isfinite(value):
        raise ValueError(f"{name} must be a finite number, not {value}")


def _plain(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:g}"
