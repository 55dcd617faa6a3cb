"""What a user can ask for: the edits, which `nlu` produces and `edits` applies.

Times are milliseconds, volumes are factors of the recorded volume. A field that is `None` means
that the message does not say it.
"""

from typing import Annotated, Any, Literal

import msgspec

from nemolocal_contract.effect_presets import PresetColor
from nemolocal_contract.effects import Effect, Position, RemoveLogo, TransitionType

from .sound_intents import (
    AddCaptions as AddCaptions,
    AddSound as AddSound,
    ApplyAudioEffect as ApplyAudioEffect,
    CutSilence as CutSilence,
    KeepHighlights as KeepHighlights,
    RemoveAudioEffects as RemoveAudioEffects,
    RemoveSounds as RemoveSounds,
    ReplaceSound as ReplaceSound,
)
from .timeline_selection import (
    SELECT_ALL as SELECT_ALL,
    TIMELINE_END as TIMELINE_END,
    TIMELINE_START as TIMELINE_START,
    Selector as Selector,
    TimelinePoint as TimelinePoint,
    TimelineSpan as TimelineSpan,
    first_span as first_span,
    last_span as last_span,
    middle_span as middle_span,
    span_after as span_after,
    span_between as span_between,
)


class PlaceUploads(msgspec.Struct, frozen=True):
    """Append uploads to the timeline."""

    selector: Selector = SELECT_ALL


class KeepSpan(msgspec.Struct, frozen=True):
    """Keep only a span, of the whole timeline or of the selected clips."""

    span: TimelineSpan
    selector: Selector = SELECT_ALL


class RemoveSpan(msgspec.Struct, frozen=True):
    """Remove a span, from the whole timeline or from the selected clips."""

    span: TimelineSpan
    selector: Selector = SELECT_ALL


class RemoveClip(msgspec.Struct, frozen=True):
    """Remove clips; what follows moves up."""

    selector: Selector


class Split(msgspec.Struct, frozen=True):
    """Split the clips at these points, into a number of equal `parts`, or every `every_ms`."""

    at: tuple[TimelinePoint, ...] = ()
    parts: int | None = None
    every_ms: int | None = None


class MoveClip(msgspec.Struct, frozen=True):
    """Move a clip to position `to`, which counts from 1; -1 is the end."""

    selector: Selector
    to: int


class SwapClips(msgspec.Struct, frozen=True):
    """Swap two clips."""

    one: Selector
    other: Selector


class ReverseOrder(msgspec.Struct, frozen=True):
    """Reverse the order of the clips."""


class Merge(msgspec.Struct, frozen=True):
    """Close the gaps between all clips; uploads that are not on the timeline yet are appended."""


class Loop(msgspec.Struct, frozen=True):
    """Play it `times` times in all, or repeat it up to a length of `duration_ms`."""

    times: int | None = None
    duration_ms: int | None = None
    selector: Selector = SELECT_ALL


class Slideshow(msgspec.Struct, frozen=True):
    """Show each uploaded image for `each_ms`, or all for `total_ms`, with zooms and crossfades."""

    each_ms: int | None = None
    total_ms: int | None = None


class SetSpeed(msgspec.Struct, frozen=True):
    """Multiply the speed by `factor`: 2.0 is twice as fast; or fit it into `duration_ms`."""

    factor: float = 1.0
    selector: Selector = SELECT_ALL
    duration_ms: int | None = None


AudioTarget = Literal["all", "video", "music"]
"""Everything, the sound of the clips, or the background music."""


class SetVolume(msgspec.Struct, frozen=True):
    """Set the `volume` (0 mutes, 1 is as recorded), or multiply it by `change`."""

    volume: float | None = None
    change: float | None = None
    target: AudioTarget = "all"
    selector: Selector = SELECT_ALL


