"""The timeline as lanes: to scale, named, with seconds, never wider than the terminal."""

import pytest
from hypothesis import given, strategies as st
from rich.cells import cell_len

from nemolocal.timeline_view import fit_to_width, format_timeline
from nemolocal_contract.draft import Draft, draft_from_wire


def timeline(*tracks: tuple[int, list[tuple[str, int, int]]]) -> Draft:
    wire = [
        {"tt": kind, "sg": [{"s": s, "d": d, "m": {"title": name}} for name, s, d in segments]}
        for kind, segments in tracks
    ]
    return draft_from_wire({"t": wire})


def test_lanes_are_drawn_to_scale_with_names_and_seconds() -> None:
    draft = timeline(
        (0, [("beach", 0, 6000), ("city", 6000, 4000)]),
        (1, [("Lo-fi", 0, 10000)]),
        (7, [("Hi", 5000, 2000)]),
    )
    assert format_timeline(draft, 53) == [
        "      0s" + " " * 35 + "10s",
        "Video [beach 0-6s" + "─" * 12 + "][city 6-10s────]",
        "BGM   [Lo-fi 0-10s" + "─" * 27 + "]",
        "Title " + " " * 20 + "[Hi────]",
    ]


def test_empty_timeline_is_said() -> None:
    assert format_timeline(timeline(), 80) == ["The timeline is empty"]
    assert format_timeline(timeline((0, [])), 80) == ["The timeline is empty"]


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 1, 7, 99]),
            st.lists(
                st.tuples(st.text(max_size=30), st.integers(0, 10**6), st.integers(1, 10**6)),
                max_size=5,
            ),
        ),
        max_size=4,
    ),
    st.integers(40, 120),
)
def test_no_line_is_wider_than_the_terminal_by_more_than_the_shortest_block(
    tracks: list[tuple[int, list[tuple[str, int, int]]]], width: int
) -> None:
    for line in format_timeline(timeline(*tracks), width):
        assert cell_len(line) <= width + 3
        assert "\n" not in line


@pytest.mark.slow
@pytest.mark.parametrize("name", ["海滩" * 20, "é" * 50, "e\u0301" * 50, "a" * 500])
def test_long_and_wide_names_are_cut(name: str) -> None:
    lane = format_timeline(timeline((0, [(name, 0, 1000)])), 60)[1]
    assert cell_len(lane) <= 60
    assert lane.endswith("…]") or "…─]" in lane


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["👨‍👩‍👧" * 30, "❤️" * 30, "👍🏽" * 30, "🏖️ beach " * 10], ids="abcd"
)
def test_emoji_of_several_characters_take_two_columns(name: str) -> None:
    ruler, lane = format_timeline(timeline((0, [(name, 0, 1000)])), 60)
    assert cell_len(lane) == len(ruler)
    assert lane.endswith(("…]", "…─]"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "width", "fitted"),
    [
        ("abc", 5, "abc__"),
        ("abc", 3, "abc"),
        ("abc", 2, "a…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
        ("abc", -1, ""),
        ("海滩", 4, "海滩"),
        ("海滩", 3, "海…"),
        ("海滩", 2, "…_"),
        ("海滩", 1, "…"),
        ("", 2, "__"),
    ],
)
def test_text_is_cut_or_filled_to_columns(text: str, width: int, fitted: str) -> None:
    assert fit_to_width(text, width, "_") == fitted
