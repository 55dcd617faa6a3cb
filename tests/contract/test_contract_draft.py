"""The draft: short names and typed values are two views of one thing, and nothing gets lost."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from nemolocal_contract.draft import (
    MAX_LEVELS,
    MAX_VALUES,
    Draft,
    Metadata,
    Segment,
    Style,
    Track,
    TrackType,
    Transition,
    draft_from_wire,
    draft_to_wire,
    find_excess,
    find_mistyped_field,
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
short_names = st.sampled_from(
    "t tt sg d m id s n src ss sp v txt st fi fo tr fx type pos size title tracks extra".split()
)
# JSON whose names are mostly the contract's, so that right and wrong types meet them.
wire_like = st.recursive(
    json_values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(short_names, inner, max_size=6),
    max_leaves=20,
)
wire_objects = st.dictionaries(short_names | st.text(max_size=3), wire_like, max_size=6)


def test_whole_number_may_be_spelled_with_a_fraction_of_zero() -> None:
    wire = {"t": [{"tt": 7.0, "sg": []}, {"tt": 0.0}, {"tt": 0.5}, {"tt": True}]}
    draft = draft_from_wire(wire)
    assert [track.type for track in draft.tracks or ()] == [TrackType.TEXT, 0, None, None]
    assert repr(draft_to_wire(draft)) == repr(wire)


@pytest.mark.slow
@given(wire_objects)
@pytest.mark.rule("STA-4")
def test_any_json_object_comes_back_from_a_draft_as_it_was(wire: dict[str, Any]) -> None:
    assert_same_json(draft_to_wire(draft_from_wire(wire)), wire)


def assert_same_json(actual: Any, expected: Any) -> None:
    """Equal, and of equal types: to JSON, 1, 1.0 and true are three things."""
    assert actual == expected
    assert repr_of(actual) == repr_of(expected)


def repr_of(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: repr_of(item) for name, item in value.items()}
    if isinstance(value, list):
        return [repr_of(item) for item in value]
    return repr(value)


def optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


numbers = st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False)
# What a model does not know; a name that it knows would not be unknown.
unknown = st.dictionaries(
    st.text(max_size=4).map(lambda name: f"x_{name}"), json_values, max_size=2
)
objects = st.dictionaries(st.text(max_size=3), json_values, max_size=2)
styles = st.builds(
    Style,
    extra=unknown,
    size=optional(numbers),
    color=optional(st.text()),
    position=optional(st.text()),
    font=optional(st.text()),
)
transitions = st.builds(
    Transition, extra=unknown, type=optional(st.text()), duration_ms=optional(numbers)
)
segments = st.builds(
    Segment,
    extra=unknown,
    id=optional(st.text()),
    start_ms=optional(numbers),
    duration_ms=optional(numbers),
    source=optional(st.text()),
    source_start_ms=optional(numbers),
    speed=optional(numbers),
    volume=optional(numbers),
    text=optional(st.text()),
    style=optional(styles),
    fade_in_ms=optional(numbers),
    fade_out_ms=optional(numbers),
    transition=optional(
        st.builds(
            Transition, extra=unknown, type=optional(st.text()), duration_ms=optional(numbers)
        )
    ),
    effects=optional(st.lists(objects, max_size=2).map(tuple)),
    metadata=optional(objects),
)
tracks = st.builds(
    Track,
    extra=unknown,
    type=optional(st.integers(0, 9)),
    id=optional(st.text()),
    name=optional(st.text()),
    segments=optional(st.lists(segments, max_size=3).map(tuple)),
    metadata=optional(objects),
)
drafts = st.builds(
    Draft,
    extra=unknown,
    tracks=optional(st.lists(tracks, max_size=3).map(tuple)),
    duration_ms=optional(numbers),
    metadata=optional(
        st.builds(Metadata, extra=unknown, title=optional(st.text()), compression=optional(objects))
    ),
)


@pytest.mark.slow
@given(drafts)
def test_any_draft_comes_back_from_the_wire_as_it_was(draft: Draft) -> None:
    assert draft_from_wire(draft_to_wire(draft)) == draft


@pytest.mark.rule("STA-2")
def test_the_wire_speaks_short_names_and_python_long_ones() -> None:
    wire = {
        "t": [{"tt": 0, "n": "Main", "sg": [{"s": 0, "d": 2500, "src": "a", "ss": 10, "zoom": 2}]}],
        "d": 2500,
    }
    draft = draft_from_wire(wire)
    (track,) = draft.of_type(TrackType.VIDEO)
    assert track.segments == (
        Segment(start_ms=0, duration_ms=2500, source="a", source_start_ms=10, extra={"zoom": 2}),
    )
    assert track.segments[0].end_ms == 2500


def test_a_value_of_the_wrong_type_is_kept_and_not_believed() -> None:
    draft = draft_from_wire({"d": "long", "t": [{"sg": [{"d": True, "v": None}]}]})
    assert draft.duration_ms is None
    assert draft.extra == {"d": "long"}
    assert draft.tracks is not None
    assert draft.tracks[0].segments == (Segment(extra={"d": True, "v": None}),)


@pytest.mark.rule("REN-9")
@pytest.mark.parametrize(
    ("wire", "found"),
    [
        ({"d": "long"}, (".d", "long")),
        ({"m": {"width": "wide"}}, (".m.width", "wide")),
        ({"t": [{}, {"sg": [{}, {"v": True}]}]}, (".t[1].sg[1].v", True)),
        ({"t": [{"sg": [{"st": {"size": []}}]}]}, (".t[0].sg[0].st.size", [])),
        ({"t": [{"sg": "none"}]}, (".t[0].sg", "none")),
        ({"d": None, "t": [{"unknown": "x", "sg": [{"v": None}]}]}, None),
    ],
)
def test_the_first_value_of_a_wrong_type_is_found_with_its_path(
    wire: dict[str, Any], found: tuple[str, Any] | None
) -> None:
    assert find_mistyped_field(draft_from_wire(wire)) == found


@pytest.mark.rule("STA-3")
def test_a_draft_is_ready_when_some_track_has_a_segment() -> None:
    assert not Draft().ready
    assert not draft_from_wire({"t": [{"tt": 0, "sg": []}]}).ready
    assert draft_from_wire({"t": [{"tt": 0, "sg": []}, {"tt": 7, "sg": [{}]}]}).ready


def test_values_and_levels_are_counted_to_the_last_one() -> None:
    deepest: list[Any] = []
    for _ in range(MAX_LEVELS - 1):
        deepest = [deepest]
    assert find_excess(deepest) == ""
    assert "levels" in find_excess([deepest])
    assert "levels" in find_excess({"m": deepest})
    assert find_excess([1] * MAX_VALUES) == find_excess({}) == find_excess(None) == ""
    assert "values" in find_excess([1] * (MAX_VALUES + 1))
    assert "values" in find_excess({"a": [1] * MAX_VALUES})