class AddMusic(msgspec.Struct, frozen=True):
    """Add background music; it replaces the music that was there.

    `mood` is a key of the renderer's MOODS, `name` the name of an uploaded sound. If both are None,
    an unused uploaded sound is taken if there is one. `duck` lowers the music while the clips have
    sound. It starts at `at_ms` of the timeline, and `skip_ms` of the sound are left out.
    """

    mood: str | None = None
    volume: float | None = None
    name: str | None = None
    duck: bool = False
    at_ms: int = 0
    skip_ms: int = 0


class DuckMusic(msgspec.Struct, frozen=True):
    """Lower the music that is there while the clips have sound."""


class RemoveMusic(msgspec.Struct, frozen=True):
    """Remove the background music."""


class Fade(msgspec.Struct, frozen=True):
    """Fade in, out, or both: picture and sound, one of the two, the music or titles."""

    way: Literal["in", "out", "both"]
    duration_ms: int | None = None
    target: Literal["all", "picture", "sound", "music", "title"] = "all"
    selector: Selector = SELECT_ALL


class AddTitle(msgspec.Struct, frozen=True):
    """Add a title; without a span it is shown at the start."""

    text: str
    span: TimelineSpan | None = None
    color: str | None = None
    position: Position | None = None
    size: int | None = None


class ChangeTitle(msgspec.Struct, frozen=True):
    """Change a title: only the fields that are given."""

    selector: Selector = SELECT_ALL
    text: str | None = None
    span: TimelineSpan | None = None
    color: str | None = None
    position: Position | None = None
    size: int | None = None
    grow: float | None = None
    """A factor of its size: "make the title bigger"."""
    shift: Literal["up", "down", "left", "right"] | None = None
    """The next position in this direction: "move the title up"."""


class RemoveTitle(msgspec.Struct, frozen=True):
    """Remove the selected titles, or only the `subtitles`."""

    selector: Selector = SELECT_ALL
    subtitles: bool = False


class Cue(msgspec.Struct, frozen=True):
    """One subtitle."""

    start_ms: int
    end_ms: int
    text: str


class AddSubtitles(msgspec.Struct, frozen=True):
    """Add subtitles, given as SRT in the message; they replace those that were there.

    `file` is the name of the upload that they come from, if they come from one.
    """

    cues: tuple[Cue, ...]
    file: str = ""


class AddSubtitleFile(msgspec.Struct, frozen=True):
    """Add the subtitles of an uploaded `.srt` or `.vtt` file, by its name if there are several."""

    name: str | None = None


class ApplyLut(msgspec.Struct, frozen=True):
    """Change the colors by an uploaded `.cube` file, by its name if there are several.

    `amount` is the strength, from 0 to 1.
    """

    name: str | None = None
    amount: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    selector: Selector = SELECT_ALL


class SetAspect(msgspec.Struct, frozen=True):
    """Set the aspect ratio; `fit` None means crop."""

    width: int
    height: int
    fit: Literal["crop", "pad", "blur"] | None = None


class SetFit(msgspec.Struct, frozen=True):
    """Set how clips with another aspect ratio fill the frame: crop, black bars, or blurred bars."""

    fit: Literal["crop", "pad", "blur"]


class SetResolution(msgspec.Struct, frozen=True):
    """Set the resolution of the export; `upscale` if it is asked for as larger than the source."""

    resolution: Literal["720p", "1080p", "4k"]
    upscale: bool = False


class SetFrameRate(msgspec.Struct, frozen=True):
    """Set the frame rate of the export."""

    fps: int


class ApplyEffect(msgspec.Struct, frozen=True):
    """Apply an effect to clips; it replaces one of the same type.

    Rotations and flips are combined with those that are there; reversing twice plays forwards.
    """

    effect: Effect
    selector: Selector = SELECT_ALL


class RemoveEffects(msgspec.Struct, frozen=True):
    """Remove the effects of one type, or all visual effects if `type` is None.

    With `colors_only`, only those that change the colours.
    """

    type: str | None = None
    selector: Selector = SELECT_ALL
    colors_only: bool = False


