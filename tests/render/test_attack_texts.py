"""Titles that were made to do harm are drawn as they are written, or refused, and cost little."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.support.attacks import FRAMES, Outcome, is_cheap, try_files
from tests.support.frames import DecodedVideo

pytestmark = pytest.mark.ffmpeg

STYLE = {"pos": "center", "size": 100}

# A text, and a harmless one that looks almost the same.
LITERAL = {
    "drawing": (r"{\p1}m 0 0 l 99 0 99 99{\p0}", "(/p1)m 0 0 l 99 0 99 99(/p0)"),
    "nothing": (r"{\alpha&HFF&}here", "(/alpha&HFF&)here"),
    "place": (r"{\an7\pos(0,0)}here", "(/an7/pos(0,0))here"),
    "huge": (r"{\fs900}A", "(/fs900)A"),
    "clock": ("%{pts}%{localtime}%n", "#(pts)#(localtime)#n"),
    "program": ("%{eif:system('id'):d} `id` $(id)", '#(eif:system"id":d) "id" S(id)'),
    "quotes": ("it's 'a' \"b\"", 'it"s "a" \'b\''),
    "path": (r"C:\new\Nope\h\\", r"C:/new/Nope/h//"),
    "graph": ("x[v];movie=/etc/passwd", "x(v),movie=/etc/passwd"),
    "event": ("a\nDialogue: 0,0:00:00.00", "a\nDialogue- 0,0-00-00-00"),
    "section": ("[Events]\nStyle: T0", "(Events)\nStyle- T0"),
    "comment": ("; !: a {b}", ": l: a (b)"),
    "nul": ("one\0two", "onetwo"),
    "controls": ("one\x01\x1b[31m\x7ftwo", "one[31mtwo"),
    "surrogate": ("one\ud800two", "onetwo"),
    "marks": ("one\u200b\u2060\ufefftwo", "onetwo"),
    "override": ("abc \u202edef\u202c ghi", "abc fed ghi"),
    "isolate": ("\u2066one\u2069 \u2067two\u2069", "one owt"),
}
# They are drawn as far as there is room, or not at all.
BOUNDLESS = {
    "long": "W" * 2000,
    "lines": "a\n" * 1000,
    "words": "ab " * 666,
    "braces": "{\\" * 1000,
    "accents": "Z" + "\u0335\u0336" * 900,
    "right-to-left": "م" * 2000,
    "turns": "\u202ea\u202cb" * 500,
    "faces": "👩‍👩‍👧" * 400,
    "unknown": "\U000e0041\ufffd\uffff" * 600,
    "blank": " \t\u3000" * 600,
}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "endless": ({"txt": "a" * 100_000}, "draft.t[0].sg[0].txt: is longer than 2000 characters"),
    "number": ({"txt": 5}, "draft.t[0].sg[0].txt: is a number, which it cannot be"),
    "size": ({"txt": "a", "st": {"size": 1e300}}, "draft.t[0].sg[0].st.size: must be from 1 to"),
}
ODD_STYLES: dict[str, dict[str, Any]] = {
    "font-path": {"font": "../../../etc/passwd"},
    "font-tag": {"font": r"{\p1}Arial,0,&H00"},
    "font-long": {"font": "A" * 100_000},
    "colour": {"color": "#fff,10,0:0"},
    "position": {"pos": "top-left;movie=x"},
}


SEGMENTS: dict[str, dict[str, Any]] = {
    **{f"bad-{name}": {"txt": bad} for name, (bad, _) in LITERAL.items()},
    **{f"twin-{name}": {"txt": twin} for name, (_, twin) in LITERAL.items()},
    **{name: {"txt": text} for name, text in BOUNDLESS.items()},
    **{name: segment for name, (segment, _) in REFUSED.items()},
    **{name: {"txt": "Hi", "st": style} for name, style in ODD_STYLES.items()},
}


def tried(names: Iterable[str], folder: Path) -> dict[str, Outcome]:
    """What came of these segments, by their names; `path` is the render."""
    paths = [folder / f"{name}.json" for name in names]
    for path in paths:
        content = json.dumps({"st": STYLE, **SEGMENTS[path.stem]})
        path.write_text(content, encoding="utf-8")
    outcomes = try_files(paths, folder / "work")
    return {
        path.stem: {**outcomes[path.name], "path": folder / "work" / f"{path.name}.mp4"}
        for path in paths
    }


def ink(seen: DecodedVideo) -> int:
    return sum(level > 110 for y in range(seen.height) for level in seen.row(3, y / seen.height))


def require_drawn_as_written(bad: Outcome, twin: Outcome) -> None:
    assert (bad.get("frames"), twin.get("frames")) == (FRAMES, FRAMES), bad
    drawn, meant = ink(DecodedVideo(bad["path"])), ink(DecodedVideo(twin["path"]))
    assert meant > 100
    assert abs(drawn - meant) < 0.2 * meant


# A process tries many, so that they are few tests over tables.
@pytest.mark.slow
@pytest.mark.parametrize(
    "names",
    [["nothing", "event"], pytest.param(list(LITERAL), marks=pytest.mark.slow)],
    ids=["some", "all"],
)
def test_markup_is_drawn_as_it_is_written(
    names: list[str], tmp_path: Path, subtests: pytest.Subtests
) -> None:
    outcomes = tried([f"{kind}-{name}" for name in names for kind in ("bad", "twin")], tmp_path)
    for name in names:
        with subtests.test(name):
            bad, twin = outcomes[f"bad-{name}"], outcomes[f"twin-{name}"]
            assert is_cheap(bad)
            assert is_cheap(twin)
            require_drawn_as_written(bad, twin)


@pytest.mark.slow
@pytest.mark.parametrize("names", [[*BOUNDLESS, *ODD_STYLES]], ids=["all"])
def test_what_has_no_bounds_is_still_a_render(
    names: list[str], tmp_path: Path, subtests: pytest.Subtests
) -> None:
    for name, outcome in tried(names, tmp_path).items():
        with subtests.test(name):
            assert is_cheap(outcome)
            assert outcome.get("frames") == FRAMES, outcome


@pytest.mark.slow
@pytest.mark.rule("REN-9")
def test_what_makes_no_sense_is_refused_with_its_path(
    tmp_path: Path, subtests: pytest.Subtests
) -> None:
    for name, outcome in tried(REFUSED, tmp_path).items():
        with subtests.test(name):
            assert is_cheap(outcome)
            assert outcome.get("refused", "").startswith(REFUSED[name][1]), outcome
