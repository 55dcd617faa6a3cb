"""Armed faults: whose calls they befall, how often, and which one is next.

A call eats one match of one fault: the first in order of arming that fits it.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from .. import ids
from .calls import ALL, Call
from .catalogue import Active, Fault, FaultError, fault_named


class Match(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
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

    def fits(self, call: Call) -> bool:
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


class Order(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault to arm: `skip` matches pass untouched, then `times` are hit; 0 is all of them."""

    name: str
    match: Match = Match()
    times: Annotated[int, Meta(ge=0)] = 1
    skip: Annotated[int, Meta(ge=0)] = 0
    args: dict[str, Any] = {}

    def check(self) -> tuple[Fault, Active]:
        """The fault as it will be in force; raises `FaultError` naming the field that is wrong."""
        fault = fault_named(self.name)
        endpoint = self.match.endpoint
        if endpoint is not None and endpoint not in ALL:
            raise FaultError(
                f"match.endpoint: {endpoint!r} is no endpoint; there are {', '.join(ALL)}"
            )
        if endpoint is not None and endpoint not in fault.endpoints:
            raise FaultError(
                f"match.endpoint: fault {fault.name!r} cannot befall {endpoint!r}, "
                f"only {', '.join(fault.endpoints)}"
            )
        return fault, Active(fault.name, fault.read_args(self.args))


_MOST_IN_HEADER, _MOST_ARMED = 10, 1000


class Armed(msgspec.Struct):
    """An order that waits for its calls; `hits` have come so far."""

    id: str
    order: Order
    fault: Fault
    active: Active
    seen: int = 0
    hits: int = 0

    def strikes(self, call: Call) -> bool:
        """Whether this call is hit; counts it, if it is meant at all."""
        if call.endpoint not in self.fault.endpoints or not self.order.match.fits(call):
            return False
        self.seen += 1
        if self.seen <= self.order.skip:
            return False
        self.hits += 1
        return True

    @property
    def spent(self) -> bool:
        """Whether it has hit as often as it should."""
        return self.hits == self.order.times > 0

    def describe(self) -> dict[str, Any]:
        """What the control interface shows."""
        return {"id": self.id, **msgspec.to_builtins(self.order), "hits": self.hits}


class Arming:
    """What is armed on a server."""

    def __init__(self) -> None:
        self._armed: list[Armed] = []

    def arm(self, order: Order) -> str:
        """Arm a fault; its id. Raises `FaultError` naming the field that is wrong."""
        fault, active = order.check()
        if len(self._armed) >= _MOST_ARMED:
            raise FaultError(f"{_MOST_ARMED} faults are armed already: disarm some first")
        armed = Armed(ids.new_fault_id(), order, fault, active)
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

    def disarm_of(self, token_id: int, user_id: str) -> None:
        """Take back what was armed for this token alone."""
        self._armed = [
            armed
            for armed in self._armed
            if armed.order.match.token_id != token_id and armed.order.match.user_id != user_id
        ]

    def armed(self) -> list[Armed]:
        """What waits, in order of arming."""
        return list(self._armed)

    def take(self, call: Call) -> Active | None:
        """The fault that befalls this call."""
        for armed in self._armed:
            if armed.strikes(call):
                if armed.spent:
                    self._armed.remove(armed)
                return armed.active
        return None


def read_header(text: str, call: Call) -> tuple[Active, ...]:
    """The faults that a request asks for itself: `name;arg=value, name`.

    Each may stand there once: faults of one kind multiply. Raises `FaultError` for what does not
    exist or cannot befall this call, for a repetition, and for more than anybody can follow.
    """
    parts = [part for part in text.split(",") if part.strip()]
    if len(parts) > _MOST_IN_HEADER:
        raise FaultError(f"names {len(parts)} faults, at most {_MOST_IN_HEADER} are played at once")
    found = tuple(_read_one(part, call) for part in parts)
    names = [active.name for active in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise FaultError(f"names fault {twice!r} more than once: name it once")
    return found


def _read_one(text: str, call: Call) -> Active:
    name, *pairs = (part.strip() for part in text.split(";"))
    args: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals:
            raise FaultError(f"{pair!r} of fault {name!r} is no argument: write name=value")
        args[key.strip()] = value.strip()
    order = Order(name, Match(endpoint=call.endpoint), args=args)
    return order.check()[1]
