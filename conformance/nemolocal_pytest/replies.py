"""The scripted replies of a test: what the agent answers instead of its own words."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from nemolocal_contract import endpoints as wire

from .server import NemoServer


class AddedReply(msgspec.Struct, frozen=True):
    """A reply, how often it was used, and what it says."""

    name: str
    uses: int
    reply: dict[str, Any]


class _ReplyListing(msgspec.Struct):
    replies: tuple[AddedReply, ...]
    unused: tuple[str, ...]


class NemoReplies:
    """The scripted replies of a server; the docs list the fields of one."""

    def __init__(self, server: NemoServer) -> None:
        self._server = server

    def add(self, **fields: Any) -> str:
        """Add a reply after the others; return its name.

        The fields are those of a scenario file: `match`, `times`, `edits`, `say`, `applied` and so
        on. Raises httpx.HTTPStatusError, which says what is wrong with it.
        """
        return str(self._server.call_control(wire.REPLIES_ADD, fields).json()["name"])

    def listed(self) -> tuple[AddedReply, ...]:
        """Return all replies in the order in which they are tried."""
        return self._listing().replies

    def unused(self) -> tuple[str, ...]:
        """Return the names of the replies that were never used."""
        return self._listing().unused

    def clear(self) -> None:
        """Delete all replies."""
        self._server.call_control(wire.REPLIES_CLEAR)

    def assert_all_used(self) -> None:
        """Fail the test if a reply was never used."""
        __tracebackhide__ = True
        if unused := self.unused():
            raise AssertionError(f"scripted replies never used: {', '.join(unused)}")

    def add_from_marker(self, replies: Sequence[Mapping[str, Any]]) -> None:
        """Add the replies of a marker."""
        for fields in replies:
            self.add(**fields)

    def _listing(self) -> _ReplyListing:
        listing = self._server.call_control(wire.REPLIES).content
        return msgspec.json.decode(listing, type=_ReplyListing)
