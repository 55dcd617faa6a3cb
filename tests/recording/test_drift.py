"""Replays of recordings: ids bound anew, bodies made again, and what is told of a difference."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, strategies as st

from nemolocal.main import main
from nemolocal_contract.clock import WallClock
from nemolocal_recording.drift.drift_evaluation import compare_replay, confirm
from nemolocal_recording.drift.drift_files import drift_html, drift_lines, drift_markdown
from nemolocal_recording.drift.drift_report import DriftReport
from nemolocal_recording.drift.id_bindings import CannotRebuild, IdBindings
from nemolocal_recording.drift.made_texts import made_text
from nemolocal_recording.drift.made_uploads import blocks_of, length_of, made_file
from nemolocal_recording.drift.recording_player import RecordingPlayer
from nemolocal_recording.drift.replay_plan import ReplayBudget, plan_replay
from nemolocal_recording.drift.reply_shapes import ReplyShape
from nemolocal_recording.learning.observations import Observation
from nemolocal_recording.pseudonyms import Pseudonyms
from nemolocal_recording.recording import Recording
from nemolocal_recording.text_marks import describe_text
from tests.support.recorder import RawServer, raw_server, running_recorder

BALANCE = "/api/credits/balance/simple"
TOKEN = "/api/auth/anonymous-token"
HEADERS = {"X-Skill-Source": "s", "X-Skill-Version": "1", "X-Skill-Platform": "unknown"}
OWN = {"Authorization": "Bearer my-own-token"}
Answers = list[bytes]


def reply(body: object, status: str = "200 OK", headers: str = "") -> bytes:
    content = json.dumps(body).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}Connection: close\r\n"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


def token(text: str, **more: object) -> bytes:
    data = {
        "token": text,
        "credits": 100,
        "user_id": f"anon_{text[-4:]}",
        "expires_at": "2026-01-08T00:00:00Z",
    }
    return reply({"code": 0, "data": {**data, **more}})


def balance(available: int = 100, **more: object) -> bytes:
    data = {"available": available, "frozen": 0, "total": available, **more}
    return reply({"code": 0, "data": data})


def answering(answers: Answers) -> Callable[[socket.socket], None]:
    left = iter(answers)
    return lambda connection: connection.sendall(next(left))


def record(path: Path, answers: Answers, calls: Callable[[httpx.Client], object]) -> Recording:
    """A recording of a client's calls to a server that answers so."""
    with (
        raw_server(answering(answers)) as server,
        running_recorder(server.base_url, path) as recorder,
        httpx.Client(
            base_url=recorder.base_url,
            headers={**HEADERS, "Connection": "close"},
            trust_env=False,
            timeout=60,
        ) as http,
    ):
        calls(http)
    return recorder.recording()


def two_calls(http: httpx.Client) -> None:
    http.post(TOKEN, headers={"X-Client-Id": "client-1"})
    http.get(BALANCE, headers={"Authorization": "Bearer nmv_usr_0123456789abcdef"})


def replayed(recording: Recording, base_url: str, **options: Any) -> DriftReport:
    budget = options.pop("budget", ReplayBudget())
    player = RecordingPlayer(base_url, recording, WallClock(), **options)
    replay = player.play(plan_replay(recording, budget))
    return compare_replay(recording, replay, name="r", server="s", cost="")


def replay_answers(recording: Recording, answers: Answers) -> tuple[DriftReport, RawServer]:
    with raw_server(answering(answers)) as server:
        return replayed(recording, server.base_url), server


def changed(report: DriftReport) -> set[str]:
    return {one.rule for one in report.rules if one.verdict == "changed"}


@pytest.fixture
def recorded(tmp_path: Path) -> Recording:
    answers = [token("nmv_usr_0123456789abcdef"), balance()]
    return record(tmp_path / "recording.jsonl", answers, two_calls)


def test_calls_are_sent_once_with_the_ids_of_now(recorded: Recording) -> None:
    report, server = replay_answers(recorded, [token("nmv_usr_fedcba9876543210"), balance(7)])
    asked, read = (request.decode() for request in server.requests)
    assert asked.startswith(f"POST {TOKEN} HTTP/1.1\r\n")
    assert "x-client-id: client-1" not in asked.lower()
    assert "Authorization: Bearer nmv_usr_fedcba9876543210\r\n" in read
    assert server.connections == 2
    assert (report.verdict, report.compared) == ("same", 2)
    assert {one.rule for one in report.rules} >= {"AUTH-1", "CRD-1", "GEN-1"}


