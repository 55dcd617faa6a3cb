"""What `nemolocal bench` rejects before it spends any time, in one line each."""

import stat
from pathlib import Path

import pytest

from nemolocal.main import main
from nemolocal_bench.clip_comparison import CompareOptions
from nemolocal_bench.video_files import CannotCompare
from nemolocal_client import CLOUD_BASE_URL
from tests.support.media import MediaCache, run_ffmpeg

pytestmark = pytest.mark.ffmpeg


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def bench(*arguments: str | Path) -> int:
    return main(["bench", *map(str, arguments)])


def _slow(*values: object) -> object:
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["missing.mp4"], "file not found: missing.mp4"),
        (["notes.txt"], "notes.txt is not a video: accepted types are mp4, mov, avi, webm, mkv"),
        (["text.mp4"], "text.mp4: "),
        _slow(["one.mp4"], "it has 1 frame; at least 3 are needed"),
        _slow(["huge.mp4"], "its picture of 7680x4320 is larger than 8294400 pixels"),
        (["plain.mp4", "--report", "file/report"], "cannot write a report"),
        (["plain.mp4", "--target-vmaf", "101"], "--target-vmaf must be between 0 and 100"),
        (["plain.mp4", "--base-url", "http://127.0.0.1:9"], "--base-url requires --cloud"),
        (
            ["plain.mp4", "--cloud", "--base-url", "x"],
            "'x' is not a base URL: use one like http://",
        ),
        (["plain.mp4", "--cloud"], "--cloud needs a token: set NEMO_TOKEN"),
        (["plain.mp4", "--samples", "0"], "--samples must be auto, all or a number from 1 to 100"),
        (["plain.mp4", "--frames", "few"], "--frames must be none or a number from 1 to 20"),
        _slow(["plain.mp4", "--encoders", "x266"], "unknown encoder x266: choose from"),
        _slow(["plain.mp4", "--encoders", "h264_amf"], "h264_amf does not work here: "),
        (["plain.mp4", "--compare", "notes.txt"], "notes.txt: not a report of the bench"),
        (["plain.mp4", "--compare", "missing.json"], "cannot read missing.json"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: list[str],
    line: str,
    bad: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(bad)
    monkeypatch.delenv("NEMO_TOKEN", raising=False)
    assert bench(*arguments) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("nemolocal: ")
    assert line in last


@pytest.fixture(scope="module")
def bad(media: Path, media_cache: MediaCache) -> Path:
    """A folder of files that cannot be compared, and one that can."""
    drawn = ["-f", "lavfi", "-i", "color=s={}:r=25:d=0.04", "-preset", "ultrafast"]

    def make(folder: Path) -> None:
        (folder / "plain.mp4").write_bytes((media / "plain.mp4").read_bytes())
        (folder / "notes.txt").write_text("notes")
        (folder / "file").write_text("no folder")
        (folder / "text.mp4").write_text("ffconcat version 1.0\nfile plain.mp4\n")
        for name, size in (("one.mp4", "192x108"), ("huge.mp4", "7680x4320")):
            run_ffmpeg(*(word.format(size) for word in drawn), folder / name)

    return media_cache.folder("bad", make, (media.name, drawn))


def test_unwritable_report_folder_is_rejected_at_once(
    bad: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "touch", refuse)
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert bench(bad / "plain.mp4", "--report", tmp_path) == 2
    assert "Permission denied" in capsys.readouterr().err


def test_token_sends_the_export_to_the_cloud(
    bad: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(options: CompareOptions, *_: object) -> None:
        raise CannotCompare(f"asked for {options.base_url}")

    monkeypatch.setenv("NEMO_TOKEN", "t")
    monkeypatch.setattr("nemolocal.compression_comparison.compare", stop)
    assert bench(bad / "plain.mp4", "--cloud") == 2
    assert f"asked for {CLOUD_BASE_URL}" in capsys.readouterr().err


def test_unreachable_server_fails_before_the_first_encode(
    bad: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def never(*_: object) -> None:
        raise AssertionError("a clip was opened")

    monkeypatch.setattr("nemolocal_bench.comparison.open_source", never)
    assert bench(bad / "plain.mp4", "--cloud", "--base-url", "http://127.0.0.1:9") == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("nemolocal: the local server cannot be measured: cannot connect to")
    assert line.endswith("nothing was encoded, leave out --cloud")
