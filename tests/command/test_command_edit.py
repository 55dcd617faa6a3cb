"""`nemolocal edit` against a server that renders nothing: routes, results, ways out."""

import json
from pathlib import Path

import httpx
import pytest

from nemolocal import client_factory, single_edit
from nemolocal_agent.replies import gui_hints
from nemolocal_client import Attribution, Client, MemoryProfile, Notice, PollPolicy
from nemolocal_client.gui_translation import hints_for
from tests.support.cli import CommandRunner, ServerStarter
from tests.support.executor import FakeRenderExecutor

TRIM = "trim to the first 1 second"


@pytest.mark.slow
def test_edit_uploads_says_exports_and_prints_the_timeline_and_the_file(
    run: CommandRunner, serve: ServerStarter, clip: Path
) -> None:
    outcome = run("edit", clip, "-m", TRIM, "-o", "out.mp4", "--base-url", serve())
    assert outcome.status == 0, outcome.err
    assert outcome.lines[:2] == ["Uploaded clip.mp4 (video, 2 s)", f"> {TRIM}"]
    assert "Timeline (1 track): 1. Video: clip (0-1s)" in outcome.lines
    assert "Warning: no glyph for 字" in outcome.lines
    assert "out.mp4 (1 s, 1 kB)" in outcome.lines
    assert Path("out.mp4").read_bytes() == b"a render"


@pytest.mark.slow
def test_progress_goes_to_stderr_as_plain_lines(
    run: CommandRunner, serve: ServerStarter, clip: Path
) -> None:
    err = run("edit", clip, "-m", TRIM, "-o", "out.mp4", "--base-url", serve()).err
    assert err.startswith("Connecting…\nUploading ")
    assert "Downloading 100%" in err
    assert "\x1b" not in err


@pytest.mark.slow
def test_silent_edit_says_what_changed(
    run: CommandRunner, serve: ServerStarter, clip: Path
) -> None:
    url = serve(silent_rate=1.0)
    outcome = run("edit", clip, "-m", TRIM, "-o", "out.mp4", "--base-url", url)
    assert "Video added: clip (0-1s)" in outcome.lines


@pytest.mark.slow
def test_messages_go_where_their_words_send_them(
    run: CommandRunner, serve: ServerStarter, clip: Path
) -> None:
    url = serve()
    other = clip.with_name("other.mp4")
    other.write_bytes(clip.read_bytes())
    words = ["credits", "status", "upload", str(other), TRIM, "export"]
    messages = [part for word in words for part in ("-m", word)]
    outcome = run("edit", clip, *messages, "-o", "out.mp4", "--base-url", url)
    assert outcome.status == 0, outcome.err
    assert "100 credits, and 0 in use" in outcome.lines
    assert "Name the files to upload, or their URLs" in outcome.lines
    assert "Uploaded other.mp4 (video, 2 s)" in outcome.lines


@pytest.mark.slow
@pytest.mark.rule("SSE-10")
@pytest.mark.parametrize("message", ["add a title 'Hi' for 1 s", "加标题“你好”，1秒"])
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_edit_exports_by_itself_and_tells_nobody_to_ask_for_it(
    run: CommandRunner,
    serve: ServerStarter,
    clip: Path,
    monkeypatch: pytest.MonkeyPatch,
    message: str,
    form: list[str],
) -> None:
    ending = ("Click [Export] to download the video.", "点击【导出】即可下载视频。")
    monkeypatch.setattr(gui_hints, "ENDINGS", (ending,))
    url = serve()
    outcome = run("edit", clip, "-m", message, "-o", "out.mp4", "--base-url", url, *form)
    assert outcome.status == 0, outcome.err
    assert "out.mp4" in outcome.out
    assert not [hint for hint in hints_for("export") if hint.split('"')[-1] in outcome.out]
    with Client(url, attribution=Attribution("a", "1"), profile=MemoryProfile()) as client:
        client.upload(clip)
        assert hints_for("export") & set(client.say(message).lines)


@pytest.mark.slow
def test_export_in_the_messages_is_not_made_twice(
    run: CommandRunner, serve: ServerStarter, clip: Path, executor: FakeRenderExecutor
) -> None:
    url = serve()
    run("edit", clip, "-m", f"{TRIM} and export", "-o", "out.mp4", "--base-url", url)
    assert len(executor.plans) == 1


