"""The rendered result of chat messages."""

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
    """The result: its file, the report of the renderer, its frames and samples."""

    def __init__(self, path: Path, result: RenderResult, draft: Draft) -> None:
        self.path, self.result, self.draft = path, result, draft

    @cached_property
    def seen(self) -> DecodedVideo:
        """Its frames, decoded once."""
        return DecodedVideo(self.path)

    @property
    def heard(self) -> "array[float]":
        """Its samples; two seconds of silence if it has no audio."""
        with av.open(str(self.path)) as container:
            if not container.streams.audio:
                return array("f", [0.0] * 2 * 48_000)
        return read_samples(self.path)

    def counters(self, *frames: int) -> list[int]:
        """The values of the sample's counter in these frames."""
        return [self.seen.counter(frame) for frame in frames]

    def shows(
        self, color: tuple[int, int, int], frame: int, x: float = 0.5, y: float = 0.5
    ) -> bool:
        """Whether a point of a frame (negative from the end) has about this color."""
        rgb = self.seen.rgb(frame % len(self.seen), x, y)
        return all(abs(a - b) <= _NEAR for a, b in zip(rgb, color, strict=True))


Ask = Callable[..., Outcome]
"""Applies messages to `uploads`, one after another, and renders the result."""
