"""Each frozen file is what the project shows today, byte for byte."""

from collections.abc import Iterator

import pytest

from . import frozen
from .catalogue import catalogue
from .surroundings import fixed_surroundings

CATALOGUE = catalogue()


@pytest.fixture(autouse=True)
def _surroundings() -> Iterator[None]:
    with fixed_surroundings():
        yield


def files(group: str) -> pytest.MarkDecorator:
    """One test for each file of a group, named after it."""
    names = [name for name in CATALOGUE if name.startswith(f"{group}/")]
    ids = [name.partition("/")[2] for name in names]
    if len({name.rpartition(".")[2] for name in names}) == 1:
        ids = [name.rpartition(".")[0] for name in ids]
    return pytest.mark.parametrize("name", names, ids=ids)


def compare(name: str) -> None:
    """Fail with the difference between a frozen file and what it should be."""
    reported = frozen.difference(name, CATALOGUE[name]())
    if reported:
        pytest.fail(
            f"{reported}\n\nIf this change is meant: python -m tests.golden --update", pytrace=False
        )


@files("replies")
def test_replies(name: str) -> None:
    compare(name)


@files("turns")
def test_turns(name: str) -> None:
    compare(name)


@files("journal")
def test_journal(name: str) -> None:
    compare(name)


@files("reports")
def test_reports(name: str) -> None:
    compare(name)


@files("help")
def test_help(name: str) -> None:
    compare(name)


@files("names")
def test_public_names(name: str) -> None:
    compare(name)


def test_settings() -> None:
    compare("interfaces/settings.txt")


def test_database_schema() -> None:
    compare("interfaces/schema.sql")


def test_seeded_draws() -> None:
    compare("interfaces/draws.txt")


def test_no_file_is_left_that_nothing_makes() -> None:
    assert frozen.stored() - CATALOGUE.keys() == set()
