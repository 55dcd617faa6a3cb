"""What a client exports, and what it does after a failed export (CLI-8, CLI-10, STA-3)."""

from collections.abc import Iterator, Sequence
from typing import Any

from nemolocal_contract.responses import ResponseCode

from ..traffic.client_export import ClientExport
from ..traffic.client_log import ClientLog
from ..traffic.recorded_call import RecordedCall
from .client_check import ClientFinding, client_check, failed, inconclusive, passed

# An automatic retry comes within this time after the failure.
_BY_ITSELF = 60.0
_BODY_UNREAD = "it was rejected before its body was read: its id and session are unknown"


@client_check("client.render.state-first", "CLI-8", "STA-3")
def state_is_read_before_an_export(log: ClientLog) -> Iterator[ClientFinding]:
    """The state MUST be read before an export and after the last change to the session."""
    done: dict[str, RecordedCall] = {}
    read: dict[str, RecordedCall] = {}
    for call in log.all_calls:
        if call.endpoint in ("chat", "upload"):
            done[call.session_id] = call
            read.pop(call.session_id, None)
        elif call.endpoint == "state":
            read[call.session_id] = call
        elif call.endpoint == "render" and call.session_id in read:
            yield passed(read[call.session_id], call)
        elif call.endpoint == "render" and call.is_body_unread:
            yield inconclusive(_BODY_UNREAD, call)
        elif call.endpoint == "render":
            shown = (done[call.session_id], call) if call.session_id in done else (call,)
            yield failed("the state", "read before", "not read", *shown, missing=True)


@client_check("client.render.not-empty", "CLI-8", "STA-3")
def empty_timeline_is_not_exported(log: ClientLog) -> Iterator[ClientFinding]:
    """A draft without a segment MUST NOT be exported."""
    for render in log.exports:
        body = render.submit.request_json
        if not isinstance(body, dict):
            yield inconclusive("the draft is too long for the journal", render.submit)
        elif _has_segments(body.get("draft")):
            yield passed(render.submit)
        else:
            yield failed("segments of the draft", "at least one", "none", render.submit)


@client_check("client.render.id-shape", "REN-1")
def render_id_has_its_shape(log: ClientLog) -> Iterator[ClientFinding]:
    """The id of an export SHOULD be `render_` followed by a time."""
    for render in log.exports:
        if render.submit.is_body_unread:
            yield inconclusive(_BODY_UNREAD, render.submit)
            continue
        right = render.id.startswith("render_")
        actual = render.id[:40]
        yield passed(render.submit) if right else failed("id", "render_…", actual, render.submit)


@client_check("client.retry", "CLI-8", "REN-6")
def failed_export_is_tried_again(log: ClientLog) -> Iterator[ClientFinding]:
    """An export that failed MUST be tried once more."""
    for chain in _retry_chains(log):
        if not chain[0].has_failed:
            continue
        shown = [render.submit for render in chain]
        again = len(chain) > 1
        yield passed(*shown) if again else failed("retries", "one", "none", *shown)


@client_check("client.retry.once", "CLI-8", "REN-6")
def failed_export_is_tried_again_once(log: ClientLog) -> Iterator[ClientFinding]:
    """An export that failed twice MUST NOT be tried a third time."""
    for chain in _retry_chains(log):
        shown = [render.submit for render in chain]
        if len(chain) > 2:
            yield failed("retries", "one", len(chain) - 1, *shown)
        elif len(chain) > 1:
            yield passed(*shown)


@client_check("client.retry.new-id", "CLI-8", "REN-6")
def every_export_has_a_new_id(log: ClientLog) -> Iterator[ClientFinding]:
    """Every further export MUST have a new id."""
    used: dict[str, RecordedCall] = {}
    for number, render in enumerate(log.exports):
        if render.id in used:
            yield failed("the id", "a new one", render.id[:40], used[render.id], render.submit)
        elif number:
            yield passed(render.submit)
        if render.is_accepted or render.is_duplicate:
            used[render.id] = render.submit


@client_check("client.render.one-at-a-time", "REN-8", "REN-6")
def export_waits_for_the_one_before(log: ClientLog) -> Iterator[ClientFinding]:
    """A session SHOULD be exported again only when its last export has ended or was cancelled."""
    before: dict[str, ClientExport] = {}
    for render in log.exports:
        last = before.get(render.session_id)
        if last is not None:
            ended = (
                last.end_call is not None
                and last.end_call.entry.ended <= render.submit.entry.started
            )
            apart = render.submit.entry.started - _last(last).entry.ended
            over = ended or last.is_cancelled or not log.time_scale.is_within(apart, _BY_ITSELF)
            actual = "while another one runs"
            shown = (last.submit, render.submit)
            yield (
                passed(*shown)
                if over
                else failed(
                    "the export", "after the previous one ended", actual, *shown, missing=True
                )
            )
        if render.is_accepted:
            before[render.session_id] = render


@client_check("client.claim-link", "CLI-10", "AUTH-7")
def claim_link_is_requested(log: ClientLog) -> Iterator[ClientFinding]:
    """After a completed export a client SHOULD request a claim token and show its link
    to the user.
    """
    done = [render for render in log.exports if render.is_completed]
    claims = log.calls_to("claim_token")
    for session in dict.fromkeys(render.session_id for render in done):
        claim = next((call for call in claims if call.session_id == session), None)
        ends = [render.submit for render in done if render.session_id == session]
        actual = "none"
        yield (
            passed(ends[-1], claim)
            if claim
            else failed("a claim token request", "one", actual, ends[-1])
        )


def _has_segments(draft: Any) -> bool:
    """Whether at least one track has a segment (STA-3)."""
    tracks = draft.get("t") if isinstance(draft, dict) else None
    found = tracks if isinstance(tracks, list) else []
    return any(isinstance(track, dict) and track.get("sg") for track in found)


def _retry_chains(log: ClientLog) -> list[list[ClientExport]]:
    """Group exports with their retries: further exports made because one had failed."""
    chains: dict[str, list[list[ClientExport]]] = {}
    for render in log.exports:
        if render.submit.code in (ResponseCode.BAD_TOKEN, ResponseCode.RATE_LIMITED):
            continue  # the export was not started
        of_session = chains.setdefault(render.session_id, [])
        if of_session and _is_retry(log, of_session[-1], render):
            of_session[-1].append(render)
        else:
            of_session.append([render])
    return [chain for of_session in chains.values() for chain in of_session]


def _is_retry(log: ClientLog, chain: Sequence[ClientExport], render: ClientExport) -> bool:
    apart = render.submit.entry.started - _last(chain[-1]).entry.ended
    return chain[-1].has_failed and log.is_automatic(apart, _BY_ITSELF)


def _last(render: ClientExport) -> RecordedCall:
    """Return the last call about an export that the client saw answered."""
    return render.end_call or (render.submit, *render.polls)[-1]
