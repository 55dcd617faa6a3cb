"""The scripted replies of a server: added, matched in their order, counted, kept in snapshots."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from nemolocal_contract.responses import decode_json, encode_json

from .. import ids
from ..data.store import Store
from .reply_spec import ReplyError
from .scripted_reply import ReplyRequest, ScriptedReply, build_reply

log = logging.getLogger("nemolocal")

_MAX_REPLIES = 1000


class RegisteredReply(msgspec.Struct):
    """A reply and how often it was used."""

    reply: ScriptedReply
    uses: int = 0

    @property
    def is_exhausted(self) -> bool:
        """Whether it was used all of its `times`."""
        return 0 < self.reply.spec.times <= self.uses

    def describe(self) -> dict[str, Any]:
        """Return what the control API shows."""
        spec = msgspec.to_builtins(self.reply.spec)
        return {"name": self.reply.name, "uses": self.uses, "reply": spec}


class _Row(msgspec.Struct, frozen=True):
    name: str
    reply: str
    uses: int


class ReplyService:
    """Chooses the reply of a chat request: the first that matches and is not used up.

    `configured` are those of the settings, which a reset adds again. Replies end with the server,
    as faults do; a snapshot keeps them, with their use counts, and a restore brings them back.
    """

    def __init__(self, store: Store, configured: Iterable[ScriptedReply] = ()) -> None:
        self._store = store
        self._configured = tuple(configured)
        self.registered: list[RegisteredReply] = []
        self.reset()

    def reset(self) -> None:
        """Go back to the replies of the settings, none of them used."""
        self.registered = [RegisteredReply(reply) for reply in self._configured]

    def clear(self) -> list[str]:
        """Delete all replies; return their names."""
        names = [registered.reply.name for registered in self.registered]
        self.registered = []
        return names

    def add(self, fields: Mapping[str, Any]) -> str:
        """Add a reply and return its name; raises `ReplyError`."""
        if len(self.registered) >= _MAX_REPLIES:
            raise ReplyError("", f"there are {_MAX_REPLIES} replies already: delete them first")
        reply = build_reply(fields, ids.reply_name(len(self.registered) + 1))
        if any(registered.reply.name == reply.name for registered in self.registered):
            raise ReplyError("name", f"a reply named {reply.name!r} exists already")
        self.registered.append(RegisteredReply(reply))
        return reply.name

    def take(self, request: ReplyRequest) -> ScriptedReply | None:
        """Return the reply of a request and count its use; None if the agent answers."""
        for registered in self.registered:
            if not registered.is_exhausted and registered.reply.matches(request):
                registered.uses += 1
                return registered.reply
        return None

    @property
    def unused(self) -> list[str]:
        """The names of the replies that were never used, without tokens: they are printed."""
        redact = self._store.known_tokens.redact
        return [redact(entry.reply.name) for entry in self.registered if not entry.uses]

    def describe(self) -> dict[str, Any]:
        """Return the replies with their use counts, and the names of those never used.

        Tokens in them are removed, since this is shown and copied like the journal.
        """
        replies = [registered.describe() for registered in self.registered]
        shown = {"replies": replies, "unused": self.unused}
        return dict(self._store.known_tokens.redact_json(shown))

    def save(self) -> None:
        """Write the replies to the store, just before a snapshot copies it."""
        redact = self._store.known_tokens.redact
        with self._store.transaction():
            self._store.execute("DELETE FROM replies")
            for registered in self.registered:
                self._store.execute(
                    "INSERT INTO replies (name, reply, uses) VALUES (:name, :reply, :uses)",
                    name=redact(registered.reply.name),
                    reply=redact(encode_json(registered.reply.spec).decode()),
                    uses=registered.uses,
                )

    def load(self) -> None:
        """Read the replies of a snapshot that was restored."""
        rows = self._store.fetch_all(
            _Row, "SELECT name, reply, uses FROM replies ORDER BY position"
        )
        self.registered = []
        for row in rows:
            try:
                reply = build_reply(decode_json(row.reply), row.name)
            except (ReplyError, msgspec.MsgspecError) as error:
                # Of another release, or with a token in it that was removed.
                log.warning("the reply %s of the snapshot is left out: %s", row.name, error)
                continue
            self.registered.append(RegisteredReply(reply, row.uses))


def build_replies(replies: Iterable[Mapping[str, Any]]) -> tuple[ScriptedReply, ...]:
    """Check replies; raises `ReplyError`, whose path begins with `replies[0]` or another number."""
    built: list[ScriptedReply] = []
    names: set[str] = set()
    for number, fields in enumerate(replies):
        where = f"replies[{number}]"
        try:
            if not isinstance(fields, Mapping):
                raise ReplyError("", "must be a table")
            reply = build_reply(fields, ids.reply_name(number + 1))
            if reply.name in names:
                raise ReplyError("name", f"a reply named {reply.name!r} exists already")
        except ReplyError as error:
            path = f"{where}.{error.path}" if error.path else where
            raise ReplyError(path, error.reason) from error
        names.add(reply.name)
        built.append(reply)
    if len(built) > _MAX_REPLIES:
        raise ReplyError(f"replies[{_MAX_REPLIES}]", f"there can be at most {_MAX_REPLIES} replies")
    return tuple(built)