@pytest.mark.parametrize(
    ("answers", "rules"),
    [
        ([token("nmv_usr_fedcba98", credits=50), balance()], {"AUTH-1"}),
        ([token("nmv_usr_fedcba98", user_id=None), balance()], {"AUTH-1"}),
        ([token("nmv_usr_fedcba98"), balance(total="100")], {"CRD-1"}),
        ([token("nmv_usr_fedcba98"), balance(extra=1)], {"CRD-1"}),
        ([token("nmv_usr_fedcba98"), reply({"available": 1})], {"GEN-1"}),
        (
            [
                token("nmv_usr_fedcba98"),
                reply({"code": 1001, "message": "no", "data": None}, "403 Forbidden"),
            ],
            {"GEN-3"},
        ),
    ],
)
def test_difference_names_its_rule(recorded: Recording, answers: Answers, rules: set[str]) -> None:
    report, _ = replay_answers(recorded, answers)
    assert report.verdict == "changed"
    assert changed(report) >= rules
    assert report.exit_status == 1
    told = "\n".join(drift_lines(report))
    assert all(f"{rule:<8}" in told for rule in rules)


@pytest.mark.parametrize(
    "trouble",
    [
        reply({"code": 0, "data": {}}).replace(b"Content-Length: ", b"Content-Length: 9"),
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\n<>",
        reply({"code": 429, "message": "slow down", "data": None}, "429 Too Many Requests"),
    ],
    ids=["cut", "gateway", "limit"],
)
def test_passing_fault_is_no_change(recorded: Recording, trouble: bytes) -> None:
    report, server = replay_answers(recorded, [token("nmv_usr_fedcba98"), trouble])
    assert server.connections == 2  # Nothing was sent again.
    verdicts = {one.rule: one.verdict for one in report.rules}
    assert (verdicts["AUTH-1"], verdicts["CRD-1"]) == ("same", "could not look")
    assert [one.exchange for one in report.unplayed] == [2]
    assert report.verdict == "same"


def test_server_that_is_down_could_not_be_looked_at(recorded: Recording) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    report = replayed(recorded, f"http://127.0.0.1:{port}")
    assert (report.verdict, report.exit_status, report.compared) == ("could not look", 2, 0)
    assert {one.verdict for one in report.rules} == {"could not look"}
    assert {one.reason for one in report.unplayed} == {"no connection to the server"}


def test_call_that_needs_an_id_that_was_not_given_is_left_out(recorded: Recording) -> None:
    refusal = reply({"code": 429, "message": "no", "data": None}, "429 Too Many Requests")
    report, server = replay_answers(recorded, [refusal])
    assert len(server.requests) == 1
    assert report.unplayed[1].reason == "the call that gave an id that it needs has failed"
    assert (report.verdict, report.compared) == ("could not look", 0)


def test_budget_leaves_calls_out(recorded: Recording) -> None:
    with raw_server(answering([])) as server:
        report = replayed(recorded, server.base_url, budget=ReplayBudget(0, 0))
        assert server.connections == 0
    assert report.unplayed[0].reason == "over --max-tokens 0"


def test_token_of_the_user_is_asked_for_and_goes_to_the_server_alone(tmp_path: Path) -> None:
    def calls(http: httpx.Client) -> None:
        for path in (BALANCE, "//attacker.example/x"):
            http.get(f"{http.base_url}{path}", headers=OWN)

    recording = record(tmp_path / "r", [balance(), reply({}, "404 Not Found")], calls)
    with raw_server(answering([balance(), reply({}, "404 Not Found")])) as server:
        assert {one.reason for one in replayed(recording, server.base_url).unplayed} == {
            "it was made with a token of the user: give one with --token"
        }
        assert server.connections == 0
        assert replayed(recording, server.base_url, token="nmv_usr_mine").verdict == "same"
        assert [b"Bearer nmv_usr_mine" in one for one in server.requests] == [True, True]


def test_second_replay_must_show_the_same_change(recorded: Recording) -> None:
    wrong = [token("nmv_usr_fedcba98", credits=50), balance()]
    good = [token("nmv_usr_fedcba98"), balance()]
    first, _ = replay_answers(recorded, wrong)
    again, _ = replay_answers(recorded, wrong)
    fine, _ = replay_answers(recorded, good)
    assert changed(confirm(first, again)) == {"AUTH-1"}
    unsteady = confirm(first, fine)
    assert (unsteady.verdict, unsteady.replays) == ("same", 2)
    reasons = {one.rule: one.reason for one in unsteady.rules}
    assert reasons["AUTH-1"] == "it differed in one of two replays"


