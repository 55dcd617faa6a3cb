"""Numbers with their nouns."""

import pytest

from nemolocal_contract.plurals import format_counts, pluralize, sized


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
    assert pluralize(number, noun, plural) == said


@pytest.mark.parametrize(
    ("number", "said"), [(1, "1 entry of 1 page"), (2, "2 entries of 2 pages")]
)
def test_counts_in_a_text_have_their_nouns(number: int, said: str) -> None:
    text = "{entries:entry|entries} of {pages:page}"
    assert format_counts(text, {"entries": number, "pages": number}) == said
    assert format_counts("{pages}: {name}", {"pages": number, "name": "{x}"}) == f"{number}: {{x}}"


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 kB"),
        (1, "1 kB"),
        (31_000, "31 kB"),
        (999_400, "999 kB"),
        (8_240_000, "8.2 MB"),
        (1_340_000_000, "1,340 MB"),
    ],
)
def test_file_that_is_not_empty_has_a_size_that_is_not_zero(size: int, said: str) -> None:
    assert sized(size) == said