@pytest.mark.slow
def test_edit_after_an_export_is_exported_too(
    run: CommandRunner, serve: ServerStarter, clip: Path, executor: FakeRenderExecutor
) -> None:
    words = ["-m", f"{TRIM} and export", "-m", "add lo-fi background music"]
    run("edit", clip, *words, "-o", "out.mp4", "--base-url", serve())
    assert len(executor.plans) == 2


@pytest.mark.slow
def test_render_that_fails_once_is_made_good(
    run: CommandRunner, serve: ServerStarter, clip: Path, executor: FakeRenderExecutor
) -> None:
    executor.failures_left = 1
    outcome = run("edit", clip, "-m", TRIM, "-o", "out.mp4", "--base-url", serve())
    assert outcome.status == 0
    assert "The export failed, trying once more" in outcome.err


def test_render_that_fails_twice_leaves_the_older_file(
    run: CommandRunner, serve: ServerStarter, clip: Path, executor: FakeRenderExecutor
) -> None:
    executor.failures_left = 2
    Path("out.mp4").write_bytes(b"older")
    outcome = run("edit", clip, "-m", TRIM, "-o", "out.mp4", "--base-url", serve())
    assert outcome.status == 1
    assert outcome.err.splitlines()[-1].startswith("nemolocal: the export failed twice (the disk")
    assert Path("out.mp4").read_bytes() == b"older"


@pytest.mark.slow
def test_json_is_one_object_on_stdout(run: CommandRunner, serve: ServerStarter, clip: Path) -> None:
    outcome = run("edit", clip, "-m", TRIM, "-o", "out.mp4", "--json", "--base-url", serve())
    report = json.loads(outcome.out)
    assert report["file"] == "out.mp4"
    assert (report["seconds"], report["size"]) == (1.0, 8)
    assert report["timeline"].startswith("Timeline (1 track)")
    assert report["turns"][0]["message"] == TRIM
    assert len(report["session_id"]) == 19
    assert report["warnings"] == ["no glyph for 字"]


@pytest.mark.slow
def test_saved_session_is_resumed_with_the_kept_token(
    run: CommandRunner, serve: ServerStarter, clip: Path
) -> None:
    url = serve()
    first = run("edit", clip, "-m", TRIM, "-o", "a.mp4", "--json", "--base-url", url)
    session = json.loads(first.out)["session_id"]
    outcome = run("edit", "-m", "status", "--session", session, "--base-url", url)
    assert outcome.status == 0, outcome.err
    assert "nemolocal-edited.mp4 (1 s, 1 kB)" in outcome.lines
    assert outcome.lines[-1] == f"Session {session} (to continue: --session {session})"


@pytest.mark.slow
@pytest.mark.rule("CLI-10")
@pytest.mark.usefixtures("without_rendering")
def test_link_to_the_project_is_offered_where_the_server_stays(
    run: CommandRunner, serve: ServerStarter, clip: Path
) -> None:
    url = serve()
    outcome = run("edit", clip, "-m", TRIM, "-o", "a.mp4", "--base-url", url)
    link = outcome.lines[-2].split()[1].rstrip(",")
    assert link.startswith(f"{url}/workspace/claim?ct=clm_")
    assert httpx.get(link, timeout=60).status_code == 200
    report = json.loads(
        run("edit", clip, "-m", TRIM, "-o", "a.mp4", "--json", "--base-url", url).out
    )
    assert report["link"].startswith(f"{url}/workspace/claim?ct=clm_")
    assert "workspace/claim" not in run("edit", clip, "-m", TRIM, "-o", "b.mp4").out


def lose_session(url: str, times: int) -> None:
    """Let messages be answered with 1002."""
    order = {"name": "session-lost", "match": {"endpoint": "chat"}, "times": times}
    httpx.post(f"{url}/__nemolocal__/faults", json=order, timeout=60).raise_for_status()


@pytest.mark.rule("CLI-7", "SES-3")
def test_edit_starts_over_in_a_new_session(
    run: CommandRunner, serve: ServerStarter, clip: Path
) -> None:
    url = serve()
    lose_session(url, 1)
    outcome = run("edit", clip, "-m", TRIM, "-o", "a.mp4", "--base-url", url)
    assert outcome.status == 0, outcome.err
    assert outcome.lines.count("Uploaded clip.mp4 (video, 2 s)") == 2
    assert outcome.out.count(": starting over in a new session") == 1
    assert Path("a.mp4").exists()


