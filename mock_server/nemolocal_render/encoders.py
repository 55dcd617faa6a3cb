"""Choose an H.264 encoder that works on this machine, by encoding and decoding eight frames."""

import asyncio
from pathlib import Path

import msgspec

from . import ffmpeg_cli
from .planning.output_settings import EncodeSettings
from .sandbox import SandboxPolicy
from .temporary_folder import TemporaryFolder

SOFTWARE_ENCODER = "libx264"
HARDWARE_ENCODERS: tuple[str, ...] = (
    "h264_nvenc",
    "h264_qsv",
    "h264_vaapi",
    "h264_videotoolbox",
    "h264_amf",
)

_FRAMES = 8
_SECONDS = 20
_VAAPI_DEVICE = "/dev/dri/renderD128"
# The option closest to constant quality, on roughly the scale of x264.
_QUALITY_OPTION = {
    "h264_nvenc": ("-rc", "vbr", "-cq"),
    "h264_qsv": ("-global_quality",),
    "h264_vaapi": ("-qp",),
    "h264_amf": ("-rc", "cqp", "-qp_p"),
}


class Encoder(msgspec.Struct, frozen=True):
    """An encoder by FFmpeg's name, and why it was chosen."""

    name: str
    reason: str

    @property
    def is_hardware(self) -> bool:
        """Whether it runs on a hardware device."""
        return self.name != SOFTWARE_ENCODER


class EncoderProbe(msgspec.Struct, frozen=True):
    """The result of testing an encoder: `error` is "" if it works."""

    name: str
    error: str


_chosen: dict[Path, Encoder] = {}


async def choose_encoder() -> Encoder:
    """Return the first hardware encoder that works, else libx264, with the reason; cached."""
    binary = ffmpeg_cli.executable()
    if binary not in _chosen:
        _chosen[binary] = _pick(await asyncio.gather(*map(probe_encoder, HARDWARE_ENCODERS)))
    return _chosen[binary]


def _pick(trials: list[EncoderProbe]) -> Encoder:
    for trial in trials:
        if not trial.error:
            return Encoder(trial.name, f"{_FRAMES} frames were encoded and decoded back")
    return Encoder(SOFTWARE_ENCODER, "; ".join(f"{trial.name}: {trial.error}" for trial in trials))


async def probe_encoder(name: str) -> EncoderProbe:
    """Test an encoder: encode eight frames of 640x360 and decode them."""
    with TemporaryFolder("encoder") as folder:
        encoded = folder / "trial.h264"
        try:
            await _encode_test_frames(folder, name, encoded.name)
            frames = await _count_frames(folder, encoded.name)
        except ffmpeg_cli.FFmpegFailed as failure:
            return EncoderProbe(name, str(failure))
    error = "" if frames == _FRAMES else f"{frames} of {_FRAMES} frames came back"
    return EncoderProbe(name, error)


async def _encode_test_frames(folder: Path, name: str, output: str) -> None:
    # Working hardware encoders reject smaller pictures.
    source = ["-f", "lavfi", "-i", "testsrc2=s=640x360:r=30"]
    options = video_arguments(name, EncodeSettings(23, "veryfast", 0))
    target = ["-frames:v", str(_FRAMES), "-f", "h264", f"file:{output}"]
    chain = ",".join(("format=" + pixel_format(name), *hwupload_filters(name)))
    await ffmpeg_cli.run(
        [*device_arguments(name), *source, "-vf", chain, *options, *target],
        folder=folder,
        timeout=_SECONDS,
        policy=SandboxPolicy(devices=name != SOFTWARE_ENCODER),
    )


async def _count_frames(folder: Path, name: str) -> int:
    lines: list[str] = []
    await ffmpeg_cli.run(
        ["-f", "h264", "-i", f"file:{name}", "-f", "framecrc", "-"],
        folder=folder,
        timeout=_SECONDS,
        on_line=lines.append,
    )
    return sum(not line.startswith("#") for line in lines)


def device_arguments(name: str) -> tuple[str, ...]:
    """Return the arguments before the inputs that select the device of an encoder."""
    return ("-vaapi_device", _VAAPI_DEVICE) if name == "h264_vaapi" else ()


def pixel_format(name: str) -> str:
    """Return the 8-bit 4:2:0 pixel format that an encoder takes."""
    return "yuv420p" if name == SOFTWARE_ENCODER else "nv12"


def hwupload_filters(name: str) -> tuple[str, ...]:
    """Return the filters that upload a frame to the device of an encoder."""
    return ("hwupload",) if name == "h264_vaapi" else ()


def video_arguments(name: str, encoding: EncodeSettings) -> list[str]:
    """Return the options of an encoder for a quality and, if set, a maximum bit rate."""
    ceiling = ["-maxrate", str(encoding.max_bit_rate), "-bufsize", str(encoding.max_bit_rate)]
    rate = ceiling if encoding.max_bit_rate else []
    if name == SOFTWARE_ENCODER:
        return ["-c:v", name, "-preset", encoding.preset, "-crf", f"{encoding.crf:g}", *rate]
    if name not in _QUALITY_OPTION:
        # VideoToolbox: 100 is best, and constant quality cannot be combined with a maximum rate.
        quality = (
            ["-b:v", str(encoding.max_bit_rate)]
            if rate
            else ["-q:v", f"{100 - 2 * encoding.crf:g}"]
        )
        return ["-c:v", name, *quality]
    return ["-c:v", name, *_QUALITY_OPTION[name], f"{encoding.crf:.0f}", *rate]
