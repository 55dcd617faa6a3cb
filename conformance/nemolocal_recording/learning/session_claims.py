"""Claims about sessions, uploads and states (SES, UPL, STA)."""

import re
from collections.abc import Iterator
from typing import Any

from nemolocal_contract.endpoints import CURRENT_USER
from nemolocal_contract.media import ACCEPTED_EXTENSIONS
from nemolocal_contract.responses import ResponseCode

from ..recording import ExchangeRecord
from .account_claims import marks, message_of, seen
from .claims import Sighting, claim
from .traffic_view import TrafficView, bearer_of, code_of, segment, segments_of, session_of

Sightings = Iterator[Sighting]
_NEVER = 10**9
_DIGITS = re.compile(r"\d{19}", re.ASCII)
_SESSION_ENDPOINTS = ("chat", "upload", "state", "render", "claim_token")


@claim("SES-1", "reply", count=2)
def session_reply_has_its_form(view: TrafficView) -> Sightings:
    """A new session has a task, a user and an id of 19 digits."""
    for one, data in view.successes("session"):
        broken = view.violations(one, "SES-1")
        is_number = _DIGITS.fullmatch(str(data.get("session_id")))
        yield seen(one, not broken and bool(is_number), "", broken or data.get("session_id"))


@claim("SES-1", "request", cases="with-language without-language")
def language_is_optional(view: TrafficView) -> Sightings:
    """The language of a new session is optional."""
    for one in view.of("session"):
        sent = one.sent_json
        if isinstance(sent, dict) and "task_name" in sent and bearer_of(one) in view.tokens:
            case = "with-language" if "language" in sent else "without-language"
            yield seen(one, code_of(one) != 400, case, one.json)


@claim("SES-2", "kept")
def session_is_kept(view: TrafficView) -> Sightings:
    """A session that was opened is there when it is read again."""
    for one in view.of("state"):
        if view.sessions.get(segment(one, "session")) == bearer_of(one) != "":
            holds = code_of(one) != ResponseCode.SESSION_NOT_FOUND
            # The path of another user has no session of this one (GEN-7).
            if holds or segment(one, "user") == CURRENT_USER:
                yield seen(one, holds, "", one.json)


@claim("SES-3", "unknown", cases="chat upload state render claim_token")
def unknown_session_is_told(view: TrafficView) -> Sightings:
    """A session id that no reply has given is 1002."""
    for one in view.of(*_SESSION_ENDPOINTS):
        asked, known = session_of(one), bearer_of(one) in view.tokens
        if not asked or asked in view.sessions or not known or code_of(one) in (400, 402):
            continue
        # A session that was opened before the recording began may exist.
        if code_of(one) == ResponseCode.SESSION_NOT_FOUND:
            # Nobody knows which session a call that a fault has hit has opened.
            yield seen(one, None if view.has_hit("session") else True, one.endpoint)
        elif not view.sessions:
            yield seen(one, None, one.endpoint)


@claim("SES-4", "link")
def registration_link_has_the_user(view: TrafficView) -> Sightings:
    """The registration link of a 2001 has ?bind=."""
    for one in view.failures(ResponseCode.NO_CREDITS):
        if "bind_link" in marks(one):
            yield seen(one, True)


@claim("UPL-1", "forms", cases="form urls")
def uploads_come_as_form_or_urls(view: TrafficView) -> Sightings:
    """An upload is a form with `files`, or JSON with `urls`; each file has its reply."""
    for one, data in view.successes("upload"):
        sent = one.request_body.body if one.request_body else {}
        if sent.get("kind") == "form":
            count = sum(part.get("field") == "files" for part in sent["parts"])
            case = "form"
        else:
            urls = (one.sent_json or {}).get("urls") if isinstance(one.sent_json, dict) else ()
            count, case = len(urls) if isinstance(urls, list) else 0, "urls"
        files = data.get("files")
        held = len(files) if isinstance(files, list) else 0
        yield seen(one, held == count > 0, case, f"{held} of {count} files")


@claim("UPL-2", "reply", cases="video image audio")
def upload_reply_has_its_form(view: TrafficView) -> Sightings:
    """An uploaded file has its type, its figures, a URL and a hash."""
    for one, data in view.successes("upload"):
        broken = view.violations(one, "UPL-2")
        for file in _objects(data.get("files")):
            yield seen(one, not broken, str(file.get("file_type")), broken)


@claim("UPL-3", "accepted", cases=" ".join(ACCEPTED_EXTENSIONS))
def accepted_types_are_accepted(view: TrafficView) -> Sightings:
    """Files of the accepted types are not refused for their type."""
    for one in view.of("upload"):
        names = _suffixes(one)
        if len(names) == 1 and bearer_of(one) in view.tokens and code_of(one) in (0, 4001):
            suffix = names[0]
            if suffix in ACCEPTED_EXTENSIONS:
                # Its content may not be what its name says.
                yield seen(one, True if code_of(one) == 0 else None, suffix)


@claim("UPL-3", "refused")
def other_types_are_refused(view: TrafficView) -> Sightings:
    """Files of other types are 4001 with the list of the accepted ones."""
    for one in view.of("upload"):
        names = _suffixes(one)
        is_form = one.request_body is not None and one.request_body.body.get("kind") == "form"
        if not is_form or not names or all(name in ACCEPTED_EXTENSIONS for name in names):
            continue
        if bearer_of(one) in view.tokens and "jpeg" not in names and code_of(one) != 1002:
            holds = code_of(one) == 4001 and "formats" in marks(one)
            yield seen(one, holds, "", message_of(one))


