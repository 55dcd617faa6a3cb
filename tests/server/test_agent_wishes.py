"""The wishes of fixtures/wishes: the agent does what people mean, or says that it did not."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from nemolocal_agent.edit_keys import NotationError
from nemolocal_agent.intents import KeepSpan, Undo, first_span, middle_span
from nemolocal_agent.nlu import parse_message
from nemolocal_agent.timeline import resolve_span
from tests.support.tables import check_rows
from tests.support.wishes import (
    Wish,
    format_table,
    is_same,
    judge,
    main,
    read_wish,
    read_wishes,
    wish_files,
)


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({"say": "hi", "answer": "talk"}, "'hi': a wish has kind, say"),
        ({"kind": "x", "say": "hi"}, "'hi': needs want, or an answer"),
        ({"kind": "x", "say": "hi", "answer": "no"}, "'hi': needs want, or an answer"),
        ({"kind": "x", "say": "hi", "want": [{"edit": "zip"}]}, "'hi': unknown edit 'zip'"),
        ({"kind": "x", "say": "hi", "want": [{"edit": "undo", "steps": "2"}]}, "'hi': Expected"),
    ],
)
def test_wrong_wish_table_is_an_error_that_names_the_wish(
    table: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(NotationError, match=complaint):
        read_wish(table)


def test_wish_is_judged_by_any_of_its_readings() -> None:
    undo, keep = {"edit": "undo"}, {"edit": "keep", "first_ms": 5000}
    row = {"kind": "x", "say": "undo"}
    assert read_wish({**row, "want": [keep], "or": [[undo]]}).wanted == (
        (KeepSpan(first_span(5000)),),
        (Undo(),),
    )
    assert judge(read_wish({**row, "want": [keep], "or": [[undo]]})) == "done"
    assert judge(read_wish({**row, "want": [keep]})) == "wrong"
    assert judge(read_wish({**row, "answer": "later"})) == "wrong"
    assert judge(Wish("x", "make it vertical", answer="later")) == "unchecked"
    assert judge(Wish("x", "frobnicate", answer="later")) == "later"
    both = {**row, "say": "trim to 5 seconds. Frobnicate it.", "want": [keep, undo]}
    assert judge(read_wish(both)) == "part"
    assert judge(Wish("x", "frobnicate", answer="refuse")) == "answered"
    assert judge(read_wish({"kind": "x", "say": "frobnicate", "want": [undo]})) == "refused"


def test_table_counts_verdicts_by_kind() -> None:
    rows = [(Wish("one", "a"), "done"), (Wish("two", "b"), "wrong"), (Wish("one", "c"), "answered")]
    lines = format_table(rows).splitlines()  # type: ignore[arg-type]
    assert [line.split() for line in lines[1:]] == [
        ["one", "1", "1"],
        ["two", "1"],
        ["all", "1", "1", "0", "0", "0", "0", "1"],
        "2 of 3 done as meant or answered: 67%".split(),
    ]


def test_middle_span_is_around_the_middle_of_any_length() -> None:
    assert resolve_span(middle_span(20_000), 60_000) == (20_000, 40_000)
    assert resolve_span(middle_span(20_000), 10_000) == (0, 10_000)
    assert is_same((KeepSpan(middle_span(1000)),), (KeepSpan(middle_span(1000)),))
    assert not is_same((KeepSpan(middle_span(1000)),), (KeepSpan(middle_span(2000)),))


@pytest.mark.parametrize("file", wish_files(), ids=lambda file: file.stem)
def test_wishes_are_done_as_meant_or_answered(file: Path, subtests: pytest.Subtests) -> None:
    """No wish is done wrong, and one that can be done is not refused."""

    def check(say: str, wish: Wish) -> None:
        assert judge(wish) not in ("wrong", "refused"), parse_message(say)

    check_rows(subtests, [(wish.say, wish) for wish in read_wishes(file)], check)


@pytest.mark.slow
@pytest.mark.parametrize("file", wish_files(), ids=lambda file: file.stem)
def test_no_wish_occurs_twice(file: Path) -> None:
    said = Counter(wish.say for wish in read_wishes(file))
    assert [say for say, times in said.items() if times > 1] == []


@pytest.mark.slow
def test_command_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--all"]) == 0
    assert "done as meant or answered" in capsys.readouterr().out