@pytest.mark.rule("CLI-7", "SES-3")
def test_edit_starts_over_once(run: CommandRunner, serve: ServerStarter, clip: Path) -> None:
    url = serve()
    lose_session(url, 2)
    outcome = run("edit", clip, "-m", TRIM, "-o", "a.mp4", "--base-url", url)
    assert outcome.status == 1
    assert outcome.err.count("open a new session") == 1
    assert not Path("a.mp4").exists()


def test_film_without_a_link_is_a_film(
    run: CommandRunner, serve: ServerStarter, clip: Path
) -> None:
    url = serve()
    order = {"name": "server-error", "match": {"endpoint": "claim_token"}}
    httpx.post(f"{url}/__nemolocal__/faults", json=order, timeout=60).raise_for_status()
    outcome = run("edit", clip, "-m", TRIM, "-o", "a.mp4", "--base-url", url)
    assert outcome.status == 0
    assert "workspace/claim" not in outcome.out
    assert Path("a.mp4").exists()


@pytest.mark.slow
def test_token_is_not_kept_when_told_so(
    run: CommandRunner, serve: ServerStarter, clip: Path, tmp_path: Path
) -> None:
    url = serve()
    for _ in range(2):
        command = "edit", clip, "-m", TRIM, "-o", "a.mp4", "--no-keep-token", "--base-url", url
        outcome = run(*command)
        assert outcome.status == 0, outcome.err
        assert "--session" not in outcome.out
    assert not (tmp_path / "config").exists()


@pytest.mark.slow
def test_token_shows_nowhere(run: CommandRunner, serve: ServerStarter, clip: Path) -> None:
    outcome = run("edit", clip, "-m", TRIM, "-o", "a.mp4", "--base-url", serve())
    assert "nmv_usr_" not in outcome.out + outcome.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nothing to edit: give an INPUT file or a saved --session"),
        (("clip.mp4",), "nothing to do: give an instruction with -m"),
        (("clip.mp4", "-m", TRIM, "-o", "x" * 300 + ".mp4"), "xxx"),
        (("--session", "1"), "no saved session 1: if it is on a server, give --base-url"),
        (("none.mp4", "-m", TRIM), "file not found: none.mp4: check the name and the folder"),
        (
            ("clip.mp4", "-o", "none/x.mp4", "-m", TRIM),
            "folder not found: none: create it first",
        ),
        (("clip.mp4", "-o", "config", "-m", TRIM), "config is a folder: choose a file in it"),
        (
            ("clip.mp4", "-o", "./clip.mp4", "-m", TRIM),
            "clip.mp4 is an input and would be overwritten: choose another name",
        ),
        (
            ("clip.mp4", "--base-url", "nowhere", "-m", TRIM),
            "'nowhere' is not a base URL: use one like http",
        ),
    ],
)
def test_what_cannot_work_is_said_in_one_line_before_anything_is_spent(
    run: CommandRunner,
    clip: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    assert clip.is_file()
    Path("config").mkdir()
    monkeypatch.setattr("nemolocal_server.serving.LocalServer", None)
    outcome = run("edit", *arguments)
    # The status is for test_usage_status.
    assert outcome.status in (1, 2)
    assert outcome.err.startswith(f"nemolocal: {said}")
    assert outcome.err.count("\n") == 1


@pytest.mark.slow
def test_file_of_another_kind_is_refused_with_the_way_out(
    run: CommandRunner, serve: ServerStarter
) -> None:
    Path("notes.txt").write_text("hello")
    outcome = run("edit", "notes.txt", "-m", TRIM, "-o", "out.mp4", "--base-url", serve())
    assert outcome.status == 1
    assert "mp4, mov" in outcome.err.splitlines()[-1]


@pytest.mark.slow
def test_url_that_the_server_does_not_fetch_is_refused(
    run: CommandRunner, serve: ServerStarter
) -> None:
    url = "https://example.com/a.mp4"
    outcome = run("edit", url, "-m", TRIM, "-o", "a.mp4", "--base-url", serve())
    assert outcome.status == 1
    assert "example.com" in outcome.err


@pytest.mark.slow
def test_server_that_does_not_answer_is_named(run: CommandRunner, clip: Path) -> None:
    outcome = run("edit", clip, "-m", TRIM, "-o", "out.mp4", "--base-url", "http://127.0.0.1:9")
    assert outcome.status == 1
    assert "nemolocal: cannot connect to http://127.0.0.1:9" in outcome.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        (["films/a.mov", "b.mp4"], "films/a-edited.mp4"),
        (["https://e.example/v/my%20film.mov?x=1"], "my film-edited.mp4"),
        (["https://e.example/"], "download-edited.mp4"),
        (["https://e.example/%00.mp4"], "mp4-edited.mp4"),
        (["https://e.example/a%00b%1b%5d0;x%07%e2%80%ae.mp4"], "ab]0;x-edited.mp4"),
        (["https://e.example/..%2f..%5cetc%2f.bashrc.mp4"], "bashrc-edited.mp4"),
        (["https://e.example/日本 語.mp4?x=1"], "日本 語-edited.mp4"),
        ([f"https://e.example/{'a' * 300}.mp4"], f"{'a' * 60}-edited.mp4"),
        ([], "nemolocal-edited.mp4"),
        (["字" * 85], f"{'字' * 80}-edited.mp4"),
    ],
)
def test_output_is_named_after_the_first_input(inputs: list[str], path: str) -> None:
    assert single_edit._default_output(inputs) == Path(path)


