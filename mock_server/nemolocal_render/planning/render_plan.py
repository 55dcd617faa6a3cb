"""The render plan as frozen values: video, audio and titles at exact frames and samples."""

from fractions import Fraction
from typing import Literal

import msgspec

from nemolocal_contract.effect_presets import PresetColor
from nemolocal_contract.effects import (
    AudioEffect,
    Cell,
    ChromaKey,
    Overlay,
    PictureEffect,
    SmoothMotion,
    Stabilize,
    TransitionType,
)
from nemolocal_contract.text_effects import TextEffect

from ..media import MediaSource
from .output_settings import EncodeSettings, FitMode

SAMPLE_RATE = 48_000


class VideoClip(msgspec.Struct, frozen=True):
    """A video segment: `frames` frames of a source from `source_start` seconds on, with effects.

    Fades are in frames of the render, from and to black on the main track, from and to transparent
    on the others. Without `overlay` the clip fills the canvas. `path` is its path in the draft.
    With `freeze` the first of these frames is held; with `solid` there is a colour and no source.
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
    freeze: bool = False
    solid: PresetColor | None = None

    @property
    def is_still(self) -> bool:
        """Whether it shows one picture: a still image, a frame that is held, a plain colour."""
        info = self.source.info
        return self.freeze or (info.kind == "image" and not info.is_animated)

    @property
    def is_opaque(self) -> bool:
        """Whether the clip hides everything below it, except while it fades."""
        return self.overlay is None and self.cell is None and not self.has_alpha

    @property
    def has_alpha(self) -> bool:
        """Whether parts of it are transparent: in the source, or keyed out."""
        return self.source.info.has_alpha or self.chroma_key is not None

    @property
    def chroma_key(self) -> ChromaKey | None:
        """The last chroma key of the clip."""
        return next((e for e in reversed(self.effects) if isinstance(e, ChromaKey)), None)

    @property
    def cell(self) -> Cell | None:
        """The cell of a split screen that the clip fills; an overlay goes before it."""
        if self.overlay is not None:
            return None
        return next((e for e in reversed(self.effects) if isinstance(e, Cell)), None)

    @property
    def stabilization(self) -> float | None:
        """How much the clip is stabilized; None if it is not."""
        amounts = [e.amount for e in self.effects if isinstance(e, Stabilize)]
        return amounts[-1] if amounts and not self.is_still else None

    @property
    def has_motion_analysis(self) -> bool:
        """Whether its movements are measured in a pass before the render.

        Reversed clips are rendered in pieces, and transparent ones cannot be measured.
        """
        return self.stabilization is not None and not (self.reverse or self.has_alpha)

    @property
    def is_interpolated(self) -> bool:
        """Whether frames between those of the source are computed."""
        return not self.has_alpha and any(
            isinstance(effect, SmoothMotion) for effect in self.effects
        )


class ClipTransition(msgspec.Struct, frozen=True):
    """A transition and its duration in frames."""

    type: TransitionType
    frames: int


class ClipSlice(msgspec.Struct, frozen=True):
    """`frames` frames of a clip from `first_clip_frame` on, at frame `start_frame` of the render.

    Frames before 0 or after the last one of the clip are for transitions; they come from the source
    as far as it has them. With `transition_in`, the first frames overlap the end of the slice
    before.
    """

    clip: VideoClip
    start_frame: int
    frames: int
    first_clip_frame: int = 0
    transition_in: ClipTransition | None = None

    @property
    def end_frame(self) -> int:
        """The frame of the render after the last one."""
        return self.start_frame + self.frames

    @property
    def has_fade(self) -> bool:
        """Whether a fade of the clip is in these frames."""
        clip, end = self.clip, self.first_clip_frame + self.frames
        fades_in = clip.fade_in > 0 and self.first_clip_frame < clip.fade_in
        return fades_in or (clip.fade_out > 0 and end > clip.frames - clip.fade_out)


Layer = tuple[ClipSlice, ...]
"""The slices of a video track in order of time; only transitions overlap."""


class AudioFade(msgspec.Struct, frozen=True):
    """A fade over samples of a sound; `qsin` keeps the loudness of a crossfade constant."""

    kind: Literal["in", "out"]
    start: int
    samples: int
    curve: Literal["tri", "qsin"] = "tri"


class AudioDucking(msgspec.Struct, frozen=True):
    """Sound that is quieter by `amount` (0 to 1) in these ranges of its samples."""

    amount: float
    ranges: tuple[tuple[int, int], ...]


class AudioClip(msgspec.Struct, frozen=True):
    """Audio: `samples` samples of a source from `source_start` seconds on.

    It begins at sample `start_sample` of the render; `volume` is a factor. `path` is its path in
    the draft.
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
    effects: tuple[AudioEffect, ...] = ()
    path: str = ""


class Title(msgspec.Struct, frozen=True):
    """A text over the picture: milliseconds, pixels of the render, `rrggbb`, ASS alignment 1–9.

    `path` is its path in the draft, `font` the font family it asks for. `effect` says how it is
    drawn, and whether a clock or a bar is drawn in its place.
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
    effect: TextEffect | None = None


class RenderPlan(msgspec.Struct, frozen=True):
    """A whole render, or the part of one that begins at frame `start_frame`.

    `is_followed`: another part comes after it.

    Only the texts and font names of titles are the user's own strings. `layers` are the video
    tracks from the lowest up. Each audio track has sounds in order of time without overlap;
    `samples` is the length of the audio, 0 for a silent file. `copy_source` can be copied instead
    of encoded. `luts` are the color lookup tables by their asset ids. `hdr_segments` are paths of
    segments that need tone mapping. `warnings` say what of the draft is not rendered.
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
    is_followed: bool = False
    copy_source: MediaSource | None = None
    luts: dict[str, MediaSource] = {}
    hdr_segments: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def duration(self) -> float:
        """The duration of the video in seconds."""
        return float(self.frames / self.fps)

    @property
    def sources(self) -> tuple[MediaSource, ...]:
        """The files that the render reads, each once."""
        video = [
            picture.clip.source
            for layer in self.layers
            for picture in layer
            if picture.clip.solid is None
        ]
        audio = [sound.source for track in self.audio_tracks for sound in track]
        return tuple({source.path: source for source in (*video, *audio)}.values())
