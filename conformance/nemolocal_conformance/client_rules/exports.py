"""What an export is made of, and what follows a failed one (CLI-8, CLI-10, STA-3)."""

from collections.abc import Iterator, Sequence
from typing import Any

from nemolocal_contract.codes import Code

from ..records.act import Act
from ..records.record import Record
from ..records.render import Render
from .rule import Finding, broken, client_check, held, unclear

# What a client does by itself after it has seen a failure.
_BY_ITSELF = 60.0


@client_check("client.render.state-first", "CLI-8", "STA-3")
def state_is_read_before_an_export(record: Record) -> Iterator[Finding]:
    """The state MUST be read before an export, after whatever was done to the session last."""
    done: dict[str, Act] = {}
    read: dict[str, Act] = {}
    for act in record.acts:
        if act.endpoint in ("chat", "upload"):
            done[act.session] = act
            read.pop(act.session, None)
        elif act.endpoint == "state":
            read[act.session] = act
        elif act.endpoint == "render" and act.session in read:
            yield held(read[act.session], act)
        elif act.endpoint == "render" and act.unread:
            yield unclear("it was refused unread: nobody knows which session it was for", act)
        elif act.endpoint == "render":
            shown = (done[act.session], act) if act.session in done else (act,)
            yield broken("the state", "read before", "not read", *shown, missing=True)


@client_check("client.render.not-empty", "CLI-8", "STA-3")
def empty_timeline_is_not_exported(record: Record) -> Iterator[Finding]:
    """A draft without a segment MUST NOT be exported."""
    for render in record.renders:
        body = render.submit.body
        if not isinstance(body, dict):
            yield unclear("the draft is too long for the journal", render.submit)
        elif _ready(body.get("draft")):
            yield held(render.submit)
        else:
            yield broken("the draft", "a segment in a track", "none", render.submit)


@client_check("client.render.id-shape", "REN-1")
def render_id_has_its_shape(record: Record) -> Iterator[Finding]:
    """The id of an export SHOULD be `render_` and a time."""
    for render in record.renders:
        right = render.id.startswith("render_")
        told = render.id[:40]
        yield held(render.submit) if right else broken("id", "render_…", told, render.submit)


@client_check("client.retry", "CLI-8", "REN-6")
def failed_export_is_tried_again(record: Record) -> Iterator[Finding]:
    """An export that failed MUST be tried once more."""
    for chain in _chains(record):
        if not chain[0].failed:
            continue
        shown = [render.submit for render in chain]
        again = len(chain) > 1
        yield held(*shown) if again else broken("it was not tried again", "once", "never", *shown)


@client_check("client.retry.once", "CLI-8", "REN-6")
def failed_export_is_tried_again_once(record: Record) -> Iterator[Finding]:
    """An export that failed twice MUST NOT be tried a third time."""
    for chain in _chains(record):
        shown = [render.submit for render in chain]
        if len(chain) > 2:
            yield broken("it was tried again", "once", f"{len(chain) - 1} times", *shown)
        elif len(chain) > 1:
            yield held(*shown)


@client_check("client.retry.new-id", "CLI-8", "REN-6")
def every_export_has_a_new_id(record: Record) -> Iterator[Finding]:
    """Every further export MUST have an id that none had before."""
    used: dict[str, Act] = {}
    for number, render in enumerate(record.renders):
        if render.id in used:
            yield broken("the id", "a new one", render.id[:40], used[render.id], render.submit)
        elif number:
            yield held(render.submit)
        if render.accepted or render.duplicate:
            used[render.id] = render.submit


@client_check("client.render.one-at-a-time", "REN-8", "REN-6")
def export_waits_for_the_one_before(record: Record) -> Iterator[Finding]:
    """A session SHOULD be exported anew only when the export before has ended or was cancelled."""
    before: dict[str, Render] = {}
    for render in record.renders:
        last = before.get(render.session)
        if last is not None:
            ended = last.end is not None and last.end.entry.ended <= render.submit.entry.started
            apart = render.submit.entry.started - _last(last).entry.ended
            over = ended or last.cancelled or not record.tempo.soon(apart, _BY_ITSELF)
            told = "while another one runs"
            shown = (last.submit, render.submit)
            yield (
                held(*shown)
                if over
                else broken("an export", "after the one before", told, *shown, missing=True)
            )
        if render.accepted:
            before[render.session] = render


@client_check("client.claim-link", "CLI-10", "AUTH-7")
def project_is_handed_over(record: Record) -> Iterator[Finding]:
    """After a finished export a client SHOULD ask for a claim token, and give the user its link."""
    done = [render for render in record.renders if render.completed]
    claims = record.of("claim_token")
    for session in dict.fromkeys(render.session for render in done):
        claim = next((act for act in claims if act.session == session), None)
        ends = [render.submit for render in done if render.session == session]
        told = "never asked for"
        yield held(ends[-1], claim) if claim else broken("a claim token", "one", told, ends[-1])


def _ready(draft: Any) -> bool:
    """STA-3: at least one track with a segment."""
    tracks = draft.get("t") if isinstance(draft, dict) else None
    found = tracks if isinstance(tracks, list) else []
    return any(isinstance(track, dict) and track.get("sg") for track in found)


def _chains(record: Record) -> list[list[Render]]:
    """Exports, each with those by which its client tried again because it had failed."""
    chains: dict[str, list[list[Render]]] = {}
    for render in record.renders:
        if render.submit.code in (Code.BAD_TOKEN, Code.RATE_LIMITED):
            continue  # it was not even begun
        of_session = chains.setdefault(render.session, [])
        if of_session and _tried_again(record, of_session[-1], render):
            of_session[-1].append(render)
        else:
            of_session.append([render])
    return [chain for of_session in chains.values() for chain in of_session]


def _tried_again(record: Record, chain: Sequence[Render], render: Render) -> bool:
    apart = render.submit.entry.started - _last(chain[-1]).entry.ended
    return chain[-1].failed and record.tempo.soon(apart, _BY_ITSELF)


def _last(render: Render) -> Act:
    """The last that a client saw of an export."""
    return render.end or (render.submit, *render.polls)[-1]
