"""Which subtitles are shown and which are not, in words."""

from nemolocal_contract.draft import Draft
from nemolocal_contract.summary.words import Tongue, seconds

from ..edits.subtitles import MOST_AT_ONCE, Fitted, fit_cues
from ..intents import AddSubtitles
from ..timeline import length_of
from .reach import either

# Each reason by its field: of one, of several, in Chinese.
_LEFT_OUT: dict[str, tuple[str, str, str]] = {
    "past_end": ("comes after the end", "come after the end", "{}条在视频结尾之后"),
    "backwards": ("ends before it begins", "end before they begin", "{}条的时间是倒着的"),
    "empty": ("has no words", "have no words", "{}条没有文字"),
    "crowded": (
        f"would be more than {MOST_AT_ONCE} at once",
        f"would be more than {MOST_AT_ONCE} at once",
        f"{{}}条会使同时显示的超过{MOST_AT_ONCE}条",
    ),
}


def tell_subtitles(edit: AddSubtitles, draft: Draft, tongue: Tongue) -> str:
    """Subtitles: how many are shown, from when to when, and how many are not and why."""
    fitted = fit_cues(edit.cues, length_of(draft))
    shown = fitted.shown
    start = seconds(min((cue.start_ms for cue in shown), default=0))
    end = seconds(max((cue.end_ms for cue in shown), default=0))
    lines = "1 subtitle" if len(shown) == 1 else f"{len(shown)} subtitles"
    added = either(
        tongue, f"added {lines} ({start}-{end}s)", f"添加了{len(shown)}条字幕（{start}-{end}秒）"
    )
    return f"{added}{_cut(fitted, tongue)}{_left_out(fitted, tongue)}"


def _cut(fitted: Fitted, tongue: Tongue) -> str:
    count = fitted.shortened
    if not count:
        return ""
    return either(tongue, f", {count} of them cut at the end", f"，其中{count}条在视频结尾处截断")


def _left_out(fitted: Fitted, tongue: Tongue) -> str:
    counts = {reason: getattr(fitted, reason) for reason in _LEFT_OUT}
    said = [
        either(tongue, f"{count} that {_LEFT_OUT[reason][count > 1]}", _LEFT_OUT[reason][2]).format(
            count
        )
        for reason, count in counts.items()
        if count
    ]
    if not said:
        return ""
    listed = "，".join(said) if tongue == "zh" else " and ".join(said)
    return either(tongue, f", and left out {listed}", f"，未添加：{listed}")
