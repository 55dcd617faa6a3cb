"""The commands' own server: an editor that is free and quiet, and the cloud's double on request."""

import json
from pathlib import Path

import httpx
import msgspec
import pytest

from nemolocal.embedded_server import EmbeddedServer
from nemolocal_client.gui_translation import hints_for
from nemolocal_contract.media import MediaKind
from nemolocal_render.media import MediaInfo
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import FREE_TARIFF, Settings
from tests.support.cli import CommandRunner, ServerStarter
from tests.support.executor import FakeRenderExecutor

TRIM = "trim to the first 1 second"
GENERATE = "generate a 5-second sunset timelapse"
HINTS = frozenset[str]().union(*(hints_for(a) for a in ("export", "edit", "balance")))

pytestmark = pytest.mark.usefixtures("without_rendering")


@pytest.fixture
def quick_footage(monkeypatch: pytest.MonkeyPatch, clip: Path) -> None:
    """What is generated, clips and music, is a copy of the sample."""

    async def make(kind: MediaKind, seconds: float, path: Path) -> MediaInfo:
        path.write_bytes(clip.read_bytes())
        return MediaInfo(kind=kind, extension=path.suffix[1:], duration=seconds, fps=30)

    async def make_scene(_: str, seconds: float, __: int, path: Path) -> MediaInfo:
        created = await make("video", seconds, path)
        return msgspec.structs.replace(created, width=64, height=64)

    async def make_music(_: str, seconds: float, path: Path) -> MediaInfo:
        return await make("audio", seconds, path)

    monkeypatch.setattr("nemolocal_server.turns.media_generator.make_scene", make_scene)
    monkeypatch.setattr("nemolocal_server.turns.media_generator.make_music", make_music)


def test_own_settings_leave_out_what_is_the_clouds_alone() -> None:
    quiet, cloud = EmbeddedServer().settings(), EmbeddedServer(like_cloud=True).settings()
    assert (quiet.tariff, quiet.silence.rate, quiet.gui) == (FREE_TARIFF, 0, False)
    lifetime, fetching = cloud.token_lifetime, cloud.fetch_seconds
    assert cloud == Settings(port=0, token_lifetime=lifetime, fetch_seconds=fetching)


@pytest.mark.slow
def test_every_edit_is_told_plainly_and_costs_nothing(run: CommandRunner, clip: Path) -> None:
    messages = [TRIM, "make it vertical", "add a title 'Hi'", "mute", "undo", "hello", "brighter"]
    given = [part for message in messages for part in ("-m", message)]
    outcome = run("edit", clip, *given, "-m", "credits", "-o", "out.mp4")
    assert outcome.status == 0, outcome.err
    reported = outcome.lines[outcome.lines.index(f"> {TRIM}") :]
    assert sum(line.startswith("Done! I ") for line in reported) == 6
    assert not HINTS & set(reported)
    assert "Nothing is charged here" in reported


@pytest.mark.slow
@pytest.mark.usefixtures("quick_footage")
def test_demo_prints_nothing_of_a_gui(run: CommandRunner, clip: Path) -> None:
    outcome = run("demo", clip)
    assert outcome.status == 0, outcome.err
    assert not HINTS & set(outcome.lines)
    assert sum(line.startswith("Done! I ") for line in outcome.lines) == 3


@pytest.mark.slow
@pytest.mark.parametrize("message", ["frobnicate it", "how do I add a title?", "no, leave it"])
def test_quiet_answers_speak_of_no_screen_and_no_charge(
    run: CommandRunner, clip: Path, message: str
) -> None:
    outcome = run("edit", clip, "-m", message, "-m", TRIM, "-o", "out.mp4")
    assert outcome.status == 0, outcome.err
    assert "[" not in outcome.out
    assert "charged" not in outcome.out
    assert not HINTS & set(outcome.lines)


@pytest.mark.slow
def test_like_cloud_charges_and_exports_what_was_done_before_the_credits_ended(
    run: CommandRunner, clip: Path
) -> None:
    outcome = run("edit", clip, "-m", TRIM, "-m", GENERATE, "-o", "out.mp4", "--like-cloud")
    assert outcome.status == 1
    first, second = outcome.err.splitlines()[-2:]
    assert first == ("nemolocal: not enough credits: remove --like-cloud to edit for free")
    assert second == f'nemolocal: out.mp4 has the edits before "{GENERATE}"'
    assert Path("out.mp4").read_bytes() == b"a render"


def test_like_cloud_is_for_a_server_of_the_commands_own(
    run: CommandRunner, serve: ServerStarter, clip: Path
) -> None:
    outcome = run("edit", clip, "-m", TRIM, "--like-cloud", "--base-url", serve())
    assert outcome.status == 2
    assert "--like-cloud cannot be combined with --base-url" in outcome.err


