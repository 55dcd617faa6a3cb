"""A scripted reply that has been checked and is ready to answer."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from nemolocal_agent import Edit
from nemolocal_agent.edit_keys import NotationError
from nemolocal_agent.edit_notation import read_edit
from nemolocal_agent.intents import PatchDraft, ReplaceDraft
from nemolocal_contract.responses import decode_json, encode_json
from nemolocal_contract.turn_events import RawEvent

from ..faults.catalogue import ActiveFault, ApiCall, FaultError
from ..faults.fault_header import parse_fault_header
from .draft_trial import try_draft, try_edits, try_patch
from .message_patterns import Matcher, build_matcher
from .reply_captions import Captions, adds_captions, read_captions, with_captions
from .reply_spec import ReplyError, ReplySpec

_MAX_BYTES = 1024 * 1024
_CHANGES = ("edits", "draft", "draft_patch")


class ReplyRequest(msgspec.Struct, frozen=True):
    """What replies are matched with; `turn` is called only if a reply asks for it."""

    message: str
    client: str
    session: str
    language: str
    turn: Callable[[], int]


class ScriptedReply(msgspec.Struct, frozen=True):
    """A checked reply. `edits` are None if the agent decides, `events` if it writes the stream.

    `captions` are the words for the captions that the agent's edits add.
    """

    name: str
    spec: ReplySpec
    matcher: Matcher | None = None
    edits: tuple[Edit, ...] | None = None
    events: tuple[RawEvent, ...] | None = None
    faults: tuple[ActiveFault, ...] = ()
    captions: Captions | None = None

    def matches(self, request: ReplyRequest) -> bool:
        """Whether a request gets this reply."""
        wanted = self.spec.match
        return (
            wanted.client in (None, request.client)
            and wanted.session in (None, request.session)
            and wanted.language in (None, request.language)
            and (wanted.turn is None or wanted.turn == request.turn())
            and (self.matcher is None or self.matcher(request.message))
        )

    def changes_json(self) -> str | None:
        """What `read_changes` needs to make the edits again; None if the message says them."""
        if self.edits is None and self.captions is None:
            return None
        fields = {name: getattr(self.spec, name) for name in (*_CHANGES, "captions")}
        return encode_json({k: v for k, v in fields.items() if v is not None}).decode()


def build_reply(fields: Mapping[str, Any], name: str) -> ScriptedReply:
    """Check a reply; `name` is its name if it has none of its own. Raises `ReplyError`."""
    spec = _convert(fields)
    _check_combination(spec)
    matcher = build_matcher(spec.match.message, "match.message")
    captions = None if spec.captions is None else read_captions(spec.captions)
    edits = _edits_with_captions(spec, captions)
    if edits is not None:
        _try_changes(spec, edits)
    faults = _read_faults(spec)
    events = None if spec.events is None else tuple(map(RawEvent, spec.events))
    return ScriptedReply(spec.name or name, spec, matcher, edits, events, faults, captions)


def read_changes(text: str, said: Callable[[], tuple[Edit, ...]]) -> tuple[Edit, ...]:
    """Return the edits of `ScriptedReply.changes_json`; `said` returns those of the message."""
    spec = _convert(decode_json(text))
    captions = None if spec.captions is None else read_captions(spec.captions)
    edits = _read_edits(spec)
    if edits is None:
        edits = said()
    return edits if captions is None else with_captions(edits, captions)


def _edits_with_captions(spec: ReplySpec, captions: Captions | None) -> tuple[Edit, ...] | None:
    """Return the edits of a reply; raises `ReplyError` if captions are for none of them."""
    edits = _read_edits(spec)
    if captions is None or edits is None:
        return edits
    if not adds_captions(edits):
        given = next(name for name in _CHANGES if getattr(spec, name) is not None)
        raise ReplyError("captions", f"needs an edit that adds captions, and {given} has none")
    return with_captions(edits, captions)


def _convert(fields: Mapping[str, Any]) -> ReplySpec:
    try:
        # Dates of TOML become text, and what JSON cannot say is refused, before anything is used.
        text = encode_json(dict(fields))
        if len(text) > _MAX_BYTES:
            raise ReplyError("", f"a reply has at most {_MAX_BYTES >> 20} MB")
        return decode_json(text, type=ReplySpec)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        raise ReplyError(path.strip("`").removeprefix("."), reason) from error
    except (TypeError, RecursionError, msgspec.MsgspecError) as error:
        raise ReplyError("", f"is not JSON: {error}") from error


def _check_combination(spec: ReplySpec) -> None:
    given = [name for name in _CHANGES if getattr(spec, name) is not None]
    if len(given) > 1:
        raise ReplyError(given[1], f"excludes {given[0]}: use only one of them")
    if spec.name is not None and not spec.name.isprintable():
        raise ReplyError("name", "has unprintable characters")
    if spec.events is not None:
        for name in ("say", "tools"):
            if getattr(spec, name) is not None:
                raise ReplyError(name, "excludes events, which replace the whole stream")
    elif spec.edits == () and spec.say is None:
        raise ReplyError("say", "is required if edits is empty")
    if spec.edits == () and spec.applied is not None:
        raise ReplyError("applied", "requires an edit, but edits is empty")


def _read_edits(spec: ReplySpec) -> tuple[Edit, ...] | None:
    if spec.draft is not None:
        return (ReplaceDraft(spec.draft),)
    if spec.draft_patch is not None:
        return (PatchDraft(spec.draft_patch),)
    if spec.edits is None:
        return None
    edits: list[Edit] = []
    for number, table in enumerate(spec.edits):
        try:
            edits.append(read_edit(table))
        except NotationError as error:
            raise ReplyError(f"edits[{number}]", str(error)) from error
    return tuple(edits)


def _try_changes(spec: ReplySpec, edits: tuple[Edit, ...]) -> None:
    if spec.draft is not None:
        try_draft(spec.draft)
    elif spec.draft_patch is not None:
        try_patch(spec.draft_patch)
    else:
        try_edits(edits)


def _read_faults(spec: ReplySpec) -> tuple[ActiveFault, ...]:
    if spec.fault is None:
        return ()
    try:
        faults = parse_fault_header(spec.fault, ApiCall("chat"))
    except FaultError as error:
        raise ReplyError("fault", str(error)) from error
    if len(faults) != 1:
        raise ReplyError("fault", "must name exactly one fault")
    return faults
