"""Mutants of the stream of a turn: each kind of event, and each field of an event."""

import re
import typing
from collections.abc import Iterator

from nemolocal_contract.endpoints import CHAT
from nemolocal_contract.turn_events import Heartbeat, TurnEvent

from .contract_messages import event_fields
from .generated_mutant import GeneratedMutant

_OPERATION = f"{CHAT.method} {CHAT.template}"
_KINDS = {re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower(): kind
          for kind in typing.get_args(TurnEvent)}  # fmt: skip
_OF_KIND = "dropped last-dropped doubled moved merged"
_OF_HEARTBEAT = "dropped doubled merged"
_BY_TYPE = {
    "string": "dropped null type empty constant repeated foreign",
    "number": "dropped null type empty constant minus-one times-1000 by-1000",
    "object": "dropped null type empty repeated",
    "array": "dropped null type empty doubled",
}
# What the parts of an event hold: text, or a call or a result with these fields.
_TOOL_FIELDS = {
    "functionCall": {"id": "string", "name": "string", "args": "object"},
    "functionResponse": {"id": "string", "name": "string", "response": "object"},
}


def event_kinds() -> dict[str, type]:
    """Return the kinds of events by the names that ids have for them."""
    return _KINDS


def event_mutants() -> Iterator[GeneratedMutant]:
    """Return the mutants of all events."""
    for name, kind in _KINDS.items():
        for change in (_OF_HEARTBEAT if kind is Heartbeat else _OF_KIND).split():
            yield _mutant(name, change)
    for field in event_fields():
        for change in _BY_TYPE[field.type].split():
            yield _mutant(field.path, change, field.type, field.values)
        if field.values:
            yield _mutant(field.path, "other-value", field.type, field.values)
    yield from _part_mutants()


def _part_mutants() -> Iterator[GeneratedMutant]:
    for change in _BY_TYPE["string"].split():
        yield _mutant("content.parts[].text", change, "string")
    for tool, fields in _TOOL_FIELDS.items():
        for name, kind in fields.items():
            for change in _BY_TYPE[kind].split():
                yield _mutant(f"content.parts[].{tool}.{name}", change, kind)
        yield GeneratedMutant(
            "event", "chat", _OPERATION, "", f"content.parts[].{tool}.id", "exchanged",
            "string", (), ("name",),
        )  # fmt: skip


def _mutant(
    part: str, change: str, kind: str = "", values: tuple[str, ...] = ()
) -> GeneratedMutant:
    return GeneratedMutant("event", "chat", _OPERATION, "", part, change, kind, values)
