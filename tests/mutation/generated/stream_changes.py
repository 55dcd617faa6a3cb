"""Changes of the stream of a turn: whole events, or fields of them."""

from typing import Any

import msgspec

from nemolocal_contract.responses import decode_json, encode_json
from nemolocal_contract.turn_events import SseParser, decode_turn_events, encode_sse_event

from .generated_events import event_kinds
from .generated_mutant import GeneratedMutant
from .value_changes import EarlierValues, change_field

_END = b"\n\n"
_HEARTBEAT = "heartbeat"


def frames_of(body: bytes) -> list[bytes]:
    """Return the events of a stream as bytes, each with its blank line."""
    return [part + _END for part in body.split(_END) if part]


def kind_of(frame: bytes) -> str:
    """Return the kind of an event, "" for one that is not known."""
    for event in SseParser().feed(frame):
        kinds = {type(one) for one in decode_turn_events(event)}
        return next((name for name, kind in event_kinds().items() if kind in kinds), "")
    return ""


def event_of(frame: bytes) -> Any:
    """Return the JSON of an event, None if it has none."""
    for event in SseParser().feed(frame):
        try:
            return decode_json(event.data)
        except msgspec.DecodeError:
            return None
    return None


def changed_stream(
    mutant: GeneratedMutant, body: bytes, token: str, earlier: EarlierValues
) -> bytes:
    """Return the stream with the change of a mutant."""
    frames = frames_of(body)
    if mutant.part in event_kinds():
        return b"".join(_changed_frames(mutant, frames))
    return b"".join(_changed_event(mutant, frame, token, earlier) for frame in frames)


def _changed_frames(mutant: GeneratedMutant, frames: list[bytes]) -> list[bytes]:
    meant = [number for number, frame in enumerate(frames) if kind_of(frame) == mutant.part]
    match mutant.change:
        case "dropped":
            return [frame for number, frame in enumerate(frames) if number not in meant]
        case "last-dropped":
            return [frame for number, frame in enumerate(frames) if number not in meant[-1:]]
        case "doubled":
            return [frame for n, one in enumerate(frames) for frame in [one] * (1 + (n in meant))]
        case "moved":
            return _moved(frames, meant)
    return [
        frame.removesuffix(b"\n") if number in meant and number + 1 < len(frames) else frame
        for number, frame in enumerate(frames)
    ]


def _moved(frames: list[bytes], meant: list[int]) -> list[bytes]:
    """Return the events with each of the meant ones after the one that follows it.

    Heartbeats do not count: they may come at any time, and where they come is drawn by chance.
    """
    moved = list(frames)
    for number in reversed(meant):
        others = range(number + 1, len(frames))
        following = next((n for n in others if kind_of(frames[n]) != _HEARTBEAT), None)
        if following is not None:
            moved.insert(following, moved.pop(number))
    return moved


def _changed_event(
    mutant: GeneratedMutant, frame: bytes, token: str, earlier: EarlierValues
) -> bytes:
    event = event_of(frame)
    if not isinstance(event, dict) or not change_field(mutant, event, token, earlier):
        return frame
    return encode_sse_event(encode_json(event).decode())