def test_replays_that_differ_in_different_calls_are_no_change(tmp_path: Path) -> None:
    """Faults of the moment hit now this call, now that one."""

    def three_calls(http: httpx.Client) -> None:
        two_calls(http)
        http.get(BALANCE, headers={"Authorization": "Bearer nmv_usr_0123456789abcdef"})

    issued, refused = token("nmv_usr_0123456789abcdef"), reply({"code": 1003, "message": "no"})
    recording = record(tmp_path / "r", [issued, balance(), balance()], three_calls)
    early, _ = replay_answers(recording, [issued, refused, balance()])
    late, _ = replay_answers(recording, [issued, balance(), refused])
    assert changed(early) == changed(late) != set()
    report = confirm(early, late)
    assert changed(report) == set()
    told = {one.rule: (one.verdict, one.reason) for one in report.rules}
    assert {told[rule] for rule in changed(early)} == {
        ("could not look", "it differed in both of two replays, but in other calls")
    }
    # A replay in which nothing was seen of the rule does not confirm a change either.
    nothing = msgspec.structs.replace(late, rules=())
    assert changed(confirm(early, nothing)) == set()


def test_user_me_is_sent_as_it_is_in_paths_and_bodies(tmp_path: Path) -> None:
    """Any other user would be refused with 1002, which looks like a changed server."""

    def session_and_message(http: httpx.Client) -> None:
        http.post("/api/tasks/me/with-session/nemo_agent", json={"task_name": "t"}, headers=OWN)
        http.post("/run_sse", json={"user_id": "me", "session_id": "12345678"}, headers=OWN)

    answers = [reply({"code": 0, "data": {"session_id": "12345678"}}), reply({"code": 0})]
    recording = record(tmp_path / "r.jsonl", list(answers), session_and_message)
    with raw_server(answering(answers)) as server:
        replayed(recording, server.base_url, token="my-own-token", budget=ReplayBudget(200))
    created, said = (request.decode() for request in server.requests)
    assert created.startswith("POST /api/tasks/me/")
    assert '"user_id":"me"' in said


def test_ids_are_bound_where_they_stand() -> None:
    bindings = IdBindings(Pseudonyms(b"1"))
    bindings.bind(
        {"data": {"id": "aa", "files": [{"hash": "bb"}, {"hash": "cc"}], "code": 5}},
        {"data": {"id": 17, "files": [{"hash": "dd"}]}},
    )
    assert [bindings.resolve(one) for one in ("aa", "bb")] == ["17", "dd"]
    with pytest.raises(CannotRebuild, match="has failed"):
        bindings.resolve("cc")
    made = bindings.resolve("render_1234")
    assert made.startswith("render_")
    assert made != "render_1234"
    assert bindings.resolve("render_1234") == made
    bindings.keep_fresh(is_known=False)
    with pytest.raises(CannotRebuild):
        bindings.resolve("render_1234")


@given(st.text(max_size=60))
def test_made_text_has_the_length_of_the_recorded_one(text: str) -> None:
    kept = describe_text(text)
    assert len(made_text(kept)) == (len(text) if text.strip(" \t\r\n") else len(kept))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["data", "id", "status", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(JSON, min_size=1, max_size=4), st.data())
def test_some_replies_are_within_the_shape_of_all(replies: list[Any], data: st.DataObject) -> None:
    """Whatever is always there in all of them is always there in some."""
    whole, part = ReplyShape(), ReplyShape()
    for one in replies:
        whole.add(one)
    for one in data.draw(st.lists(st.sampled_from(replies), min_size=1)):
        part.add(one)
    assert list(whole.differences(part)) == []


@pytest.mark.parametrize("suffix", ["mp4", "wav", "png", "txt"])
@pytest.mark.parametrize("size", [4, 200_000, 3_000_001])
def test_made_file_has_the_length_of_the_recorded_one(suffix: str, size: int) -> None:
    pieces = made_file(suffix, size, is_refused=False)
    content = b"".join(blocks_of(pieces))
    assert len(content) == length_of(pieces)
    assert len(content) == size or (size == 4 and len(content) > size)
    assert length_of(made_file(suffix, size, is_refused=True)) == size


