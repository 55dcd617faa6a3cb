"""HAR files of browsers and proxies as journals: what they contain, without secrets."""

import base64
import json
from typing import Any

import msgspec
import pytest

from nemolocal_conformance.client_checks import client_catalogue
from nemolocal_conformance.client_checks.evaluation import evaluate_journal
from nemolocal_conformance.traffic.journal import JournalUnreadable, LoadedJournal
from nemolocal_conformance.traffic.journal_reader import parse_journal
from nemolocal_contract import endpoints as wire

BASE = "https://cloud.test"
TOKEN = "nmv_usr_very_secret"


def item(
    endpoint: str, path: str = "", *, status: int = 200, reply: Any = None, **more: Any
) -> dict[str, Any]:
    """Return an exchange as a browser records it."""
    known = wire.endpoints()[endpoint]
    headers = {
        "Authorization": f"Bearer {TOKEN}",
        "X-Skill-Source": "skill",
        **more.pop("headers", {}),
    }
    content = {
        "text": json.dumps(reply or {"code": 0, "data": {}}),
        "size": 2,
        **more.pop("content", {}),
    }
    request = {
        "method": known.method, "url": BASE + (path or known.template), "bodySize": -1,
        "headers": [{"name": n, "value": v} for n, v in headers.items() if v],
        **more.pop("request", {}),
    }  # fmt: skip
    response = {
        "status": status,
        "headers": [{"name": "Set-Cookie", "value": "a"}],
        "content": content,
    }
    moment = {"startedDateTime": "2026-01-02T03:04:05.678Z", "time": 250.0}
    return {**moment, "request": request, "response": response, **more}


def har(*items: dict[str, Any]) -> LoadedJournal:
    return parse_journal(
        json.dumps({"log": {"version": "1.2", "entries": items}}, indent=1).encode()
    )


def token_item(**more: Any) -> dict[str, Any]:
    reply = {"code": 0, "data": {"token": TOKEN, "credits": 100, "user_id": "anon_9"}}
    return item("token", reply=reply, headers={"Authorization": "", "X-Client-Id": "me"}, **more)


def test_foreign_har_has_no_server_state() -> None:
    found = har(token_item(), item("balance", reply={"code": 1001, "data": None}))
    token, balance = found.entries
    assert not found.has_server_state
    assert not found.has_endings
    assert (token.id, token.endpoint, token.token_id, token.user_id) == (1, "token", 1, "anon_9")
    assert (balance.endpoint, balance.code, balance.token_id, balance.user_id) == (
        "balance", 1001, 1, "anon_9",
    )  # fmt: skip
    assert balance.ended - balance.started == pytest.approx(0.25)
    assert balance.speed == 1.0


def test_har_tokens_and_cookies_are_removed() -> None:
    leaky = item("balance", f"/api/credits/balance/simple?token={TOKEN}", headers={"Cookie": "x=1"})
    odd = item(
        "balance", headers={"Authorization": "Bearer manual-secret", "X-Note": "manual-secret"}
    )
    found = har(token_item(), leaky, odd)
    reported = msgspec.json.encode(found).decode()
    assert TOKEN not in reported
    assert "manual-secret" not in reported
    assert "cookie" not in reported
    assert found.entries[1].url.endswith("?token=[token]")
    report = evaluate_journal(found, [client_catalogue()["client.token-in-url"]])
    assert report.verdicts[0].entries == (2,)


def test_request_without_response_is_cut() -> None:
    lost, broken = item("balance", status=0), item("balance", _error="net::ERR_FAILED")
    assert [entry.ending for entry in har(lost, broken).entries] == ["cut by server"] * 2
    assert har(lost).entries[0].code is None


def test_http_status_is_the_code_without_an_envelope() -> None:
    html = item("balance", status=502, content={"text": "<html>"})
    assert har(html).entries[0].code == 502


def test_other_hosts_are_not_endpoints() -> None:
    elsewhere = item("balance")
    elsewhere["request"]["url"] = "https://other.test/api/credits/balance/simple"
    odd = item("balance")
    odd["request"]["url"] = "http://["
    found = har(item("balance"), elsewhere, odd)
    assert [entry.endpoint for entry in found.entries] == ["balance", None, None]
    assert found.entries[1].url == "https://other.test/api/credits/balance/simple"


@pytest.mark.parametrize("host", ["127.0.0.1:8787", "localhost", "[::1]:80"])
def test_speed_of_a_foreign_local_server_is_unknown(host: str) -> None:
    local = item("balance")
    local["request"]["url"] = f"http://user:pass@{host}/api/credits/balance/simple?x=1"
    (entry,) = har(local).entries
    assert entry.speed is None
    assert entry.url == "/api/credits/balance/simple?x=1"


def test_forms_are_described_by_their_files() -> None:
    path = wire.UPLOAD.path(user="me", session="1")
    named = {
        "postData": {
            "mimeType": "multipart/form-data; boundary=x",
            "params": [{"name": "files", "fileName": "a.mp4"}],
        }
    }
    raw = {"postData": {"mimeType": "multipart/form-data", "text": 'filename="b.mp4"'}}
    bare = {"postData": {"mimeType": "multipart/form-data"}, "bodySize": 7}
    plain = {"postData": {"mimeType": "application/json", "text": "{}"}}
    found = har(*(item("upload", path, request=request) for request in (named, raw, bare, plain)))
    assert [entry.request_body for entry in found.entries] == [
        "<multipart/form-data: 0 bytes, files 'a.mp4'>",
        "<multipart/form-data: 0 bytes, files 'b.mp4'>",
        "<multipart/form-data: 7 bytes>",
        "{}",
    ]


def test_bodies_may_be_base64() -> None:
    text = base64.b64encode(b'{"code": 429}').decode()
    coded = item("balance", content={"text": text, "encoding": "base64"})
    wrong = item("balance", content={"text": "é", "encoding": "base64"})
    assert [entry.code for entry in har(coded, wrong).entries] == [429, 0]


@pytest.mark.parametrize("text", ["yesterday", ""])
def test_invalid_time_is_rejected(text: str) -> None:
    with pytest.raises(JournalUnreadable, match="entry 1: startedDateTime"):
        har(item("balance", startedDateTime=text))


def test_time_without_zone_is_utc() -> None:
    first, second = (
        har(item("balance", startedDateTime=f"2026-01-02T03:04:05{zone}")).entries[0]
        for zone in ("", "+00:00")
    )
    assert first.started == second.started


def test_json_that_is_not_an_object_is_an_empty_reply() -> None:
    listed = item(
        "token", content={"text": "[1]"}, headers={"Authorization": "", "X-Client-Id": "a"}
    )
    nested = item("token", content={"text": "{" * 5_000}, headers={"Authorization": ""})
    inner = item("session", content={"text": '{"code": 0, "data": []}'})
    found = har(listed, nested, inner)
    assert [entry.token_id for entry in found.entries] == [None, None, 1]


def test_verdict_on_a_har_says_what_is_not_judgeable() -> None:
    chat = {"postData": {"mimeType": "application/json", "text": '{"session_id": "1"}'}}
    stream = item("chat", request=chat, content={"text": "data:\n\n"})
    stream["response"]["headers"] = [{"name": "Content-Type", "value": "text/event-stream"}]
    report = evaluate_journal(har(stream), client_catalogue().values())
    unclear = {verdict.check for verdict in report.verdicts if verdict.outcome == "not judgeable"}
    assert "client.cut.state-read" in unclear
    assert not report.ours
