"""Which subtitles are shown and which are not, in words."""

from nemolocal_contract.describe.labels import Language, format_seconds
from nemolocal_contract.draft import Draft

from ..edits.subtitle_edits import MAX_CUES_AT_ONCE, FittedCues, fit_cues
from ..intents import AddSubtitles
from ..timeline import length_of
from .phrasing import in_language

# Each reason by its field: of one, of several, in Chinese.
_OMISSION_REASONS: dict[str, tuple[str, str, str]] = {
    "past_end": ("comes after the end", "come after the end", "{}条在视频结尾之后"),
    "backwards": ("ends before it begins", "end before they begin", "{}条的时间是倒着的"),
    "empty": ("has no words", "have no words", "{}条没有文字"),
    "crowded": (
        f"would be more than {MAX_CUES_AT_ONCE} at once",
        f"would be more than {MAX_CUES_AT_ONCE} at once",
        f"{{}}条会使同时显示的超过{MAX_CUES_AT_ONCE}条",
    ),
}


def describe_add_subtitles(edit: AddSubtitles, draft: Draft, tongue: Language) -> str:
    """Subtitles: how many are shown, from when to when, and how many are not and why."""
    fitted = fit_cues(edit.cues, length_of(draft))
    shown = fitted.shown
    start = format_seconds(min((cue.start_ms for cue in shown), default=0))
    end = format_seconds(max((cue.end_ms for cue in shown), default=0))
    lines = "1 subtitle" if len(shown) == 1 else f"{len(shown)} subtitles"
    added = in_language(
        tongue, f"added {lines} ({start}-{end}s)", f"添加了{len(shown)}条字幕（{start}-{end}秒）"
    )
    return f"{added}{_shortened_text(fitted, tongue)}{_omitted_text(fitted, tongue)}"


def _shortened_text(fitted: FittedCues, tongue: Language) -> str:
    count = fitted.shortened
    if not count:
        return ""
    return in_language(
        tongue, f", {count} of them cut at the end", f"，其中{count}条在视频结尾处截断"
    )


def _omitted_text(fitted: FittedCues, tongue: Language) -> str:
    counts = {reason: getattr(fitted, reason) for reason in _OMISSION_REASONS}
    said = [
        in_language(
            tongue,
            f"{count} that {_OMISSION_REASONS[reason][count > 1]}",
            _OMISSION_REASONS[reason][2],
        ).format(count)
        for reason, count in counts.items()
        if count
    ]
    if not said:
        return ""
    listed = "，".join(said) if tongue == "zh" else " and ".join(said)
    return in_language(tongue, f", and left out {listed}", f"，未添加：{listed}")
