"""Numbers with their nouns."""

import pytest

from nemolocal_contract.counts import counted


@pytest.mark.parametrize(
    ("number", "noun", "plural", "said"),
    [
        (0, "error", "", "0 errors"),
        (1, "error", "", "1 error"),
        (2, "error", "", "2 errors"),
        (1, "entry", "entries", "1 entry"),
        (12, "entry", "entries", "12 entries"),
    ],
)
def test_noun_fits_its_number(number: int, noun: str, plural: str, said: str) -> None:
    assert counted(number, noun, plural) == said
