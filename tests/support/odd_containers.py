"""Containers as Hypothesis makes them: every way in which time stamps and headers may go wrong.

Time stamps that start anywhere, holes, variable rates, tracks that begin late or end early, tracks
that nobody can decode, headers that lie, files that are cut off.
"""

import struct
from pathlib import Path

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.support.containers import FRAGMENTED, LIVE, Recipe, write

_OPTIONS: dict[str, list[dict[str, str]]] = {
    "mkv": [{}, LIVE],
    "webm": [{}, LIVE],
    "mp4": [{}, FRAGMENTED, {"movflags": "faststart"}],
    "mov": [{}, FRAGMENTED],
    "avi": [{}],
}
# Container → bytes that name the sound, and bytes of the same length that nobody knows.
_UNKNOWN = {
    "mp4": (b"mp4a", b"apac"),
    "mov": (b"sowt", b"apac"),
    "mkv": (b"A_OPUS", b"A_XPUS"),
    "webm": (b"A_OPUS", b"A_XPUS"),
    "avi": (b"\1\0\1\0\x80\xbb", b"\x77\x77\1\0\x80\xbb"),
}
# Container → marks behind which a header tells a length or a rate, how far behind, how it is told.
_CLAIMS = {
    "mkv": [(b"\x44\x89\x88", 0, ">d"), (b"\x23\xe3\x83\x84", 0, ">I")],
    "webm": [(b"\x44\x89\x88", 0, ">d"), (b"\x23\xe3\x83\x84", 0, ">I")],
    "mp4": [(b"mvhd", 16, ">I"), (b"tkhd", 20, ">I")],
    "mov": [(b"mvhd", 16, ">I"), (b"tkhd", 20, ">I")],
    "avi": [(b"avih", 0, "<I"), (b"avih", 16, "<I")],
}
_SHORTEST_MS = 40


class Odd(msgspec.Struct, frozen=True):
    """A recipe and what is done to its file."""

    recipe: Recipe
    unknown_sound: bool = False
    claim: tuple[int, float] | None = None
    kept: float = 1.0

    @property
    def changed(self) -> bool:
        """Whether its bytes are not those that were written."""
        return self.unknown_sound or self.claim is not None or self.kept < 1

    def write(self, path: Path) -> Path:
        """Make the file."""
        content = write(path, self.recipe).read_bytes()
        extension = self.recipe.extension
        if self.unknown_sound:
            old, new = _UNKNOWN[extension]
            # Brands of an MP4 stand before what they name.
            content = content[:64] + content[64:].replace(old, new).replace(b"esds", b"xxxx")
        if self.claim is not None:
            which, value = self.claim
            mark, offset, form = _CLAIMS[extension][which]
            if (at := content.find(mark)) >= 0:
                at += len(mark) + offset
                reported = struct.pack(form, value if form == ">d" else int(value))
                content = content[:at] + reported + content[at + len(reported) :]
        path.write_bytes(content[: round(len(content) * self.kept)])
        return path


@st.composite
def odd_containers(draw: DrawFn) -> Odd:
    """Any of them."""
    extension = draw(st.sampled_from(list(_OPTIONS)))
    even = extension == "avi"
    start = 0 if even else draw(st.sampled_from([0, 0, 1, 33, 1000, 60_000, 3_600_000]))
    pictures = draw(_even_pictures() if even else _pictures(start))
    sounds = draw(_sounds(start, late=not even))
    if not pictures and not sounds:
        pictures = tuple(start + 40 * n for n in range(5))
    recipe = Recipe(extension, pictures, sounds, draw(st.sampled_from(_OPTIONS[extension])))
    return Odd(
        recipe,
        unknown_sound=bool(sounds) and draw(st.sampled_from([False, False, True])),
        claim=draw(st.none() | st.tuples(st.sampled_from([0, 1]), _CLAIMED)),
        kept=draw(st.just(1.0) | st.floats(0.3, 1.0)),
    )


_CLAIMED = st.sampled_from([0.0, 1.0, 40.0, 1000.0, 1e6, 4e9])


@st.composite
def _pictures(draw: DrawFn, start: int) -> tuple[int, ...]:
    """Pictures at a rate, at changing rates, with holes, or none."""
    count = draw(st.sampled_from([0, 1, 2, 3, 10, 40]))
    usual = draw(st.sampled_from([4, 8, 16, 33, 40, 100]))
    gap = st.just(usual) if draw(st.booleans()) else st.integers(1, 400)
    at = start + draw(st.sampled_from([0, 0, 500, 3000]))
    times = []
    for number in range(count):
        times.append(at)
        hole = number == count // 2 and draw(st.sampled_from([False, False, True]))
        at += max(draw(gap), _SHORTEST_MS if count < 3 else 1) + 5000 * hole
    return tuple(times)


def _even_pictures() -> SearchStrategy[tuple[int, ...]]:
    return st.integers(2, 40).map(lambda count: tuple(40 * n for n in range(count)))


@st.composite
def _sounds(draw: DrawFn, start: int, late: bool) -> tuple[int, ...]:
    at = start + (draw(st.sampled_from([0, 0, 500, 3000])) if late else 0)
    return tuple(at + 20 * n for n in range(draw(st.sampled_from([0, 5, 50, 100]))))
