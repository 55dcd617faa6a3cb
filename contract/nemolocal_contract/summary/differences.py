"""What changed between two drafts, a sentence each, as a person would say it (CLI-3)."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from ..draft import Draft, Style
from .pairing import Pairing, Placed, pair, place_segments
from .pieces import became_several, changed_parts
from .project import project_changes
from .tracks import describe_segment, details_of, name_of, span_of
from .words import (
    COLORS,
    LABELS,
    POSITIONS,
    Tongue,
    clipped,
    end_of,
    enumerated,
    seconds,
    tongue_of,
    word,
)

_LIMIT = 12


def changes(before: Draft, after: Draft, language: str = "en") -> list[str]:
    """What a person would say changed from one draft to the other, in the language (CLI-3).

    Empty where nothing did; what no sentence fits is said in general, so that a change is never
    kept quiet. Of very many sentences about segments the first dozen are told.
    """
    if before is after or before == after:
        return []
    tongue = tongue_of(language)
    pairing = pair(before, after)
    said = [
        *_came_and_went(pairing, tongue),
        *_orders(pairing, tongue),
        *_kept(pairing, after, tongue),
    ]
    said = _shortened(said, tongue) + project_changes(before, after, tongue)
    general = "项目的细节有改动" if tongue == "zh" else "Details of the project changed"
    return said or [general]


def _shortened(said: list[str], tongue: Tongue) -> list[str]:
    more = len(said) - _LIMIT
    if more <= 0:
        return said
    return [*said[:_LIMIT], f"……另有{more}处改动" if tongue == "zh" else f"… and {more} more"]


def _came_and_went(pairing: Pairing, tongue: Tongue) -> list[str]:
    """What is gone and what is new; music for music and title for title are exchanged."""
    removed, added = list(pairing.removed), list(pairing.added)
    said = []
    old, new = ([p for p in side if p.label == "BGM"] for side in (removed, added))
    if len(old) == len(new) == 1:
        said.append(_exchanged(old[0], new[0], tongue))
        removed.remove(old[0])
        added.remove(new[0])
    for label, placed in _by_label(removed).items():
        said += _many(label, placed, "removed", tongue)
    for label, placed in _by_label(added).items():
        said += _many(label, placed, "added", tongue)
    return said


def _by_label(segments: Iterable[Placed]) -> dict[str, list[Placed]]:
    groups: dict[str, list[Placed]] = defaultdict(list)
    for placed in segments:
        groups[placed.label].append(placed)
    return groups


def _exchanged(old: Placed, new: Placed, tongue: Tongue) -> str:
    was, now = (name_of(placed.segment, placed.track, tongue) for placed in (old, new))
    details = details_of(new.segment, tongue)
    if tongue == "zh":
        return f"背景音乐已更换：{now}{details}，原来是{was}"
    return f"BGM changed: {now} {details} instead of {was}"


def _many(label: str, placed: list[Placed], verb: str, tongue: Tongue) -> list[str]:
    """A sentence for each; subtitles are counted."""
    if label != "Subtitles" or len(placed) == 1:
        tell = _added if verb == "added" else _removed
        return [tell(one, tongue) for one in placed]
    start = seconds(min(one.segment.start_ms or 0 for one in placed))
    end = seconds(max(end_of(one.segment) for one in placed))
    if tongue == "zh":
        return [
            f"已{'添加' if verb == 'added' else '删除'}字幕：{len(placed)}条（{start}-{end}秒）"
        ]
    return [f"Subtitles {verb}: {len(placed)} lines ({start}-{end}s)"]


def _removed(placed: Placed, tongue: Tongue) -> str:
    what = clipped(describe_segment(placed.segment, placed.track, tongue), 160)
    return f"已删除{what}" if tongue == "zh" else f"Removed {what}"


def _added(placed: Placed, tongue: Tongue) -> str:
    segment = placed.segment
    label = word(LABELS, placed.label, tongue)
    if segment.text is None:
        name = clipped(name_of(segment, placed.track, tongue))
        details = details_of(segment, tongue, *changed_parts(None, placed, tongue))
        if tongue == "zh":
            return f"已添加{label}：{name}{details}"
        return f"{label} added: {name} {details}"
    style = segment.style or Style()
    looks = [word(COLORS, style.color, tongue)] if style.color else []
    looks += [word(POSITIONS, style.position, tongue)] if style.position else []
    looks.append(span_of(segment, tongue))
    if tongue == "zh":
        return f"已添加{label}：“{clipped(segment.text)}”（{'，'.join(looks)}）"
    return f"{label} added: '{clipped(segment.text)}' ({', '.join(looks)})"


def _orders(pairing: Pairing, tongue: Tongue) -> list[str]:
    """The order of the clips, where it is another one."""
    clips = [
        (old.place, pieces[0])
        for old, pieces in pairing.kept
        if old.label == pieces[0].label == "Video"
    ]
    now = sorted(clips, key=lambda clip: clip[1].place)
    places = [place for place, _ in now]
    if places == sorted(places):
        return []
    names = [clipped(name_of(p.segment, p.track, tongue), 40) for _, p in now]
    listed = enumerated(names, tongue)
    if len(places) > 2 and places == sorted(places, reverse=True):
        return [f"片段顺序已反转：{listed}" if tongue == "zh" else f"Order reversed: {listed}"]
    return [f"片段的新顺序：{listed}" if tongue == "zh" else f"Order changed: {listed}"]


def _kept(pairing: Pairing, after: Draft, tongue: Tongue) -> list[str]:
    """What changed of what is still there; equal changes of several are told once."""
    said = []
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for old, pieces in pairing.kept:
        if len(pieces) > 1:
            said.append(_sentence(old.label, [_called(old, tongue)], [], tongue))
            said[-1] += became_several(old, pieces, tongue)
        for piece in pieces:
            name = _called(piece, tongue)
            if len(pieces) > 1:
                name += _bracketed(span_of(piece.segment, tongue), tongue)
            parts = changed_parts(old, piece, tongue, whole=len(pieces) == 1)
            if parts:
                groups[piece.label, tuple(parts)].append(name)
    lanes = _by_label(place_segments(after))
    for (label, shared), names in groups.items():
        everybody = len(names) == len(lanes[label]) > 2
        said.append(_sentence(label, ["*"] if everybody else names, shared, tongue, len(names)))
    return said


def _bracketed(text: str, tongue: Tongue) -> str:
    return f"（{text}）" if tongue == "zh" else f" ({text})"


def _called(placed: Placed, tongue: Tongue) -> str:
    return clipped(name_of(placed.segment, placed.track, tongue), 60)


def _sentence(
    label: str, names: Sequence[str], parts: Sequence[str], tongue: Tongue, count: int = 0
) -> str:
    """`Video beach, city: brightness +25 %`; `Video (all 12): …` where names is a star."""
    chinese = tongue == "zh"
    what = word(LABELS, label, tongue)
    if names == ["*"]:
        who = f"（全部{count}段）" if chinese else f" (all {count})"
    else:
        who = ("" if chinese else " ") + enumerated(names, tongue)
    return f"{what}{who}{'：' if chinese else ': '}{('；' if chinese else '; ').join(parts)}"