def test_upload_is_made_again_with_its_types_and_lengths(tmp_path: Path) -> None:
    def calls(http: httpx.Client) -> None:
        clip, notes = ("my film.mp4", bytes(90_000)), ("notes.txt", b"secret")
        path = "/api/upload-video/nemo_agent/me/1234567890123456789"
        http.post(path, files=[("files", clip), ("files", notes)], headers=OWN)

    answers = [reply({"code": 0, "data": {"files": []}})]
    recording = record(tmp_path / "r", answers, calls)
    with raw_server(answering(answers)) as server:
        assert replayed(recording, server.base_url, token="nmv_usr_mine").compared == 1
    (request,) = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}\r\n".encode() in head + b"\r\n"
    parts = body.split(b"--nemolocal-drift")[1:-1]
    clip, notes = (part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts)
    assert (len(clip), clip[4:8], len(notes)) == (90_000, b"ftyp", 6)
    assert b'filename="text_te.mp4"' in parts[0]
    assert b"secret" not in body


def test_client_hangs_up_where_the_recorded_one_did(tmp_path: Path) -> None:
    stream = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        b"Transfer-Encoding: chunked\r\n\r\na\r\ndata: {}\n\n\r\n"
    )
    left = threading.Semaphore(0)

    def answer(connection: socket.socket) -> None:
        connection.sendall(stream)
        connection.settimeout(60)
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""
        left.release()

    said = {"session_id": "1234567890123456789", "new_message": {"parts": [{"text": "secret"}]}}
    with (
        raw_server(answer) as server,
        running_recorder(server.base_url, tmp_path / "r") as recorder,
    ):
        with (
            httpx.Client(base_url=recorder.base_url, trust_env=False, timeout=60) as http,
            http.stream("POST", "/run_sse", json=said, headers=OWN) as response,
        ):
            next(response.iter_raw())
        assert left.acquire(timeout=60)
    recording = recorder.recording()
    assert recording.exchanges[0].ending == "client"
    with raw_server(answer) as server:
        report = replayed(recording, server.base_url, token="nmv_usr_mine")
        assert left.acquire(timeout=60)
    assert b'"text":"hello"' in server.requests[0]
    assert [one.reason for one in report.unplayed] == ["the recorded response is not complete"]


@pytest.mark.usefixtures("recorded")
def test_command_plays_on_the_mock_and_writes_reports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    seen = Observation("CRD-1", "held", "2026-01-01", "a", "cloud")
    Path("observations.jsonl").write_bytes(msgspec.json.encode(seen) + b"\n")
    assert main(["drift", "recording.jsonl", "--report", "report"]) == 0
    assert "same: rules: 4 same" in capsys.readouterr().out
    written = {path.name: path.read_text() for path in Path("report").iterdir()}
    assert written.keys() == {"drift.json", "drift.html", "drift.md"}
    assert json.loads(written["drift.json"])["server"] == "mock"
    assert (
        "| CRD-1 | MUST, documented | held; in the cloud on 1 day | held: same |"
        in (written["drift.md"])
    )
    assert '<th scope="col">mock</th>' in written["drift.html"]


def test_report_escapes_what_a_server_sends(recorded: Recording) -> None:
    odd = balance(total="<script>alert(1)</script>")
    report, _ = replay_answers(recorded, [token("nmv_usr_fedcba98"), odd])
    page, table = drift_html([report]), drift_markdown([report])
    assert "<script>alert" not in page + table
    assert "CRD-1" in page
    assert "| CRD-1 | MUST, documented | held |" in table


@pytest.mark.usefixtures("recorded")
def test_command_compares_with_a_url(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = str(tmp_path / "recording.jsonl")
    wrong = [token("nmv_usr_fedcba98"), balance(total=1)]
    with raw_server(answering(3 * wrong)) as server:
        assert main(["drift", name, "--base-url", server.base_url, "--json"]) == 1
        assert len(server.requests) == 2  # A second replay needs another token.
        told = capsys.readouterr()
        assert "up to 0 credits and 1 anonymous token" in told.err
        assert json.loads(told.out)["verdict"] == "changed"
        assert main(["drift", name, "--base-url", server.base_url, "--max-tokens", "2"]) == 1
        assert len(server.requests) == 6
    assert "changed: rules: 3 same, 1 changed" in capsys.readouterr().out


def test_wrong_usage_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x").write_text("{}\n")
    assert main(["drift", str(tmp_path / "x")]) == 2
    assert "line 1" in capsys.readouterr().err
    assert main(["drift", "x", "--base-url", "http://x", "--config", "y"]) == 2
    assert "--config is about the local server" in capsys.readouterr().err
