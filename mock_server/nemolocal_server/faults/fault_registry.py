"""Armed faults: whose calls they befall, how often, and which one is next.

A call eats one match of one fault: the first in order of arming that fits it.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from .. import ids
from .api_call import CALL_NAMES, ApiCall
from .catalogue import ActiveFault, Fault, FaultError, find_fault


class FaultMatch(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Which calls are meant: all of the given, none of the others. `message` may be a part of it.

    A fault with a token, user or client never touches anybody else's calls.
    """

    token_id: int | None = None
    user_id: str | None = None
    client_id: str | None = None
    endpoint: str | None = None
    session: str | None = None
    message: str | None = None
    render: str | None = None

    def matches(self, call: ApiCall) -> bool:
        """Whether this call is meant."""
        token = call.token
        return (
            self.token_id in (None, token.id if token else None)
            and self.user_id in (None, token.user_id if token else None)
            and self.client_id in (None, call.client_id)
            and self.endpoint in (None, call.endpoint)
            and self.session in (None, call.session)
            and self.render in (None, call.render)
            and (self.message is None or self.message in call.message)
        )


class FaultSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault to arm: `skip` matches pass untouched, then `times` are hit; 0 is all of them."""

    name: str
    match: FaultMatch = FaultMatch()
    times: Annotated[int, Meta(ge=0)] = 1
    skip: Annotated[int, Meta(ge=0)] = 0
    args: dict[str, Any] = {}

    def resolve(self) -> tuple[Fault, ActiveFault]:
        """The fault as it will be in force; raises `FaultError` naming the field that is wrong."""
        fault = find_fault(self.name)
        endpoint = self.match.endpoint
        if endpoint is not None and endpoint not in CALL_NAMES:
            raise FaultError(
                f"match.endpoint: {endpoint!r} is no endpoint; there are {', '.join(CALL_NAMES)}"
            )
        if endpoint is not None and endpoint not in fault.endpoints:
            raise FaultError(
                f"match.endpoint: fault {fault.name!r} cannot befall {endpoint!r}, "
                f"only {', '.join(fault.endpoints)}"
            )
        return fault, ActiveFault(fault.name, fault.parse_args(self.args))


_MOST_IN_HEADER, _MOST_ARMED = 10, 1000


class RegisteredFault(msgspec.Struct):
    """An order that waits for its calls; `hits` have come so far."""

    id: str
    spec: FaultSpec
    fault: Fault
    active: ActiveFault
    seen: int = 0
    hits: int = 0

    def trigger(self, call: ApiCall) -> bool:
        """Whether this call is hit; counts it, if it is meant at all."""
        if call.endpoint not in self.fault.endpoints or not self.spec.match.matches(call):
            return False
        self.seen += 1
        if self.seen <= self.spec.skip:
            return False
        self.hits += 1
        return True

    @property
    def is_exhausted(self) -> bool:
        """Whether it has hit as often as it should."""
        return self.hits == self.spec.times > 0

    def describe(self) -> dict[str, Any]:
        """What the control interface shows."""
        return {"id": self.id, **msgspec.to_builtins(self.spec), "hits": self.hits}


class FaultRegistry:
    """What is armed on a server."""

    def __init__(self) -> None:
        self._armed: list[RegisteredFault] = []

    def arm(self, order: FaultSpec) -> str:
        """Arm a fault; its id. Raises `FaultError` naming the field that is wrong."""
        fault, active = order.resolve()
        if len(self._armed) >= _MOST_ARMED:
            raise FaultError(f"{_MOST_ARMED} faults are armed already: disarm some first")
        armed = RegisteredFault(ids.new_fault_id(), order, fault, active)
        self._armed.append(armed)
        return armed.id

    def disarm(self, fault_id: str) -> bool:
        """Take a fault back; False where none has this id."""
        left = [armed for armed in self._armed if armed.id != fault_id]
        found = len(left) < len(self._armed)
        self._armed = left
        return found

    def disarm_all(self) -> None:
        """Take everything back."""
        self._armed = []

    def disarm_token(self, token_id: int, user_id: str) -> None:
        """Take back what was armed for this token alone."""
        self._armed = [
            armed
            for armed in self._armed
            if armed.spec.match.token_id != token_id and armed.spec.match.user_id != user_id
        ]

    def list_armed(self) -> list[RegisteredFault]:
        """What waits, in order of arming."""
        return list(self._armed)

    def next_for(self, call: ApiCall) -> ActiveFault | None:
        """The fault that befalls this call."""
        for armed in self._armed:
            if armed.trigger(call):
                if armed.is_exhausted:
                    self._armed.remove(armed)
                return armed.active
        return None


def parse_fault_header(text: str, call: ApiCall) -> tuple[ActiveFault, ...]:
    """The faults that a request asks for itself: `name;arg=value, name`.

    Each may stand there once: faults of one kind multiply. Raises `FaultError` for what does not
    exist or cannot befall this call, for a repetition, and for more than anybody can follow.
    """
    parts = [part for part in text.split(",") if part.strip()]
    if len(parts) > _MOST_IN_HEADER:
        raise FaultError(f"names {len(parts)} faults, at most {_MOST_IN_HEADER} are played at once")
    found = tuple(_parse_one(part, call) for part in parts)
    names = [active.name for active in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise FaultError(f"names fault {twice!r} more than once: name it once")
    return found


def _parse_one(text: str, call: ApiCall) -> ActiveFault:
    name, *pairs = (part.strip() for part in text.split(";"))
    args: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise FaultError(f"{pair!r} of fault {name!r} is no argument: write name=value")
        args[key.strip()] = value.strip()
    order = FaultSpec(name, FaultMatch(endpoint=call.endpoint), args=args)
    return order.resolve()[1]
