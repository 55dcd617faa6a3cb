"""What changed of one segment, and how one becomes several."""

from collections.abc import Sequence
from itertools import pairwise

from ..draft import Segment
from .looks import describe_look, describe_transition, look_changes, style_changes
from .pairing import Placed, shown_ms
from .tracks import span_of
from .words import LABELS, Tongue, clipped, enumerated, percent, seconds, tame, word

_SLACK_MS = 1
_LONGER, _SHORTER = ("extended", "延长"), ("trimmed", "剪短")


def became_several(old: Placed, pieces: Sequence[Placed], tongue: Tongue) -> str:
    """`split into 2 (0-3s, 3-8s), 2s cut out`, or `repeated, now 3 times (…)`."""
    spans = enumerated([span_of(piece.segment, tongue) for piece in pieces], tongue)
    reaches = sorted(piece.reach for piece in pieces)
    if any(low < end - _SLACK_MS for (_, end), (low, _) in pairwise(reaches)):
        if tongue == "zh":
            return f"重复播放，现在共{len(pieces)}次（{spans}）"
        return f"repeated, now {len(pieces)} times ({spans})"
    lost = shown_ms(old.segment) - sum(shown_ms(piece.segment) for piece in pieces)
    if tongue == "zh":
        cut = f"，剪掉{seconds(lost)}秒" if lost > _SLACK_MS else ""
        return f"分成{len(pieces)}段（{spans}）{cut}"
    cut = f", {seconds(lost)}s cut out" if lost > _SLACK_MS else ""
    return f"split into {len(pieces)} ({spans}){cut}"


def changed_parts(
    old: Placed | None, new: Placed, tongue: Tongue, *, whole: bool = True
) -> list[str]:
    """What is different of a segment; all that is special about it where it is new.

    The times of a piece that is not the `whole` of what was there are told with its division.
    """
    was = Segment() if old is None else old.segment
    now = new.segment
    times = _times(old, new, tongue) if old is not None and whole else []
    text = [] if old is None else _text(was, now, tongue)
    volume = [] if old is None else _volume(was, now, tongue)
    looks = look_changes(was.effects, now.effects, tongue)
    if old is None:
        looks = [describe_look(effect, tongue) for effect in now.effects or ()]
    style = style_changes(was.style, now.style, tongue)
    moved = [] if old is None else _lane(old.label, new.label, tongue)
    return [*text, *moved, *times, *volume, *_fades(was, now, tongue), *looks, *style] + (
        [describe_transition(now.transition, tongue)] if was.transition != now.transition else []
    )


def _lane(old: str, new: str, tongue: Tongue) -> list[str]:
    """From a track of one kind to one of another."""
    if old == new:
        return []
    was, now = (word(LABELS, label, tongue) for label in (old, new))
    return [f"由{was}改为{now}" if tongue == "zh" else f"moved from {was} to {now}"]


def _text(was: Segment, now: Segment, tongue: Tongue) -> list[str]:
    if was.text == now.text or was.text is None:
        return []
    text = clipped(was.text)
    return [f"原文字为“{text}”" if tongue == "zh" else f"text was '{text}'"]


def _times(old: Placed, new: Placed, tongue: Tongue) -> list[str]:
    """Speed, the part of the source, the place on the timeline."""
    was, now = old.segment, new.segment
    speeds = [1 if segment.speed is None else segment.speed for segment in (was, now)]
    said = []
    if speeds[0] != speeds[1]:
        low, high = (f"{tame(speed):g}" for speed in speeds)
        said.append(f"速度由{low}倍变为{high}倍" if tongue == "zh" else f"speed {low}x to {high}x")
    trimmed = _trim(old, new, tongue)
    moved = was.start_ms != now.start_ms and not (old.follows and new.follows)
    if trimmed and now.source is None:
        return [*said, trimmed]
    if moved:
        start = seconds(now.start_ms or 0)
        said.append(f"从{start}秒开始" if tongue == "zh" else f"now starts at {start}s")
    return [trimmed, *said] if trimmed else said


def _trim(old: Placed, new: Placed, tongue: Tongue) -> str:
    """The part that is shown, where it is another one: of the source, or of the timeline."""
    was, now = old.segment, new.segment
    if now.source is None:
        if was.duration_ms == now.duration_ms:
            return ""
        span = span_of(now, tongue)
        return f"显示时间为{span}" if tongue == "zh" else f"now shown {span}"
    same = all(abs(a - b) <= _SLACK_MS for a, b in zip(old.reach, new.reach, strict=True))
    if same:
        return ""
    begins, length = seconds(new.reach[0]), seconds(now.duration_ms or 0)
    longer = shown_ms(now) - shown_ms(was)
    said = []
    if abs(longer) > _SLACK_MS:
        verb = _LONGER if longer > 0 else _SHORTER
        said.append(f"{verb[1]}至{length}秒" if tongue == "zh" else f"{verb[0]} to {length}s")
    if abs(old.reach[0] - new.reach[0]) > _SLACK_MS:
        said.append(
            f"从素材的第{begins}秒开始" if tongue == "zh" else f"from {begins}s of its source"
        )
    return ("，" if tongue == "zh" else ", ").join(said)


def _volume(was: Segment, now: Segment, tongue: Tongue) -> list[str]:
    before, after = (1 if s.volume is None else s.volume for s in (was, now))
    if before == after:
        return []
    if after == 0:
        return ["已静音" if tongue == "zh" else "muted"]
    low, high = percent(before), percent(after)
    return [f"音量由{low}%变为{high}%" if tongue == "zh" else f"volume {low}% to {high}%"]


_FADES = {
    "fade_in_ms": ("fade in", "淡入"),
    "fade_out_ms": ("fade out", "淡出"),
}


def _fades(was: Segment, now: Segment, tongue: Tongue) -> list[str]:
    said = []
    for field, names in _FADES.items():
        before, after = getattr(was, field) or 0, getattr(now, field) or 0
        if before == after:
            continue
        name = names[tongue == "zh"]
        if not after:
            said.append(f"已去掉{name}" if tongue == "zh" else f"{name} removed")
        else:
            said.append(
                f"{name}{seconds(after)}秒" if tongue == "zh" else f"{name} {seconds(after)}s"
            )
    return said
