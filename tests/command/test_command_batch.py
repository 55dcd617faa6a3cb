"""`nemolocal edit --out-dir`: each file by itself, one session, nothing mixed."""

import json
from pathlib import Path

import httpx
import pytest

from tests.support.cli import CommandRunner, ServerStarter

TRIM = "trim to the first 1 second"


@pytest.fixture
def clips(clip: Path) -> list[Path]:
    """Three files."""
    found = []
    for number, name in enumerate(("a.mp4", "b.mp4", "c.mp4")):
        # An empty box at the end makes them different files.
        clip.with_name(name).write_bytes(clip.read_bytes() + b"\x00\x00\x00\x08free" * number)
        found.append(clip.with_name(name))
    return found


def drafts(url: str) -> list[list[str]]:
    """The drafts that were rendered, by their names of clips."""
    entries = httpx.get(
        f"{url}/__nemolocal__/journal", params={"endpoint": "render"}, timeout=60
    ).json()
    bodies = [json.loads(entry["request_body"]) for entry in entries["entries"]]
    return [
        [segment["m"]["title"] for track in body["draft"]["t"] for segment in track["sg"]]
        for body in bodies
    ]


@pytest.mark.slow
def test_each_file_is_edited_by_itself_in_one_session(
    run: CommandRunner, serve: ServerStarter, clips: list[Path]
) -> None:
    url = serve()
    outcome = run("edit", *clips, "-m", TRIM, "--out-dir", "films", "--base-url", url)
    assert outcome.status == 0, outcome.out + outcome.err
    assert sorted(path.name for path in Path("films").iterdir()) == ["a.mp4", "b.mp4", "c.mp4"]
    assert drafts(url) == [["a"], ["b"], ["c"]]
    summary = httpx.get(f"{url}/__nemolocal__/journal/summary", timeout=60).json()
    assert summary["credits"] == {"spent": 50, "resent": 0}


@pytest.mark.slow
def test_file_that_fails_leaves_the_others_alone(
    run: CommandRunner, serve: ServerStarter, clips: list[Path]
) -> None:
    clips[1].write_bytes(b"no film")
    outcome = run("edit", *clips, "-m", TRIM, "--out-dir", "films", "--json", "--base-url", serve())
    assert outcome.status == 1
    first, second, third = json.loads(outcome.out)
    assert (first["seconds"], third["seconds"]) == (1.0, 1.0)
    assert second["error"]
    assert sorted(path.name for path in Path("films").iterdir()) == ["a.mp4", "c.mp4"]


@pytest.mark.slow
def test_file_that_does_not_get_on_the_timeline_by_itself_is_not_mixed_with_another(
    run: CommandRunner, serve: ServerStarter, clips: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nemolocal.edit_batch._INSERT_MESSAGE", "put everything on the timeline")
    outcome = run("edit", *clips[:2], "-m", TRIM, "--out-dir", "films", "--base-url", serve())
    assert outcome.status == 1
    assert "b.mp4 failed: could not be placed on the timeline alone" in outcome.out
    assert [path.name for path in Path("films").iterdir()] == ["a.mp4"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--out-dir", "x", "-m", TRIM), "nothing to edit"),
        (("none.mp4", "-m", TRIM, "--out-dir", "x"), "file not found: none.mp4"),
        (("clip.mp4", "d/clip.mp4", "-m", TRIM, "--out-dir", "x"), "several files are named clip"),
        (("clip.mp4", "-m", TRIM, "--out-dir", "."), "clip.mp4 would be overwritten"),
        (("clip.mp4", "-m", TRIM, "--out-dir", "clip.mp4/x"), "cannot create clip.mp4/x"),
        (("clip.mp4", "-m", TRIM, "--out-dir", "x", "-o", "y.mp4"), "--out-dir cannot be combined"),
        (("clip.mp4", "--out-dir", "x"), "nothing to do: give an instruction with -m"),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_spent(
    run: CommandRunner,
    clip: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    Path("d").mkdir()
    Path("d/clip.mp4").write_bytes(clip.read_bytes())
    monkeypatch.setattr("nemolocal_server.serving.LocalServer", None)
    outcome = run("edit", *arguments)
    # The status is for test_usage_status.
    assert outcome.status in (1, 2)
    assert outcome.err.startswith(f"nemolocal: {said}"), outcome.err
