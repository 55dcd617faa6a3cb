"""What came of things that were said of some uploads, and were rendered."""

from array import array
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import av

from nemolocal_contract.draft import Draft
from nemolocal_render.job import RenderResult

from .audio import read_samples
from .frames import DecodedVideo

_NEAR = 40


class Outcome:
    """A rendered wish: its file, what was reported, what is seen and heard in it."""

    def __init__(self, path: Path, result: RenderResult, draft: Draft) -> None:
        self.path, self.result, self.draft = path, result, draft

    @cached_property
    def seen(self) -> DecodedVideo:
        """Its pictures, decoded once."""
        return DecodedVideo(self.path)

    @property
    def heard(self) -> "array[float]":
        """Its samples; two seconds of none where there is no sound."""
        with av.open(str(self.path)) as container:
            if not container.streams.audio:
                return array("f", [0.0] * 2 * 48_000)
        return read_samples(self.path)

    def counters(self, *frames: int) -> list[int]:
        """What the sample's counter says in these frames."""
        return [self.seen.counter(frame) for frame in frames]

    def shows(
        self, color: tuple[int, int, int], frame: int, x: float = 0.5, y: float = 0.5
    ) -> bool:
        """Whether a point of a frame (negative from the end) is of about this colour."""
        rgb = self.seen.rgb(frame % len(self.seen), x, y)
        return all(abs(a - b) <= _NEAR for a, b in zip(rgb, color, strict=True))


Ask = Callable[..., Outcome]
"""Says messages one after another, of `uploads`, and renders what comes of it."""
