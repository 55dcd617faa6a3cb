"""The text form of faults: `name;arg=value, name`, in a header or in a scripted reply."""

from typing import Any

from .catalogue import ActiveFault, ApiCall, FaultError, FaultMatch, FaultSpec

_MAX_IN_HEADER = 10


def parse_fault_header(text: str, call: ApiCall) -> tuple[ActiveFault, ...]:
    """Parse the faults that a request asks for.

    Raises `FaultError` for a fault that is unknown, repeated or cannot hit this call, and for too
    many of them.
    """
    parts = [part for part in text.split(",") if part.strip()]
    if len(parts) > _MAX_IN_HEADER:
        raise FaultError(f"names {len(parts)} faults; the maximum is {_MAX_IN_HEADER}")
    found = tuple(_parse_header_part(part, call) for part in parts)
    names = [active.name for active in found]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        raise FaultError(f"names fault {repeated!r} more than once: name it once")
    return found


def _parse_header_part(text: str, call: ApiCall) -> ActiveFault:
    name, *pairs = (part.strip() for part in text.split(";"))
    args: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise FaultError(f"{pair!r} of fault {name!r} is not an argument: write name=value")
        args[key.strip()] = value.strip()
    return FaultSpec(name, FaultMatch(endpoint=call.endpoint), args=args).resolve()[1]
