"""The fast path: a clip that is already what the export asks for is copied, not encoded again."""

from .canvas import exact_fps
from .clips import MediaTracks, TimelineClip
from .effects import EffectStack
from .encode_settings import QUALITY_SETTINGS
from .render_plan import MediaSource, RenderPlan

COPY_REASON = "the untouched clip already is H.264 and AAC of the size and rate asked for"
# Of other containers the times are rounded.
_CONTAINERS = frozenset({"mp4", "mov"})


def find_copy_source(plan: RenderPlan, lanes: MediaTracks) -> MediaSource | None:
    """The source whose streams may be copied instead of rendering the plan, None as a rule.

    Whether its frames are as many as planned shows only when it has been copied.
    """
    clips = [clip for lane in (*lanes.video, *lanes.audio) for clip in lane]
    if len(clips) != 1 or plan.titles or plan.encoding != QUALITY_SETTINGS["high"]:
        return None
    (clip,) = clips
    untouched = _is_whole(clip, float(1 / plan.fps)) and _has_format(clip, plan)
    return clip.source if untouched else None


def _is_whole(clip: TimelineClip, frame: float) -> bool:
    times = clip.times
    at_once = (times.start, times.fade_in, times.fade_out, clip.source_start) == (0, 0, 0, 0)
    as_it_is = (clip.speed, clip.volume, clip.effects) == (1, 1, EffectStack())
    return at_once and as_it_is and abs(times.end / 1000 - clip.source.info.duration) < frame / 2


def _has_format(clip: TimelineClip, plan: RenderPlan) -> bool:
    info = clip.source.info
    return (
        info.extension in _CONTAINERS
        and (info.video_codec, info.pixel_format) == ("h264", "yuv420p")
        and info.audio_codec in ("", "aac")
        and (info.width, info.height) == (plan.width, plan.height)
        and exact_fps(info.fps) == plan.fps
        and not info.is_hdr
    )
