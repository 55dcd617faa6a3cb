"""What recordings show of the rules: outcomes, values, and the file that accumulates them."""

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from nemolocal.main import main
from nemolocal_contract.endpoints import HEALTH
from nemolocal_contract.rules import rules
from nemolocal_recording.learning.claims import Claim, all_claims, claim
from nemolocal_recording.learning.evaluation import (
    RuleResult,
    evaluate_recordings,
    out_of_sight,
)
from nemolocal_recording.learning.observations import Observation, days_seen, read_observations
from nemolocal_recording.learning.traffic_view import TrafficView
from nemolocal_recording.learning.values import seen_values, silent_share, wilson_interval
from nemolocal_recording.recording import Recording
from tests.support.ordinary_session import DECIDED, OrdinarySession
from tests.support.recorder import raw_server, running_recorder
from tests.support.servers import ServerFactory, ServerSettings

BALANCE = "/api/credits/balance/simple"
HEADERS = {"Authorization": "Bearer nmv_usr_me", "X-Skill-Source": "s", "X-Skill-Version": "1"}


def reply(body: object, status: str = "200 OK", headers: str = "") -> bytes:
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def balance(available: int, frozen: int, total: int) -> bytes:
    return reply({"code": 0, "data": {"available": available, "frozen": frozen, "total": total}})


def record(path: Path, answers: list[bytes], *paths: str) -> Recording:
    """A recording of these answers to GET requests."""
    left = iter(answers)

    def answer(connection: socket.socket) -> None:
        connection.sendall(next(left))

    with raw_server(answer) as server, running_recorder(server.base_url, path) as recorder:
        for _, asked in zip(answers, paths or (BALANCE,) * len(answers), strict=True):
            httpx.get(
                recorder.base_url + asked, headers={**HEADERS, "Connection": "close"},
                trust_env=False, timeout=60,
            )  # fmt: skip
    return recorder.recording()


@pytest.fixture
def servers() -> Iterator[ServerFactory]:
    started = ServerFactory()
    yield started
    started.stop()


def learn(*recordings: Recording) -> dict[str, RuleResult]:
    return {one.rule: one for one in evaluate_recordings(recordings)}


def test_at_least_forty_rules_have_claims() -> None:
    with_claims = {one.rule for one in all_claims().values()}
    assert len(with_claims) >= 40
    assert not {rule for rule in with_claims if rule.startswith("CLI-")}
    assert out_of_sight().keys() <= with_claims <= rules().keys()


def test_rule_is_confirmed_when_it_was_seen_often_enough(tmp_path: Path) -> None:
    twice = record(tmp_path / "a", [balance(50, 50, 100)] * 2)
    (seen,) = learn(twice)["CRD-1"].claims
    assert (learn(twice)["CRD-1"].outcome, seen.missing) == ("held", ("it",))
    assert learn(twice, twice)["CRD-1"].outcome == "confirmed"


def test_one_violation_contradicts_and_names_its_exchange(tmp_path: Path) -> None:
    found = record(tmp_path / "a", [balance(50, 50, 100)] * 3 + [balance(50, 50, 101)])
    result = learn(found)["CRD-1"]
    assert (result.outcome, result.exchange) == ("contradicted", 4)
    assert "101" in result.actual


def test_refusals_tell_their_style(tmp_path: Path) -> None:
    refusal = {"code": 1001, "message": "no", "data": None}
    envelope = record(tmp_path / "a", [reply(refusal)])
    http = record(tmp_path / "b", [reply(refusal, "401 Unauthorized")])
    odd = record(tmp_path / "c", [reply(refusal, "403 Forbidden")])
    outcomes = [(learn(one)["GEN-2"].outcome, learn(one)["GEN-2"].alternative) for one in (
        envelope, http, odd,
    )]  # fmt: skip
    assert outcomes == [("held", ""), ("alternative", "http"), ("contradicted", "")]


