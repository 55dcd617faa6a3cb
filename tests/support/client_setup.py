"""A client under test, as it is or broken, and what it did.

A client is broken where it can be told from outside to be another: by what it does about an
effect, by a method, by the store of its identity, by an option.
"""

from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from nemolocal_client import (
    Attribution,
    Client,
    IdentityStore,
    MemoryProfile,
    Notice,
    Profile,
    route,
)
from nemolocal_client.auth import AuthState
from nemolocal_client.chat_stream import send_message
from nemolocal_client.operations import (
    Flow,
    GetTime,
    OpenStream,
    Operation,
    ReadStream,
    Secret,
    StreamChunk,
    StreamEnd,
    StreamOpened,
)
from nemolocal_client.sessions import ClientSession
from nemolocal_contract.clock import ManualClock
from tests.mutation.clients.flow_rewriting import rewrite_flow
from tests.support.scripted_backend import Answer, Cut, Piece, ReceivedRequest, ScriptedBackend

SKILL = Attribution("a-skill", "1.2.3", "cursor")

Handler = Callable[[Operation], Flow[Any]]
"""Does something else than what an effect wants."""


def as_wanted(effect: Operation) -> Flow[Any]:
    """Does what an effect wants."""
    return (yield effect)


class Setup(msgspec.Struct, kw_only=True):
    """The client under test, a scripted backend for it, and what the user was told.

    A broken client handles effects otherwise, is of another class, keeps its identity elsewhere,
    routes otherwise, or is made with other options.
    """

    backend: ScriptedBackend
    cut: Cut
    folder: Path
    handle: Handler = as_wanted
    client_class: type[Client] = Client
    store: Callable[[Path], IdentityStore] = Profile
    route: Callable[[str], str] = route
    options: dict[str, Any] = {}
    notices: list[Notice] = []

    def client(self, **options: Any) -> Client:
        kept = {"profile": MemoryProfile(), "environment": {}, "attribution": SKILL}
        common = {"clock": self.backend.clock, "notify": self.notices.append}
        created: Client = rewriting(self.client_class, self.handle)(
            self.backend.base_url, **{**kept, **common, **options, **self.options}
        )
        return created

    def gaps(self, path: str) -> list[float]:
        """Seconds between the requests to a path."""
        return [b.at - a.at for a, b in pairwise(self.backend.of(path))]

    def said(self) -> list[str]:
        return [notice.text for notice in self.notices]

    def changing(self, answer: list[Piece]) -> Answer:
        """An answer after which the timeline is another one."""

        def respond(_: ReceivedRequest) -> list[Piece]:
            self.backend.draft = {"t": [], "d": 0}
            return answer

        return respond

    def hear(self, reads: list[tuple[float, bytes]]) -> list[str]:
        """Listen to what is read after so many seconds each; what the user is told."""
        clock, reported = ManualClock(), []
        flow = rewrite_flow(
            send_message(ClientSession(AuthState(Secret("t")), "1"), "hi"), self.handle
        )

        def answer(effect: Operation) -> object:
            match effect:
                case OpenStream():
                    return StreamOpened()
                case GetTime():
                    return clock.time()
                case Notice():
                    reported.append(effect.text)
                case ReadStream():
                    if not reads:
                        return StreamEnd()
                    seconds, data = reads.pop(0)
                    clock.wait(seconds)
                    return StreamChunk(data)
            return None

        with suppress(StopIteration):
            effect = next(flow)
            while True:
                effect = flow.send(answer(effect))
        return reported


def rewriting(client_class: type[Client], handle: Handler) -> type[Client]:
    """A class of clients whose effects are handled otherwise."""

    class Rewriting(client_class):  # type: ignore[misc, valid-type]
        def run(self, flow: Flow[Any]) -> Any:
            return super().run(rewrite_flow(flow, handle))

    return Rewriting
