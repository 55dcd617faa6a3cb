"""How a client uses its sessions (CLI-7, SES-2, UPL-1)."""

from collections.abc import Iterator

from nemolocal_contract.responses import ResponseCode

from ..traffic.client_log import ClientLog
from ..traffic.client_turn import ClientTurn
from ..traffic.recorded_call import RecordedCall
from .client_check import ClientFinding, client_check, failed, inconclusive, passed


@client_check("client.after-1002.new-session", "CLI-7", "SES-3")
def lost_session_is_replaced(log: ClientLog) -> Iterator[ClientFinding]:
    """After 1002 a client MUST create a new session and not use the lost one again."""
    for session, call in _lost_sessions(log).items():
        later = list(log.calls_after(call))
        used = next((other for other in later if other.session_id == session), None)
        opened = next((other for other in later if other.endpoint == "session"), None)
        if used is not None:
            yield failed("the lost session", "not used again", used.label, call, used)
        elif opened is not None and not (log.fixed_job and _goes_on(log, call, later)):
            yield passed(call, opened)
        elif log.fixed_job:
            actual = later[0].label if later else "nothing more"
            yield failed("the next call", "a new session", actual, call, *later[:1], missing=True)
        else:
            yield inconclusive("the user may have stopped", call)


def _goes_on(log: ClientLog, call: RecordedCall, later: list[RecordedCall]) -> bool:
    """Whether the next call about a session is about one that was in use before the loss."""
    earlier = {other.session_id for other in log.all_calls[: log.position(call)]}
    after = next((o for o in later if o.session_id or o.endpoint == "session"), None)
    return after is not None and after.endpoint != "session" and after.session_id in earlier


def _lost_sessions(log: ClientLog) -> dict[str, RecordedCall]:
    """Return the first 1002 of each session, those about an export aside (REN-8)."""
    lost: dict[str, RecordedCall] = {}
    for call in log.contract_calls:
        if call.code == ResponseCode.SESSION_NOT_FOUND and call.session_id and not call.render_id:
            lost.setdefault(call.session_id, call)
    return lost


@client_check("client.upload.again", "SES-2", "UPL-1")
def file_is_uploaded_once(log: ClientLog) -> Iterator[ClientFinding]:
    """A file SHOULD NOT be uploaded to the same session twice."""
    sent: dict[tuple[str, ...], RecordedCall] = {}
    for call in log.calls_to("upload"):
        before = sent.get(call.request_key)
        if before is not None:
            yield failed("uploads of the same file", "one", "two", before, call)
        elif call.is_ok:
            yield passed(call)
        if call.is_ok:
            sent[call.request_key] = call


@client_check("client.turns.one-at-a-time", "SSE-1", "SSE-7")
def turns_do_not_overlap(log: ClientLog) -> Iterator[ClientFinding]:
    """A session SHOULD get one message at a time."""
    running: dict[str, ClientTurn] = {}
    for turn in log.turns:
        before = running.get(turn.session_id)
        if before is None:
            yield passed(turn)
        elif turn.call.entry.started < before.ended:
            yield failed("the next message", "after the turn", "during the turn", before, turn)
        else:
            yield passed(before, turn)
        running[turn.session_id] = turn
