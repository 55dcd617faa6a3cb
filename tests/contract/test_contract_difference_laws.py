"""What changed, as laws: nothing is told of nothing, something of anything, whatever the drafts."""

import math

import pytest
from hypothesis import given, strategies as st

from nemolocal_contract.describe import describe_changes, describe_timeline
from nemolocal_contract.draft import Draft, draft_from_wire, draft_to_wire
from nemolocal_contract.effects import EFFECTS, POSITIONS, TRANSITIONS

# Drafts of every kind: whole ones, and ones whose fields are missing or senseless.
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
numbers = st.integers() | st.floats(allow_nan=False) | st.sampled_from([0, 1, 1000, 5000])
effects = st.fixed_dictionaries(
    {"type": st.sampled_from([*EFFECTS, "glitter"]) | anything},
    optional={
        "amount": st.floats(-1, 1) | anything,
        "degrees": st.sampled_from([90, 45]),
        "axis": st.sampled_from(["vertical", "odd"]),
        "position": st.sampled_from([*POSITIONS, "odd"]),
    },
)
segments = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from("abc") | anything,
        "src": st.sampled_from("xy") | anything,
        **dict.fromkeys(["s", "d", "ss", "sp", "v", "fi", "fo"], numbers | anything),
        "txt": st.text(max_size=4) | anything,
        "st": st.dictionaries(st.sampled_from(["color", "pos", "size", "font"]), anything),
        "tr": st.fixed_dictionaries({}, optional={"type": st.sampled_from(TRANSITIONS)}) | anything,
        "fx": st.lists(effects, max_size=3) | anything,
        "m": st.fixed_dictionaries({}, optional={"title": anything}) | anything,
    },
)
tracks = st.fixed_dictionaries(
    {},
    optional={
        "tt": st.sampled_from([0, 0, 1, 7, 9]) | anything,
        "n": st.sampled_from(["Overlay", "Subtitles", "BGM"]) | anything,
        "sg": st.lists(segments, max_size=4) | anything,
    },
)
settings_names = ["title", "width", "height", "fps", "compress", "fit", "resolution", "look"]
drafts = st.fixed_dictionaries(
    {},
    optional={
        "t": st.lists(tracks, max_size=3) | anything,
        "d": numbers | anything,
        "m": st.dictionaries(st.sampled_from(settings_names), anything | numbers) | anything,
    },
).map(draft_from_wire)
languages = st.sampled_from(["en", "zh"])


@pytest.mark.slow
@given(drafts, languages)
def test_no_change_is_nothing_told(one: Draft, language: str) -> None:
    assert describe_changes(one, one, language) == []
    assert describe_changes(one, draft_from_wire(draft_to_wire(one)), language) == []


@pytest.mark.slow
@given(drafts, drafts, languages)
def test_any_change_of_any_two_drafts_is_told(before: Draft, after: Draft, language: str) -> None:
    reported = describe_changes(before, after, language)
    assert bool(reported) == (before != after)
    assert all(sentence.strip() for sentence in reported)


@pytest.mark.slow
@given(drafts, languages)
def test_any_draft_can_be_told_as_a_line(one: Draft, language: str) -> None:
    assert describe_timeline(one, language).startswith(("Timeline (", "时间线（"))


def test_a_length_that_is_no_number_is_told_as_none() -> None:
    before = draft_from_wire({"t": [{}], "d": 1000})
    reported = describe_changes(before, Draft(tracks=before.tracks, duration_ms=math.nan))
    assert reported == ["Total length changed from 1s to 0s"]
