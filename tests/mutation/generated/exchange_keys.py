"""Which parts of messages a check sees, so that a mutant is tried on the checks that see it."""

from collections.abc import Iterator
from typing import Any

from tests.mutation.mutation_middleware import WireRequest, WireResponse

from .generated_mutant import GeneratedMutant
from .observed_callers import ObservedCallers, outcome_of
from .refusal_causes import cause_of
from .stream_changes import event_of, frames_of, kind_of


def key_of(mutant: GeneratedMutant) -> str:
    """Return what an exchange must have for the mutant to change it."""
    name, part = mutant.endpoint, mutant.part
    if mutant.subject == "event":
        return f"{name} event {part}"
    if mutant.subject == "response":
        return f"{name} {mutant.outcome}" + (f" {part}" if mutant.is_of_body else "")
    if mutant.change == "ignored":
        return f"{name} cause {part}"
    return f"{name} request"


def keys_of(request: WireRequest, response: WireResponse, seen: ObservedCallers) -> set[str]:
    """Return what an exchange has."""
    name, outcome = request.endpoint, outcome_of(response)
    keys = {f"{name} request", f"{name} {outcome}"}
    if response.headers.get("content-type", "").startswith("text/event-stream"):
        for frame in frames_of(response.body):
            keys |= {f"{name} event {part}" for part in (kind_of(frame), *_paths(event_of(frame)))}
        return keys
    if outcome != "success":
        keys.add(f"{name} cause {cause_of(request, outcome, seen)}")
    return keys | {f"{name} {outcome} {path}" for path in _paths(response.json)}


def _paths(value: Any, path: str = "") -> Iterator[str]:
    """Return the path of every field of a JSON value, `[]` being every item."""
    if isinstance(value, list):
        for item in value:
            yield from _paths(item, f"{path}[]")
    if isinstance(value, dict):
        for name, held in value.items():
            at = f"{path}.{name}" if path else name
            yield at
            yield from _paths(held, at)