def test_a_url_that_is_none_is_said_in_one_line(run: CommandRunner) -> None:
    outcome = run("edit", "http://[x/a.mp4", "-m", TRIM, "--base-url", "http://127.0.0.1:1")
    assert outcome.status == 2
    assert outcome.err.startswith("nemolocal: invalid URL http://[x/a.mp4")


def opened(base_url: str) -> Client:
    """The client that the command would use for a base URL."""
    with client_factory.open_client(base_url, lambda _: None) as client:
        return client


@pytest.mark.slow
def test_server_of_ours_is_polled_quickly_and_waited_for_at_its_speed(serve: ServerStarter) -> None:
    assert client_factory._local_speed(serve(speed=7.0)) == 7.0
    client = opened(serve(speed=7.0))
    assert client.workspace.polling.seconds == pytest.approx(0.07)
    assert client.workspace.polling.times == 1200


@pytest.mark.slow
@pytest.mark.parametrize("base_url", ["https://example.com", "http://127.0.0.1:9"])
def test_any_other_server_gets_the_defaults_of_the_contract(base_url: str) -> None:
    assert opened(base_url).workspace.polling == PollPolicy(30.0, 10)


def test_only_this_machine_is_asked_for_its_health(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(client_factory, "_local_speed", asked.append)
    opened("https://example.com")
    opened("http://localhost:1/")
    assert asked == ["http://localhost:1/"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("base_url", "verified"),
    [
        ("http://127.0.0.1:1", False),
        ("HTTP://127.0.0.1:1", False),
        ("https://127.0.0.1:1", True),
        ("HTTPS://127.0.0.1:1", True),
        ("hTTps://localhost:1/", True),
    ],
)
def test_certificates_are_verified_for_all_but_plain_http(
    base_url: str, verified: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def refuse(url: str, *, verify: object, **options: object) -> httpx.Response:
        del url, options
        asked.append(verify)
        raise httpx.ConnectError("nobody listens")

    monkeypatch.setattr("nemolocal.client_factory.httpx.get", refuse)
    assert client_factory._local_speed(base_url) is None
    assert asked == [verified]


def test_notices_are_plain_lines_at_each_quarter(capsys: pytest.CaptureFixture[str]) -> None:
    from nemolocal.progress_display import PlainDisplay

    display = PlainDisplay()
    for percent in range(0, 101, 5):
        display.show_notice(Notice("upload", "Uploading", percent / 100))
    display.show_notice(Notice("working", "⏳ Still working..."))
    display.show_notice(Notice("working", "⏳ Still working..."))
    shown = capsys.readouterr().err.splitlines()
    quarters = [f"Uploading {percent}%" for percent in (0, 25, 50, 75, 100)]
    assert shown == [*quarters, "⏳ Still working...", "⏳ Still working..."]