class AddTransition(msgspec.Struct, frozen=True):
    """Add transitions between all clips, or after the selected clip."""

    type: TransitionType = "crossfade"
    duration_ms: int | None = None
    selector: Selector = SELECT_ALL


class RemoveTransitions(msgspec.Struct, frozen=True):
    """Remove all transitions."""


class AddOverlay(msgspec.Struct, frozen=True):
    """Show an upload or clip as picture in picture, or an image as a watermark."""

    kind: Literal["picture-in-picture", "watermark"]
    selector: Selector = SELECT_ALL
    position: Position | None = None
    width: float | None = None
    opacity: float | None = None
    span: TimelineSpan | None = None


class RemoveOverlays(msgspec.Struct, frozen=True):
    """Remove all overlays."""


class RemoveWatermark(msgspec.Struct, frozen=True):
    """Remove the overlays; without any, fill the place of a watermark that was filmed."""

    place: RemoveLogo
    selector: Selector = SELECT_ALL


class KeyOut(msgspec.Struct, frozen=True):
    """Make a coloured screen transparent, over a `background` colour or over a `backdrop`.

    Without either, an upload that is not on the timeline yet is the backdrop, else it is black.
    """

    color: Literal["green", "blue"] = "green"
    background: PresetColor | None = None
    backdrop: str | None = None


class SplitScreen(msgspec.Struct, frozen=True):
    """Show clips at once: side by side, one above the other, or in a grid.

    `name` is an upload that is shown too.
    """

    layout: Literal["columns", "rows", "grid"] = "columns"
    name: str | None = None


class Compress(msgspec.Struct, frozen=True):
    """Compress the export: without visible loss (RTK), below a file size, or at a quality."""

    mode: Literal["rtk", "size", "quality"] = "rtk"
    megabytes: float | None = None
    quality: Literal["low", "medium", "high"] | None = None


class Generate(msgspec.Struct, frozen=True):
    """Generate a clip: `scene` is a key of the renderer's SCENES, `prompt` the user's words."""

    scene: str
    seconds: float
    prompt: str


class SimulateEdit(msgspec.Struct, frozen=True):
    """Stand in for what was asked for and is not understood: one segment that says so."""

    request: str


class ReplaceDraft(msgspec.Struct, frozen=True):
    """Replace the whole draft, given in its wire names; no message asks for this, only scripts."""

    draft: dict[str, Any]


class PatchDraft(msgspec.Struct, frozen=True):
    """Change the draft on the wire by a JSON Patch (RFC 6902); only scripts ask for this."""

    patch: tuple[dict[str, Any], ...]


class Undo(msgspec.Struct, frozen=True):
    """Undo the edits of the last `steps` turns."""

    steps: int = 1


class Redo(msgspec.Struct, frozen=True):
    """Redo the edits of the last `steps` undone turns."""

    steps: int = 1


class StartOver(msgspec.Struct, frozen=True):
    """Empty the timeline; the uploads stay."""


Edit = (
    PlaceUploads | KeepSpan | RemoveSpan | RemoveClip | Split | MoveClip | SwapClips
    | ReverseOrder | Merge | Loop | Slideshow | SetSpeed | SetVolume | AddMusic | DuckMusic
    | RemoveMusic | Fade | AddTitle | ChangeTitle | RemoveTitle | AddSubtitles | SetAspect | SetFit
    | SetResolution | SetFrameRate | ApplyEffect | RemoveEffects | AddTransition
    | RemoveTransitions | AddOverlay | RemoveOverlays | RemoveWatermark | KeyOut | SplitScreen
    | AddSubtitleFile | ApplyLut | Compress | Generate | SimulateEdit | ReplaceDraft
    | PatchDraft | ApplyAudioEffect
    | RemoveAudioEffects | AddSound | RemoveSounds
    | ReplaceSound | CutSilence | AddCaptions | KeepHighlights | Undo | Redo | StartOver
)  # fmt: skip
