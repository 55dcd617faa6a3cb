"""What is rendered, as frozen values: pictures, sounds and titles at exact frames and samples."""

from fractions import Fraction
from pathlib import Path
from typing import Literal

import msgspec

from nemolocal_contract.effects import Overlay, PictureEffect, TransitionType

from ..media import MediaInfo
from .encode_settings import EncodeSettings

SAMPLE_RATE = 48_000

FitMode = Literal["pad", "crop", "blur"]
"""How a picture of another shape fills the canvas."""


class MediaSource(msgspec.Struct, frozen=True):
    """A stored file and what probing found in it."""

    path: Path
    info: MediaInfo


class VideoClip(msgspec.Struct, frozen=True):
    """A segment as it is seen: `frames` of a source from `start` seconds on, and how they look.

    The fades are frames of this render, from and to black on the main track, from and to nothing
    on the others. `overlay` is where it stands; without it the shot fills the canvas. `path` is
    where the draft says it.
    """

    source: MediaSource
    frames: int
    source_start: float = 0.0
    speed: float = 1.0
    reverse: bool = False
    effects: tuple[PictureEffect, ...] = ()
    overlay: Overlay | None = None
    fade_in: int = 0
    fade_out: int = 0
    path: str = ""

    @property
    def is_still(self) -> bool:
        """Whether its source is one picture."""
        return self.source.info.kind == "image" and not self.source.info.is_animated

    @property
    def is_opaque(self) -> bool:
        """Whether nothing below it is seen, its fades apart."""
        return self.overlay is None and not self.source.info.has_alpha


class ClipTransition(msgspec.Struct, frozen=True):
    """A transition: its kind and how many frames it takes."""

    type: TransitionType
    frames: int


class ClipSlice(msgspec.Struct, frozen=True):
    """Frames `first` to `first + frames` of a shot, from frame `at` of the render on.

    Frames before 0 or behind the shot's own come from the source as far as it reaches: they are
    there for transitions. With `mix`, the first frames overlap the end of the picture before.
    """

    clip: VideoClip
    start_frame: int
    frames: int
    first_clip_frame: int = 0
    transition_in: ClipTransition | None = None

    @property
    def end_frame(self) -> int:
        """The frame of the render behind the last one."""
        return self.start_frame + self.frames

    @property
    def has_fade(self) -> bool:
        """Whether one of the shot's fades shows in these frames."""
        shot = self.clip
        coming = shot.fade_in > 0 and self.first_clip_frame < shot.fade_in
        going = (
            shot.fade_out > 0 and self.first_clip_frame + self.frames > shot.frames - shot.fade_out
        )
        return coming or going


Layer = tuple[ClipSlice, ...]
"""The pictures of a video track in order of time, without overlap but for their transitions."""


class AudioFade(msgspec.Struct, frozen=True):
    """Sound that comes or goes over samples of itself; `qsin` keeps a crossfade equally loud."""

    kind: Literal["in", "out"]
    start: int
    samples: int
    curve: Literal["tri", "qsin"] = "tri"


class AudioDucking(msgspec.Struct, frozen=True):
    """Sound that is quieter by a share in these stretches of its own samples."""

    amount: float
    ranges: tuple[tuple[int, int], ...]


class AudioClip(msgspec.Struct, frozen=True):
    """A piece of sound: `samples` of a source from `start` seconds on.

    It is heard from sample `at` of the render on; the volume is a factor. `path` is where the draft
    says it.
    """

    source: MediaSource
    start_sample: int
    samples: int
    source_start: float = 0.0
    speed: float = 1.0
    volume: float = 1.0
    reverse: bool = False
    fades: tuple[AudioFade, ...] = ()
    ducking: AudioDucking | None = None
    path: str = ""


class Title(msgspec.Struct, frozen=True):
    """A text over the picture: milliseconds, pixels of this render, `rrggbb`, ASS alignment 1–9.

    `path` is where the draft says it; `font` is the family that it asks for.
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
    font: str | None = None


class RenderPlan(msgspec.Struct, frozen=True):
    """A whole render, or the part of one that begins at frame `begin`.

    Nothing in it is a user's but the texts and the font names of its titles. `layers` are the video
    tracks from the lowest up, `lanes` are sounds in order and without overlap; `samples` is the
    length of the sound, 0 for a silent file; `copied` is the source that may be copied as it is;
    `bright` are the paths of segments whose high dynamic range has to be narrowed;
    `warnings` say what of the draft is not in the plan.
    """

    width: int
    height: int
    fps: Fraction
    frames: int
    samples: int
    encoding: EncodeSettings
    layers: tuple[Layer, ...] = ()
    audio_tracks: tuple[tuple[AudioClip, ...], ...] = ()
    titles: tuple[Title, ...] = ()
    fit: FitMode = "pad"
    start_frame: int = 0
    copy_source: MediaSource | None = None
    hdr_segments: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def duration(self) -> float:
        """Seconds of picture."""
        return float(self.frames / self.fps)

    @property
    def sources(self) -> tuple[MediaSource, ...]:
        """The files that the render reads, each once."""
        shown = [picture.clip.source for layer in self.layers for picture in layer]
        heard = [sound.source for lane in self.audio_tracks for sound in lane]
        return tuple({source.path: source for source in (*shown, *heard)}.values())