def test_nothing_is_learnt_from_what_was_cut(tmp_path: Path) -> None:
    wrong = balance(1, 1, 1).replace(b"Content-Length: ", b"Content-Length: 9")
    with (
        raw_server(wrong) as server,
        running_recorder(server.base_url, tmp_path / "r") as recorder,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        httpx.get(recorder.base_url + BALANCE, trust_env=False, timeout=60)
    assert {one.outcome for one in learn(recorder.recording()).values()} == {"not seen"}


ODD: tuple[object, ...] = (None, 7, "x", [], [7], {}, {"t": 7}, {"t": [7, {"sg": [7]}]})


def test_replies_of_any_shape_are_judged(tmp_path: Path) -> None:
    """A server may send anything where the contract has a list or an object."""
    state = "/api/state/nemo_agent/me/1/latest"
    render = "/api/render/proxy/lambda/render_1"
    told: list[tuple[str, dict[str, object]]] = []
    for odd in ODD:
        media = {"video_infos": odd, "generated_media": odd, "canvas_config": odd}
        told += [
            (state, {"code": 0, "data": {"state": {"draft": odd, **media}}}),
            (state, {"code": 0, "data": odd}),
            (render, {"id": "render_1", "status": "completed", "progress": 1, "output": odd}),
            (f"{render}/cancel", {"code": 0, "data": odd, "status": odd}),
            (BALANCE, {"code": odd, "data": {"available": odd}}),
        ]
    found = record(tmp_path / "r", [reply(body) for _, body in told], *(path for path, _ in told))
    learnt = learn(found)
    assert {learnt[rule].outcome for rule in ("STA-1", "REN-4", "CRD-1")} == {"contradicted"}
    assert seen_values([TrafficView(found)]) == []


def test_cut_stream_has_another_explanation(tmp_path: Path) -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 9\r\n\r\ndata:\n"
    with (
        raw_server(cut) as server,
        running_recorder(server.base_url, tmp_path / "r") as recorder,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        httpx.post(f"{recorder.base_url}/run_sse", json={}, trust_env=False, timeout=60)
    assert learn(recorder.recording())["SSE-4"].outcome == "cannot tell"


def test_nothing_is_learnt_from_generation_2(tmp_path: Path) -> None:
    found = record(tmp_path / "r", [reply({"error": "x"}, "404 Not Found")], "/projects")
    assert learn(found)["GEN-6"].outcome == "not seen"


def test_names_that_the_contract_does_not_know_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    draft = {"t": [{"tt": 9, "sg": []}, {"tt": 0, "sg": [], "opacity": 0.5}]}
    state = {"code": 0, "data": {"state": {"draft": draft}, "is_new": True}}
    call = {"functionCall": {"id": "c", "name": "make_coffee", "args": {}}}
    event = json.dumps({"content": {"role": "model", "parts": [call]}}).encode()
    content = b"data: " + event + b"\n\n"
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: "
    answers = [
        reply(state), reply({"code": 4003, "message": "", "data": None}),
        f"{head}{len(content)}\r\n\r\n".encode() + content,
    ]  # fmt: skip

    def answer(connection: socket.socket) -> None:
        connection.sendall(answers.pop(0))

    with (
        raw_server(answer) as server,
        running_recorder(server.base_url, Path("r.jsonl")) as recorder,
        httpx.Client(base_url=recorder.base_url, trust_env=False, timeout=60) as http,
    ):
        http.headers["Connection"] = "close"
        http.get("/api/state/nemo_agent/me/1234567890123456789/latest")
        http.get(BALANCE)
        http.post("/run_sse", json={})
    assert main(["learn", "r.jsonl", "--settings", ""]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("new ")]
    assert [re.sub("(<[a-z]+:[0-9]+) [^>]+>", r"\1>", line) for line in lines] == [
        "new track type in state data state draft t: 9 (seen 1 time)",
        "new key in state data state draft t: <key:7>, number (seen 1 time)",
        "new key in state data: <key:6>, boolean (seen 1 time)",
        "new code in balance: 4003 (seen 1 time)",
        "new tool in chat: <text:11> (seen 1 time)",
    ]


def test_new_response_headers_are_told_by_name_and_type(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    headers = (
        "X-Credits-Remaining: 4815162342\r\nSet-Cookie: a=b\r\nX-Swordfish-Id: z-z\r\nServer: s\r\n"
    )
    answer = {"code": 0, "data": {"available": 1, "frozen": 0, "total": 1}}
    answers = [reply(answer, headers=headers), reply(answer, "503 Busy", "X-Served-By: cdn\r\n")]
    record(Path("r.jsonl"), answers)
    written = Path("r.jsonl").read_text().lower()
    assert not any(secret in written for secret in ("swordfish", "a=b", "4815162342", "z-z"))
    assert main(["learn", "r.jsonl", "--settings", ""]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith(("new ", "not judged"))] == [
        "new header in balance: x-credits-remaining, number (seen 1 time)",
        "new header in balance: set-cookie, string (seen 1 time)",
        "new header in balance: x-<text:9>-id, string (seen 1 time)",
        "not judged: 1 exchange answered with HTTP 503",
    ]


def test_nothing_is_learnt_from_the_control_api(tmp_path: Path) -> None:
    """`conform` looks for it on every server, the cloud included."""
    path = HEALTH.path()
    found = record(tmp_path / "r", [reply({"error": "x"}, "404 Not Found")], path)
    assert [one.endpoint for one in found.exchanges] == ["health"]
    assert {one.outcome for one in learn(found).values()} == {"not seen"}


@pytest.mark.parametrize(("count", "total"), [(0, 10), (3, 10), (10, 10), (300, 1000)])
def test_interval_contains_its_share(count: int, total: int) -> None:
    least, greatest = wilson_interval(count, total)
    assert 0 <= least <= count / total <= greatest <= 1
    wider = wilson_interval(count // 10 or count, max(1, total // 10)) if count >= 10 else None
    assert wider is None or wider[1] - wider[0] >= greatest - least


@pytest.mark.slow
@pytest.mark.usefixtures("memoized_servers")
@pytest.mark.parametrize(
    ("dialect", "alternatives"),
    [
        ({}, {}),
        ({"sse": "typed"}, {"SSE-2": "typed"}),
        ({"render": "nested"}, {"REN-4": "nested"}),
        ({"errors": "http"}, {"GEN-2": "http"}),
        ({"heartbeat": "event"}, {}),
        (
            {"sse": "typed", "render": "nested", "errors": "http", "heartbeat": "event"},
            {"SSE-2": "typed", "REN-4": "nested", "GEN-2": "http"},
        ),
    ],
)
def test_every_dialect_is_told_and_contradicts_nothing(
    dialect: ServerSettings,
    alternatives: dict[str, str],
    tmp_path: Path,
    servers: ServerFactory,
) -> None:
    with running_recorder(servers.start(**dialect), tmp_path / "r") as recorder:
        OrdinarySession(recorder.base_url).play()
    found = recorder.recording()
    learnt = learn(found)
    assert {r for r, one in learnt.items() if one.outcome == "contradicted"} == set()
    told = {r: one.alternative for r, one in learnt.items() if one.outcome == "alternative"}
    assert told == alternatives
    unseen = [one for one in learnt.values() if one.outcome in ("cannot tell", "not seen")]
    assert len(unseen) <= (1 - DECIDED) * len(learnt)
    values = {one.name: one for one in seen_values([TrafficView(found)])}
    assert values["price: generation"].median == 100
    share = silent_share([TrafficView(found)])
    assert share is not None
    assert share.count >= 1


def test_learn_prints_rules_and_keeps_each_recording_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    record(tmp_path / "good.jsonl", [balance(50, 50, 100)] * 3)
    record(tmp_path / "bad.jsonl", [balance(50, 50, 90)])
    assert main(["learn", "good.jsonl"]) == 0
    assert "CRD-1   D  confirmed: seen 3 times" in capsys.readouterr().out
    assert main(["learn", "good.jsonl", "bad.jsonl"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("CRD-1   D  contradicted: ")
    assert first.endswith("(exchange 1 of bad.jsonl)")
    kept = [one for one in read_observations(Path("observations.jsonl")) if one.rule == "CRD-1"]
    assert [one.outcome for one in kept] == ["confirmed", "contradicted"]
    assert main(["learn", "good.jsonl", "--json"]) == 0
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert {one["outcome"] for one in printed["rules"] if one["rule"] == "CRD-1"} == {"confirmed"}


def test_file_that_is_no_recording_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    record(tmp_path / "good.jsonl", [balance(50, 50, 100)])
    (tmp_path / "x.jsonl").write_text("{}\n")
    assert main(["learn", "good.jsonl", "x.jsonl"]) == 2
    assert "x.jsonl, line 1" in capsys.readouterr().err
    assert not Path("observations.jsonl").exists()
    Path("observations.jsonl").write_text("[]\n")
    assert main(["learn", "good.jsonl"]) == 2
    assert "observations.jsonl, line 1" in capsys.readouterr().err


def test_days_of_the_cloud_are_counted() -> None:
    seen = [
        Observation("CRD-1", "confirmed", "2026-01-01", "a", "cloud"),
        Observation("CRD-1", "confirmed", "2026-01-01", "b", "cloud"),
        Observation("CRD-1", "confirmed", "2026-01-02", "c", "cloud"),
        Observation("CRD-1", "confirmed", "2026-01-03", "d", "other"),
    ]
    assert days_seen(seen, "CRD-1", "confirmed") == 2
    assert days_seen(seen, "CRD-1", "held") == 0


def test_claim_needs_a_rule_and_a_new_name() -> None:
    first: Claim = next(iter(all_claims().values()))
    for rule, name in (("XYZ-1", "x"), (first.rule, first.name)):
        with pytest.raises(ValueError, match="a new name, a rule"):
            claim(rule, name)(first.look)


def test_settings_are_written_and_a_file_of_somebody_else_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    record(tmp_path / "r.jsonl", [balance(50, 50, 100)])
    Path("mine.toml").write_text("speed = 2.0\n")
    assert main(["learn", "r.jsonl", "--settings", "mine.toml"]) == 2
    assert "mine.toml was not written by `nemolocal learn`" in capsys.readouterr().err
    assert Path("mine.toml").read_text() == "speed = 2.0\n"
    assert not Path("observations.jsonl").exists()
    assert main(["learn", "r.jsonl", "--settings", ""]) == 0
    assert not Path("learned.toml").exists()
    for _ in range(2):
        assert main(["learn", "r.jsonl"]) == 0
    assert Path("learned.toml").read_text().startswith("# Written by `nemolocal learn`")
    names = {"r.jsonl", "mine.toml", "observations.jsonl", "learned.toml"}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_settings_follow_the_cloud_and_other_servers_only_where_it_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another recording of another server may be of any server."""
    monkeypatch.chdir(tmp_path)
    for name, style in (("old", 200), ("other", 401), ("cloud", 200)):
        refusal = reply({"code": 1001, "message": "no", "data": None}, f"{style} x")
        record(tmp_path / name, [refusal])
    content = Path("cloud").read_bytes().replace(b'"server":"other"', b'"server":"cloud"', 1)
    Path("cloud").write_bytes(content)
    told = {}
    for names in (("old",), ("other",), ("cloud", "other"), ("other",)):
        assert main(["learn", *names]) == 0
        text = Path("learned.toml").read_text()
        told[names] = ('errors = "envelope"' in text, 'errors = "http"' in text)
        assert ("# Server: the cloud" in text) == ("cloud" in names)
    assert told == {
        ("old",): (True, False), ("other",): (False, True), ("cloud", "other"): (True, False),
    }  # fmt: skip
