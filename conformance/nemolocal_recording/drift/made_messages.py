"""Messages for a replay: a recording has no texts, so each gets a message of the same kind."""

from typing import Any, Literal

from ..learning.traffic_view import StreamedTurn, TrafficView, asked_language, segments_of

MessageKind = Literal["talk", "place", "title", "music", "generation"]
"""What a message asks for: nothing, a clip of the user on the timeline, a title, music, a clip."""

MESSAGES: dict[str, dict[MessageKind, str]] = {
    "en": {
        "talk": "hello",
        "place": "put my clip on the timeline",
        "title": "add a title 'Hello' for 1 second",
        "music": "add calm background music",
        "generation": "generate a 2-second sunset clip",
    },
    "zh": {
        "talk": "你好",
        "place": "把我的视频放到时间线上",
        "title": "添加标题“你好”，持续1秒",
        "music": "添加舒缓的背景音乐",
        "generation": "生成一个2秒的日落片段",
    },
}
"""Language → kind → message."""
_VIDEO, _AUDIO, _TEXT = 0, 1, 7
_ADDED: dict[int, MessageKind] = {_VIDEO: "place", _TEXT: "title", _AUDIO: "music"}
_NO_CREDITS = 2001


def made_message(view: TrafficView, turn: StreamedTurn) -> str:
    """Return a message of the kind that a recorded turn was, in the language of its session."""
    language = "zh" if asked_language(view, turn.session) == "zh" else "en"
    return MESSAGES[language][message_kind(view, turn)]


def message_kind(view: TrafficView, turn: StreamedTurn) -> MessageKind:
    """Return the kind of a recorded turn, by its tools and by what it added to the draft."""
    body = turn.exchange.json
    if isinstance(body, dict) and body.get("code") == _NO_CREDITS:
        return "generation"
    if turn.is_generation:
        return "generation"
    before, after = view.state_around(turn)
    if not turn.tools and (before is None or after is None or before == after):
        return "talk"
    counts, held = _count_segments(after), _count_segments(before)
    added = [kind for track, kind in _ADDED.items() if counts.get(track, 0) > held.get(track, 0)]
    return added[0] if added else "title"


def _count_segments(draft: Any) -> dict[int, int]:
    counts: dict[int, int] = {}
    for track, _ in segments_of(draft):
        kind = track.get("tt")
        if isinstance(kind, int):
            counts[kind] = counts.get(kind, 0) + 1
    return counts