def test_served_out_of_credits_names_a_way_out_of_this_machine(
    run: CommandRunner, serve: ServerStarter, clip: Path
) -> None:
    url = serve()
    words = ("-m", TRIM, "-m", GENERATE, "-o", "out.mp4", "--base-url", url, "--json")
    outcome = run("edit", clip, *words)
    assert outcome.status == 1
    assert "`nemolocal serve --free`" in outcome.err
    assert "nemovideo.com" not in outcome.err
    report = json.loads(outcome.out)
    assert report["file"] == "out.mp4"
    assert report["error"].startswith("not enough credits")
    assert report["session_id"]


def test_failure_of_the_first_message_exports_nothing(
    run: CommandRunner, serve: ServerStarter, clip: Path, executor: FakeRenderExecutor
) -> None:
    url = serve(tariff=FREE_TARIFF)
    httpx.post(f"{url}/__nemolocal__/faults", json={"name": "out-of-credits"})
    outcome = run("edit", clip, "-m", TRIM, "-o", "out.mp4", "--base-url", url)
    assert outcome.status == 1
    assert not Path("out.mp4").exists()
    assert not executor.plans


@pytest.mark.slow
def test_session_of_a_server_keeps_what_could_not_be_exported(
    run: CommandRunner, serve: ServerStarter, clip: Path, executor: FakeRenderExecutor
) -> None:
    url = serve()
    executor.failures_left = 2
    outcome = run("edit", clip, "-m", f"{TRIM} and export", "-o", "out.mp4", "--base-url", url)
    assert outcome.status == 1
    reported, error = outcome.err.splitlines()[-2:]
    assert error.startswith("nemolocal: the export failed twice")
    session = reported.partition("session ")[2].partition(";")[0]
    assert reported.endswith(f"nemolocal edit --session {session} --base-url {url}")
    assert len(executor.plans) == 2
    assert run("edit", *reported.partition("edit ")[2].split()[:4]).status == 0


def test_batch_exports_what_was_done_to_a_file_before_a_message_failed(
    run: CommandRunner, clip: Path
) -> None:
    words = ("-m", TRIM, "-m", GENERATE, "--out-dir", "films", "--like-cloud", "--json")
    outcome = run("edit", clip, *words)
    assert outcome.status == 1
    (result,) = json.loads(outcome.out)
    assert result["file"] == "films/clip.mp4"
    assert result["error"].startswith("not enough credits")
    assert Path("films/clip.mp4").exists()


def test_what_nobody_understood_is_not_called_an_empty_timeline(
    run: CommandRunner, clip: Path
) -> None:
    outcome = run("edit", clip, "-m", "frobnicate it", "-o", "out.mp4")
    assert outcome.status == 1
    assert outcome.err.splitlines()[-1].startswith("nemolocal: nothing was edited: rephrase the")
    outcome = run("edit", "-m", "make it vertical", "-o", "out.mp4")
    assert outcome.err.splitlines()[-1].startswith("nemolocal: nothing was edited: give an INPUT")


@pytest.mark.slow
@pytest.mark.usefixtures("quick_footage")
def test_clip_is_made_of_nothing(run: CommandRunner) -> None:
    outcome = run("edit", "-m", GENERATE, "-o", "out.mp4")
    assert outcome.status == 0, outcome.err
    assert "sunset timelapse (0-" in outcome.out
    assert Path("out.mp4").read_bytes() == b"a render"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["out.mov", "out", "out.gif"])
def test_name_that_promises_another_format_is_told_so(
    run: CommandRunner, clip: Path, name: str
) -> None:
    outcome = run("edit", clip, "-m", TRIM, "-o", name)
    assert outcome.status == 0
    assert (
        outcome.err.splitlines()[0] == f"warning: {name} will be an MP4 file despite its extension"
    )
    assert "whatever" not in run("edit", clip, "-m", TRIM, "-o", "Film.M4V").err


@pytest.mark.slow
def test_message_that_names_its_export_is_heard(run: CommandRunner, clip: Path) -> None:
    assert run("edit", clip, "-m", f"{TRIM} and export to big.mp4").status == 0
    assert Path("big.mp4").exists()
    assert run("edit", clip, "-m", f"{TRIM}, then export to a.mp4", "-o", "b.mp4").status == 0
    assert Path("b.mp4").exists()
    assert not Path("a.mp4").exists()


@pytest.mark.slow
def test_served_free_charges_nothing(clip: Path, run: CommandRunner, serve: ServerStarter) -> None:
    url = serve(tariff=FREE_TARIFF)
    run("edit", clip, "-m", TRIM, "-o", "out.mp4", "--base-url", url)
    (token,) = httpx.get(f"{url}/__nemolocal__/tokens").json()["tokens"]
    assert token["balance"]["total"] == 100


@pytest.mark.slow
def test_server_and_library_stay_the_clouds_double() -> None:
    with LocalServer(Settings(port=0)) as server:
        assert server.base_url
    assert Settings().gui
    assert Settings().tariff == msgspec.structs.replace(FREE_TARIFF, editing=50, generation=100)
