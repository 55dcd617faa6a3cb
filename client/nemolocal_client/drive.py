"""The sync loop: does what a flow asks for, with the transport, the clock and the store."""

from pathlib import Path
from typing import TypeVar

from nemolocal_contract.clock import Clock

from .effects import (
    Call,
    CheckDestination,
    Download,
    Effect,
    Flow,
    KeepToken,
    Measure,
    Notice,
    Notify,
    Now,
    OpenStream,
    PutInPlace,
    ReadStream,
    RecallClientId,
    RecallToken,
    RenewClientId,
    Wait,
)
from .errors import NemoError
from .files import check_destination, discard, file_size, put_in_place
from .profile import IdentityStore
from .transport import Transport

T = TypeVar("T")


class Driver:
    """Runs flows, one at a time."""

    def __init__(
        self,
        base_url: str,
        transport: Transport,
        *,
        clock: Clock,
        store: IdentityStore,
        notify: Notify,
    ) -> None:
        self._base_url = base_url
        self._transport = transport
        self._clock = clock
        self._store = store
        self._notify = notify
        self._parts: set[Path] = set()

    def run(self, flow: Flow[T]) -> T:
        """The outcome of a flow; an error of an effect is thrown into the flow first."""
        try:
            effect = next(flow)
            while True:
                try:
                    reply = self._perform(effect)
                except NemoError as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(reply)
        except StopIteration as end:
            outcome: T = end.value
            return outcome
        finally:
            self._transport.close_stream()
            self._discard_parts()

    def _perform(self, effect: Effect) -> object:
        match effect:
            case Call():
                return self._transport.call(effect)
            case OpenStream():
                return self._transport.open_stream(effect)
            case ReadStream():
                return self._transport.read_stream()
            case Download():
                self._parts.add(effect.part)
                return self._transport.download(effect)
            case Now():
                return self._clock.time()
            case RecallClientId():
                return self._store.client_id()
            case RenewClientId():
                return self._store.renew_client_id()
            case RecallToken():
                return self._store.token(self._base_url)
            case Measure(paths):
                return tuple(file_size(path) for path in paths)
            case _:
                self._do(effect)
                return None

    def _do(self, effect: Wait | Notice | KeepToken | CheckDestination | PutInPlace) -> None:
        """What has no answer."""
        match effect:
            case Wait(seconds):
                self._clock.wait(seconds)
            case Notice():
                self._notify(effect)
            case KeepToken(kept):
                self._store.keep(self._base_url, kept)
            case CheckDestination(path):
                check_destination(path)
            case PutInPlace(part, destination):
                put_in_place(part, destination)

    def _discard_parts(self) -> None:
        """What is left of downloads that did not complete."""
        while self._parts:
            discard(self._parts.pop())
