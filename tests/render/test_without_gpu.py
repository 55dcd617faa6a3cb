"""An encoder that does not work is found out, says why, and libx264 does the job."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nemolocal_render import encoders, ffmpeg_cli
from nemolocal_render.child_process import ChildProcessResult
from nemolocal_render.encoders import HARDWARE_ENCODERS, choose_encoder, probe_encoder
from nemolocal_render.job import RenderResult
from tests.support.frames import DecodedVideo

pytestmark = pytest.mark.ffmpeg

Make = Callable[..., tuple[Path, RenderResult]]

ONE_CLIP = {"tt": 0, "sg": [{"src": "sample.mp4", "s": 0, "d": 1000, "ss": 500}]}

# Every way in which a card or its driver is known to fail, one for each encoder: no encoder on the
# card, nothing written and no word of it, frames lost, a crash, a build without it.
_FAILING = """
if "h264_nvenc" in args:
    sys.exit("[h264_nvenc @ 0x5] OpenEncodeSessionEx failed: unsupported device (2)")
if "h264_qsv" in args:
    sys.exit(0)
if "h264_vaapi" in args:
    source = args[args.index("-i") + 1]
    args = ["-v", "error", "-y", "-f", "lavfi", "-i", source, "-frames:v", "3", "-f", "h264",
            args[-1]]
if "h264_videotoolbox" in args:
    os.kill(os.getpid(), 11)
if "h264_amf" in args:
    sys.exit("Unknown encoder 'h264_amf'")
"""
REASONS = {
    "h264_nvenc": "FFmpeg ended with status 1: OpenEncodeSessionEx failed: unsupported device (2)",
    "h264_qsv": "FFmpeg ended with status 254: Error opening input",
    "h264_vaapi": "3 of 8 frames came back",
    "h264_videotoolbox": "FFmpeg ended with status -11: no reason given",
    "h264_amf": "FFmpeg ended with status 1: Unknown encoder 'h264_amf'",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HARDWARE_ENCODERS)
def test_an_encoder_that_fails_says_how(name: str, fake_ffmpeg: Callable[[str], Path]) -> None:
    fake_ffmpeg(_FAILING)
    trial = asyncio.run(probe_encoder(name))
    assert trial.error.startswith(REASONS[name])
    assert "\n" not in trial.error


@pytest.mark.slow
def test_a_card_that_cannot_encode_leaves_the_job_to_libx264(
    make: Make, fake_ffmpeg: Callable[[str], Path]
) -> None:
    fake_ffmpeg(_FAILING)
    path, result = make([ONE_CLIP])
    assert result.encoder == "libx264"
    for name, reason in REASONS.items():
        assert f"{name}: {reason}" in result.encoder_reason
    assert [DecodedVideo(path).counter(n) for n in (0, 15, 29)] == [15, 30, 44]


@pytest.mark.slow
def test_a_driver_that_hangs_is_given_up(
    make: Make, fake_ffmpeg: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = "import signal\nif any(a.startswith('h264_') for a in args): signal.pause()"
    fake_ffmpeg(hangs)
    monkeypatch.setattr(encoders, "_SECONDS", 0.5)
    _, result = make([ONE_CLIP])
    assert result.encoder == "libx264"
    assert "h264_nvenc: FFmpeg was stopped after 0 s" in result.encoder_reason


@pytest.mark.slow
def test_what_a_card_makes_is_looked_at_before_it_is_believed(
    make: Make, fake_ffmpeg: Callable[[str], Path]
) -> None:
    # FFmpeg ends well, and what it wrote is no H.264.
    fake_ffmpeg(
        "if any(a.startswith('h264_') for a in args):\n"
        "    open(args[-1].removeprefix('file:'), 'wb').write(bytes(5000))\n"
        "    sys.exit(0)"
    )
    _, result = make([ONE_CLIP])
    assert result.encoder == "libx264"
    assert all(
        f"{name}: FFmpeg ended with status" in result.encoder_reason for name in HARDWARE_ENCODERS
    )


@pytest.mark.slow
def test_on_this_machine_what_was_found_is_what_is_used(make: Make) -> None:
    chosen = asyncio.run(choose_encoder())
    trials = [asyncio.run(probe_encoder(name)) for name in HARDWARE_ENCODERS]
    working = [trial.name for trial in trials if not trial.error]
    assert chosen.name == (working[0] if working else "libx264")
    assert all(trial.error in chosen.reason for trial in trials if not working)
    assert os.sep not in chosen.reason.replace("/dev/", "")
    _, result = make([ONE_CLIP])
    assert (result.encoder, result.encoder_reason) == (chosen.name, chosen.reason)


@pytest.mark.parametrize(
    ("complaint", "cause"),
    [
        ("No VA display found for device /dev/dri/renderD128.", "device renderD128."),
        ("[in#0] /home/me/my.mp4: broken", "a file: broken"),
    ],
)
def test_reason_names_a_device_and_no_path(complaint: str, cause: str) -> None:
    reason = ffmpeg_cli._reason(ChildProcessResult(1, complaint))
    assert reason.endswith(cause)
    assert "/" not in reason
