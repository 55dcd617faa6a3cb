"""What is rendered, as frozen values: pictures, sounds and titles at exact frames and samples."""

from fractions import Fraction
from pathlib import Path

import msgspec

from .media import MediaInfo
from .quality import Encoding

SAMPLE_RATE = 48_000


class Source(msgspec.Struct, frozen=True):
    """A stored file and what probing found in it."""

    path: Path
    info: MediaInfo


class Picture(msgspec.Struct, frozen=True):
    """A piece of the video track: `frames` of a source from `start` seconds on; None is black.

    The fades are frames.
    """

    frames: int
    source: Source | None = None
    start: float = 0.0
    speed: float = 1.0
    fade_in: int = 0
    fade_out: int = 0


class Sound(msgspec.Struct, frozen=True):
    """A piece of sound: `samples` of a source from `start` seconds on.

    It is heard from sample `at` of the render on; the fades are samples, the volume a factor.
    """

    source: Source
    at: int
    samples: int
    start: float = 0.0
    speed: float = 1.0
    volume: float = 1.0
    fade_in: int = 0
    fade_out: int = 0


class Title(msgspec.Struct, frozen=True):
    """A text over the picture: milliseconds, pixels of this render, `rrggbb`, ASS alignment 1–9.

    `path` is where the draft says it.
    """

    path: str
    text: str
    start_ms: float
    end_ms: float
    size: int
    color: str = "ffffff"
    alignment: int = 2
    fade_in_ms: float = 0.0
    fade_out_ms: float = 0.0


class RenderPlan(msgspec.Struct, frozen=True):
    """A whole render; nothing in it is a user's but the texts of its titles.

    `lanes` are the tracks with sound, each in order and without overlap; `samples` is the length
    of the sound, 0 for a silent file; `warnings` say what of the draft is not in the plan.
    """

    width: int
    height: int
    fps: Fraction
    frames: int
    samples: int
    encoding: Encoding
    pictures: tuple[Picture, ...]
    lanes: tuple[tuple[Sound, ...], ...] = ()
    titles: tuple[Title, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def duration(self) -> float:
        """Seconds of picture."""
        return float(self.frames / self.fps)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The files that the render reads, each once."""
        shown = [picture.source for picture in self.pictures if picture.source is not None]
        heard = [sound.source for lane in self.lanes for sound in lane]
        return tuple({source.path: source for source in (*shown, *heard)}.values())
