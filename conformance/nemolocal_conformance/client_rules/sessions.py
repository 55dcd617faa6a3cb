"""What a client does with its sessions (CLI-7, SES-2, UPL-1)."""

from collections.abc import Iterator

from nemolocal_contract.codes import Code

from ..records.act import Act
from ..records.record import Record
from ..records.turn import Turn
from .rule import Finding, broken, client_check, held


@client_check("client.after-1002.new-session", "CLI-7", "SES-3")
def lost_session_is_replaced(record: Record) -> Iterator[Finding]:
    """After 1002 a client MUST open a new session and leave the lost one alone."""
    lost: dict[str, Act] = {}
    for act in record.calls:
        if act.code == Code.SESSION_NOT_FOUND and act.session and not act.render:
            lost.setdefault(act.session, act)
    for session, act in lost.items():
        later = list(record.after(act))
        used = next((other for other in later if other.session == session), None)
        if used is not None:
            yield broken("the lost session", "left alone", used.what, act, used)
        opened = next((other for other in later if other.endpoint == "session"), None)
        if used is None and opened is not None:
            yield held(act, opened)


@client_check("client.upload.again", "SES-2", "UPL-1")
def file_is_uploaded_once(record: Record) -> Iterator[Finding]:
    """A file that is in a session SHOULD NOT be uploaded to it again."""
    sent: dict[tuple[str, ...], Act] = {}
    for act in record.of("upload"):
        before = sent.get(act.request)
        if before is not None:
            yield broken("the same file", "once", "again", before, act)
        elif act.ok:
            yield held(act)
        if act.ok:
            sent[act.request] = act


@client_check("client.turns.one-at-a-time", "SSE-1", "SSE-7")
def turns_do_not_overlap(record: Record) -> Iterator[Finding]:
    """A session SHOULD be given one message at a time."""
    running: dict[str, Turn] = {}
    for turn in record.turns:
        before = running.get(turn.session)
        if before is None:
            yield held(turn)
        elif turn.act.entry.started < before.ended:
            yield broken("a message", "after the turn", "during the turn", before, turn)
        else:
            yield held(before, turn)
        running[turn.session] = turn