def _suffixes(exchange: ExchangeRecord) -> list[str]:
    body = exchange.request_body.body if exchange.request_body else {}
    names = [part.get("filename", "") for part in body.get("parts", ())]
    return [str(name).rpartition(".")[2].lower() for name in names if name]


@claim("UPL-4", "refused")
def large_files_are_refused(view: TrafficView) -> Sightings:
    """A file that is too large is 4002."""
    for one in view.failures(ResponseCode.FILE_TOO_LARGE):
        yield seen(one, one.endpoint == "upload")


@claim("UPL-5", "whole")
def uploads_are_all_or_nothing(view: TrafficView) -> Sightings:
    """After a refused upload the session has the media that it had."""
    for one in view.of("upload"):
        if code_of(one) != ResponseCode.UNSUPPORTED_FILE:
            continue
        around = view.reads_around(one, segment(one, "session"))
        counts = [_count_media(at) for at in around or ()]
        if counts and None not in counts:
            yield seen(one, counts[0] == counts[1], "", f"{counts[0]}, then {counts[1]} media")


@claim("UPL-6", "reason")
def refused_url_has_a_reason(view: TrafficView) -> Sightings:
    """A refused URL is 4001 with a reason."""
    for one in view.failures(4001, 4002):
        if one.endpoint == "upload" and isinstance(one.sent_json, dict) and "urls" in one.sent_json:
            yield seen(one, bool(message_of(one)), "", one.json)


def _count_media(exchange: ExchangeRecord) -> int | None:
    data = exchange.json.get("data") if isinstance(exchange.json, dict) else None
    state = data.get("state") if isinstance(data, dict) else None
    infos = state.get("video_infos") if isinstance(state, dict) else None
    return len(infos) if isinstance(infos, list) else None


def states(view: TrafficView) -> Iterator[tuple[ExchangeRecord, dict[str, Any]]]:
    """Yield the reads of a state that have a draft, with the state."""
    for one, data in view.successes("state"):
        state = data.get("state")
        if isinstance(state, dict) and isinstance(state.get("draft"), dict):
            yield one, state


@claim("STA-1", "reply", count=2)
def state_has_its_form(view: TrafficView) -> Sightings:
    """A state has its ids, its name, the draft, the media and the canvas."""
    for one, _ in view.successes("state"):
        broken = view.violations(one, "STA-1")
        yield seen(one, not broken, "", broken)


@claim("STA-1", "media")
def state_lists_the_uploads(view: TrafficView) -> Sightings:
    """A state lists every file that was uploaded to its session."""
    for one, state in states(view):
        session = segment(one, "session")
        ups = [up for up in view.before(one, "upload") if segment(up, "session") == session]
        hashes = {str(file.get("hash")) for up in ups for file in _uploaded_files(up)}
        listed = {str(info.get("hash")) for info in _objects(state.get("video_infos"))}
        if hashes:
            yield seen(one, hashes <= listed, "", f"{len(listed)} of {len(hashes)} files")


def _uploaded_files(upload: ExchangeRecord) -> list[dict[str, Any]]:
    data = upload.json.get("data") if code_of(upload) == 0 else None
    return _objects(data.get("files") if isinstance(data, dict) else None)


def _objects(values: object) -> list[dict[str, Any]]:
    """Return the objects of a list, whatever it is that a server has sent."""
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []


@claim("STA-2", "names", cases="video audio text")
def draft_has_its_names(view: TrafficView) -> Sightings:
    """Tracks are `t` with `tt` 0, 1 or 7 and segments in `sg`; `d` is in milliseconds."""
    for one, state in states(view):
        broken = view.violations(one, "STA-2")
        if broken:
            yield seen(one, False, "video", broken)
            continue
        kinds = {media.get("id"): media.get("file_type") for media in _all_media(state)}
        for track, part in segments_of(state["draft"]):
            kind = "text" if "txt" in part else kinds.get(part.get("src"))
            due = {"text": 7, "video": 0, "image": 0, "audio": 1}.get(str(kind))
            if due is not None:
                case = "video" if due == 0 else str(kind)
                # The sound of a video may be on a track of its own.
                holds = track.get("tt") == due or (kind == "video" and track.get("tt") == 1) or None
                yield seen(one, holds if holds else False, case, f"tt {track.get('tt')} of {kind}")


def _all_media(state: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in ("video_infos", "generated_media"):
        yield from _objects(state.get(name))


@claim("STA-3", "ready", cases="new edited")
def draft_is_ready_once_it_has_a_segment(view: TrafficView) -> Sightings:
    """A new session has no segment; after an edit a track has one."""
    edited = {turn.session: turn.number for turn in reversed(view.turns) if turn.has_edit}
    begun: dict[str, int] = {}
    for one in view.all:
        if one.endpoint == "chat":
            begun.setdefault(session_of(one), one.request.exchange)
    for one, state in states(view):
        session, has_any = segment(one, "session"), bool(segments_of(state["draft"]))
        if session in view.sessions and begun.get(session, _NEVER) > one.request.exchange:
            yield seen(one, not has_any, "new", "segments")
        elif edited.get(session, _NEVER) < one.request.exchange:
            yield seen(one, has_any or None, "edited")


@claim("STA-4", "names")
def segments_have_the_assumed_names(view: TrafficView) -> Sightings:
    """Segments have the names that are assumed."""
    for one, state in states(view):
        if segments_of(state["draft"]):
            broken = view.violations(one, "STA-4")
            yield seen(one, not broken, "", broken)
