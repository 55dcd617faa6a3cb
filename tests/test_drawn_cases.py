"""The other Pythons run one case of each slow test."""

import random

import pytest

from tests.support.drawn_cases import split_off_other_cases

pytest_plugins = "pytester"

SOURCE = """
import pytest

@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 2, 3])
def test_slow(number): ...

@pytest.mark.slow
class TestOfClass:
    @pytest.mark.parametrize("number", [1, 2])
    def test_slow(self, number): ...

@pytest.mark.parametrize("number", [1, 2, pytest.param(3, marks=pytest.mark.slow)])
def test_mixed(number): ...

@pytest.mark.slow
def test_alone(): ...
"""


@pytest.fixture
def items(pytester: pytest.Pytester) -> list[pytest.Item]:
    pytester.makeini("[pytest]\nmarkers = slow")
    return pytester.getitems(SOURCE)


@pytest.mark.slow
def test_every_slow_test_keeps_its_first_case(items: list[pytest.Item]) -> None:
    kept, left_out = split_off_other_cases(items)
    cases = ["test_slow[1]", "test_slow[1]", "test_mixed[1]", "test_mixed[2]", "test_mixed[3]"]
    assert [item.name for item in kept] == [*cases, "test_alone"]
    assert [item.name for item in left_out] == ["test_slow[2]", "test_slow[3]", "test_slow[2]"]


@pytest.mark.slow
def test_order_decides_which_case_is_kept(items: list[pytest.Item]) -> None:
    drawn = set()
    for seed in range(20):
        random.Random(seed).shuffle(items)
        kept, _ = split_off_other_cases(items)
        assert len(kept) == 6
        drawn |= {item.name for item in kept}
    assert drawn == {item.name for item in items}
