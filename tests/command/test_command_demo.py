"""`nemolocal demo` and `edit` on a server of their own: a real MP4 at the end."""

import json
from pathlib import Path

import pytest

from nemolocal.commands import demo
from nemolocal_render.ffmpeg_cli import FFmpegFailed
from tests.support.cli import CommandRunner


@pytest.mark.slow
@pytest.mark.parametrize(
    ("length", "trim", "title"),
    [
        (20.0, ["trim to the first 10 seconds"], "3"),
        (90.0, ["trim to the first 10 seconds"], "3"),
        (5.0, ["trim to the first 2.5 seconds"], "2.5"),
        (0.0, [], "3"),
    ],
)
def test_instructions_fit_any_length(length: float, trim: list[str], title: str) -> None:
    said = demo.demo_messages(length)
    assert said[:-2] == trim
    assert said[-2] == f'add a title "Paradise Found" for the first {title} seconds'
    assert said[-1] == "add lo-fi background music at 35% volume"


@pytest.mark.slow
@pytest.mark.ffmpeg
@pytest.mark.usefixtures("with_rendering")
def test_demo_of_a_file_makes_an_mp4_of_what_was_said(run: CommandRunner, clip: Path) -> None:
    outcome = run("demo", clip)
    assert outcome.status == 0, outcome.err
    summary, file = outcome.lines[-2:]
    assert summary.startswith("Timeline (3 tracks): 1. Video: clip (0-1s)")
    assert '"Paradise Found" (0-1s)' in summary
    assert "BGM: Lo-fi (0-1s, 35%)" in summary
    assert file.startswith("nemolocal-demo.mp4 (1 s, ")
    assert Path("nemolocal-demo.mp4").read_bytes()[4:8] == b"ftyp"


@pytest.mark.usefixtures("without_rendering")
def test_demo_without_a_file_makes_its_own_sample(
    run: CommandRunner, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def copy_of_the_short_one(path: Path) -> None:
        path.write_bytes(sample.read_bytes())

    monkeypatch.setattr(
        "nemolocal_render.synthetic.sample_media.make_sample", copy_of_the_short_one
    )
    outcome = run("demo", "-o", "shown.mp4")
    assert outcome.status == 0, outcome.err
    assert outcome.lines[:2] == ["Generating a sample clip", "Uploaded sample.mp4 (video, 2 s)"]
    assert Path("shown.mp4").is_file()


@pytest.mark.usefixtures("without_rendering")
def test_demo_prints_its_result_as_json(run: CommandRunner, clip: Path) -> None:
    outcome = run("demo", clip, "-o", "shown.mp4", "--json")
    assert outcome.status == 0, outcome.err
    report = json.loads(outcome.out)
    assert (report["file"], report["error"]) == ("shown.mp4", "")
    assert report["size"] == Path("shown.mp4").stat().st_size
    assert [turn["message"] for turn in report["turns"]] == demo.demo_messages(2)


def test_sample_that_cannot_be_made_points_to_the_doctor(
    run: CommandRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: Path) -> None:
        raise FFmpegFailed("no such binary")

    monkeypatch.setattr("nemolocal_render.synthetic.sample_media.make_sample", fail)
    outcome = run("demo")
    assert outcome.status == 1
    assert "cannot generate the sample clip (no such binary): run `nemolocal doctor`" in outcome.err


def test_demo_of_no_file_is_said(run: CommandRunner) -> None:
    outcome = run("demo", "none.mp4")
    assert (outcome.status, outcome.err) == (
        1,
        "nemolocal: file not found: none.mp4: check the name and the folder\n",
    )


@pytest.mark.slow
def test_edit_without_a_server_starts_its_own_and_ignores_the_token_of_the_cloud(
    run: CommandRunner, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rendered: bool
) -> None:
    monkeypatch.setenv("NEMO_TOKEN", "a-token-of-the-cloud")
    outcome = run("edit", clip, "-m", "trim to the first 1 second")
    assert outcome.status == 0, outcome.err
    assert outcome.lines[-1].startswith(f"{tmp_path / 'clip-edited.mp4'} (1 s, ")
    film = (tmp_path / "clip-edited.mp4").read_bytes()
    assert film[4:8] == b"ftyp" if rendered else film == b"a render"
    assert not (tmp_path / "config").exists()
