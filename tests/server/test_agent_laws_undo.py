"""Laws of undo and redo: exact inverses of any turns in any order."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings, strategies as st

from nemolocal_agent.edits import Media, MediaPool, apply_edits, place_uploads_if_empty
from nemolocal_agent.edits.apply import DraftVersion, build_versions
from nemolocal_agent.errors import EditRejected
from nemolocal_agent.intents import (
    AddTitle,
    Edit,
    Generate,
    Loop,
    Merge,
    PlaceUploads,
    Redo,
    RemoveSpan,
    ReverseOrder,
    SetVolume,
    Split,
    StartOver,
    Undo,
    first_span,
)
from nemolocal_agent.tool_calls import split_stages
from nemolocal_contract.draft import Draft, draft_from_wire, draft_to_wire
from nemolocal_contract.responses import decode_json, encode_json
from tests.support.profiles import examples

MANY = settings(max_examples=examples(40, 1000))
MEDIA_POOL = MediaPool(
    (Media("a", "a.mp4", "video", 20_000), Media("b", "b.mp4", "video", 8000)),
)
EMPTY = draft_from_wire({"t": [], "d": 0, "theirs": {"deep": [1.5, None]}})
TITLE = AddTitle("Hi")


class Session:
    """The versions of one draft, kept as bytes as a store does."""

    def __init__(self, *, placing: bool = False) -> None:
        self.place = _place if placing else _nothing
        self.rows: dict[int, tuple[bytes, DraftVersion]] = {}
        self.turn = 0
        self._keep(DraftVersion(1, EMPTY))

    def say(self, *edits: Edit) -> bytes:
        self.turn += 1
        for stage in split_stages(edits):
            newest = self.find(len(self.rows))
            added = build_versions(stage, newest, self.turn, self.find, _apply, self.place)
            for version in added:
                self._keep(version)
        return self.now

    def find(self, number: int) -> DraftVersion:
        content, version = self.rows[number]
        draft = draft_from_wire(decode_json(content))
        return DraftVersion(number, draft, version.turn, version.undo_to, version.redo_to)

    @property
    def now(self) -> bytes:
        return self.rows[len(self.rows)][0]

    def _keep(self, version: DraftVersion) -> None:
        assert version.number == len(self.rows) + 1
        self.rows[version.number] = (encode_json(draft_to_wire(version.draft)), version)


def _apply(edits: Sequence[Edit], draft: Draft) -> Draft:
    return apply_edits(edits, draft, MEDIA_POOL)


def _place(edits: Sequence[Edit], draft: Draft) -> Draft | None:
    return place_uploads_if_empty(edits, draft, MEDIA_POOL)


def _nothing(edits: Sequence[Edit], draft: Draft) -> None:
    del edits, draft


edits = st.sampled_from(
    [
        TITLE,
        RemoveSpan(first_span(1000)),
        ReverseOrder(),
        Loop(),
        Merge(),
        Split(parts=2),
        SetVolume(0.5),
        StartOver(),
        Generate("ocean", 4.0, "waves"),
    ]
)
messages = st.lists(edits, min_size=1, max_size=3)
walks = st.builds(Undo, st.integers(1, 3)) | st.builds(Redo, st.integers(1, 3))


@pytest.mark.slow
@MANY
@given(st.lists(messages | walks.map(lambda walk: [walk]), max_size=12))
def test_undo_and_redo_work_like_in_any_editor(turns: list[list[Edit]]) -> None:
    """The model: two stacks of contents."""
    session = Session()
    now, past, future = session.now, list[bytes](), list[bytes]()
    for turn in turns:
        edit = turn[0]
        if isinstance(edit, Undo | Redo):
            stack, other = (past, future) if isinstance(edit, Undo) else (future, past)
            if len(stack) < edit.steps:
                with pytest.raises(EditRejected):
                    session.say(edit)
                continue
            session.say(edit)
            for _ in range(edit.steps):
                other.append(now)
                now = stack.pop()
        else:
            before = now
            try:
                now = session.say(*turn)
            except EditRejected:
                continue
            past, future = [*past, before], []
        assert session.now == now


@pytest.mark.slow
@MANY
@given(messages, messages)
def test_undo_and_redo_are_exact_inverses(some: list[Edit], more: list[Edit]) -> None:
    session = Session()
    try:
        before = session.say(*some)
        after = session.say(*more)
    except EditRejected:
        return
    assert session.say(Undo()) == before
    assert session.say(Redo()) == after
    assert session.say(Undo(2)) == encode_json(draft_to_wire(EMPTY))
    assert session.say(Redo(2)) == after


def test_both_stages_of_a_generation_are_one_step() -> None:
    session = Session()
    before = session.say(TITLE)
    session.say(Generate("ocean", 4.0, "waves"))
    assert len(session.rows) == 4
    assert session.say(Undo()) == before


def test_undo_and_edits_of_one_message_are_one_step() -> None:
    session = Session()
    first_title = session.say(TITLE)
    session.say(Loop())
    looped = session.now
    titles = draft_from_wire(decode_json(session.say(Undo(), AddTitle("B"))))
    words = [s.text for track in titles.tracks or () for s in track.segments or () if s.text]
    assert words == ["Hi", "B"]
    assert session.say(Undo()) == looped
    assert session.say(Undo()) == first_title


def test_undo_after_edits_of_the_same_message_undoes_those() -> None:
    session = Session()
    before = session.say(TITLE)
    assert session.say(Loop(), Undo()) == before
    assert session.say(Redo()) != before


def test_new_edit_clears_the_redo_steps() -> None:
    session = Session()
    session.say(TITLE)
    session.say(Undo())
    session.say(Loop())
    with pytest.raises(EditRejected, match="nothing to redo"):
        session.say(Redo())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("walk", "said"),
    [(Undo(3), "only 1 step can be undone"), (Redo(), "nothing to redo")],
)
def test_too_many_undo_steps_change_nothing(walk: Edit, said: str) -> None:
    session = Session()
    before = session.say(TITLE)
    with pytest.raises(EditRejected, match=said):
        session.say(walk)
    assert session.now == before


def test_new_session_has_nothing_to_undo() -> None:
    with pytest.raises(EditRejected, match="nothing to undo"):
        Session().say(Undo())


def test_turn_between_two_stages_is_its_own_step() -> None:
    session = Session()
    clip, added = split_stages((Generate("ocean", 4.0, "waves"),))
    one = build_versions(clip, session.find(1), 1, session.find, _apply)
    session._keep(one[0])
    between = build_versions((TITLE,), session.find(2), 2, session.find, _apply)
    session._keep(between[0])
    last = build_versions(added, session.find(3), 1, session.find, _apply)
    assert [version[0].undo_to for version in (one, between, last)] == [1, 2, 3]


@pytest.mark.slow
@MANY
@given(messages)
def test_undo_of_the_first_edit_keeps_the_placed_uploads(some: list[Edit]) -> None:
    session, usual = Session(placing=True), Session()
    empty = session.now
    placed = _place(split_stages(tuple(some))[0], EMPTY)
    try:
        after = session.say(*some)
    except EditRejected:
        return
    assert after == usual.say(*some)
    if placed is None:
        assert session.say(Undo()) == empty
        return
    assert session.say(Undo()) == encode_json(draft_to_wire(placed))
    assert session.say(Redo()) == after
    assert session.say(Undo(2)) == empty
    assert session.say(Redo(2)) == after


def test_requested_uploads_and_an_edit_of_one_message_are_one_step() -> None:
    session = Session(placing=True)
    empty = session.now
    session.say(PlaceUploads(), Loop())
    assert session.say(Undo()) == empty
