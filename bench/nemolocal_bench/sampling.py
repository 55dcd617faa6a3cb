"""Samples of a long clip: spans of frames spread over it, in one lossless file.

The cost of encoding and measuring does not grow with the length of the clip. Sizes and times are
scaled up from the samples; the recommended encode is made and measured as a whole.
"""

import asyncio
from pathlib import Path
from random import Random
from typing import Literal

import msgspec

from nemolocal_render import ffmpeg_cli

from .video_files import CannotCompare, VideoFile, count_by_decoding, input_arguments

SampleCount = int | Literal["auto", "all"]

SAMPLE_SECONDS = 1.0
MAX_SAMPLES = 100
# `auto` takes as many samples as fit into this many pixels, within the bounds.
_AUTO_PIXELS = 2.0e9
_AUTO_LEAST, _AUTO_MOST = 8, 20
# If samples would be more than this share of a clip, the whole clip is measured.
_WORTHWHILE = 0.5
_LEAST_FRAMES = 5
# x264's maximum distance of key frames, which whole encodes have without scene cuts.
_KEY_FRAME_DISTANCE = 250
_BYTES_PER_PIXEL = 1.5


class SampleSpan(msgspec.Struct, frozen=True):
    """Frames of the clip: the number of the first, from 0, and how many."""

    first: int
    frames: int


def read_sample_count(text: str) -> SampleCount:
    """Return the value of `--samples`; raises CannotCompare."""
    if text == "auto":
        return "auto"
    if text == "all":
        return "all"
    if text.isascii() and text.isdigit() and 0 < int(text) <= MAX_SAMPLES:
        return int(text)
    raise CannotCompare(f"--samples must be auto, all or a number from 1 to {MAX_SAMPLES}")


def choose_spans(clip: VideoFile, samples: SampleCount) -> tuple[SampleSpan, ...]:
    """Return the spans to sample, spread over the clip; () if the whole clip is to be measured."""
    if samples == "all":
        return ()
    frames = max(round(clip.fps * SAMPLE_SECONDS), _LEAST_FRAMES)
    if samples != "auto":
        return spread_spans(clip.frames, samples, frames)
    fitting = round(_AUTO_PIXELS / (clip.width * clip.height * frames))
    count = min(max(fitting, _AUTO_LEAST), _AUTO_MOST)
    if count * frames > clip.frames * _WORTHWHILE:
        return ()
    return spread_spans(clip.frames, count, frames)


def spread_spans(total: int, count: int, frames: int) -> tuple[SampleSpan, ...]:
    """Return `count` spans, one in each of equal parts; () if they would cover everything.

    Where in its part a span is, is drawn: in a clip that repeats itself, spans at equal distances
    could all show the same. The same numbers always give the same spans.
    """
    if count * frames >= total:
        return ()
    part = total / count
    draw = Random(f"{total} {count} {frames}")
    return tuple(
        SampleSpan(int(part * n + draw.random() * (part - frames)), frames) for n in range(count)
    )


def count_frames(spans: tuple[SampleSpan, ...]) -> int:
    """Return the number of frames of all spans."""
    return sum(span.frames for span in spans)


def source_frame(spans: tuple[SampleSpan, ...], number: int) -> int:
    """Return the number in the clip of frame `number` of the sample; the same without spans."""
    for span in spans:
        if number < span.frames:
            return span.first + number
        number -= span.frames
    return number


def max_sample_size(clip: VideoFile, spans: tuple[SampleSpan, ...]) -> int:
    """Return the maximum size of the sample's file in bytes."""
    frames = count_frames(spans)
    return int(frames * clip.width * clip.height * _BYTES_PER_PIXEL * 1.1) + 1_000_000


def describe_sample(clip: VideoFile, spans: tuple[SampleSpan, ...], folder: Path) -> VideoFile:
    """Return the video of the spans, whose file is made by `cut_sample`.

    Its `bytes` are the share of the clip's.
    """
    frames = count_frames(spans)
    key = ",".join(f"{span.first}+{span.frames}" for span in spans)
    return msgspec.structs.replace(
        clip,
        path=folder / f"sample-{clip.digest[:16]}-{len(spans)}x{spans[0].frames}.mkv",
        extension="mkv",
        digest=f"{clip.digest} {key}",
        frames=frames,
        seconds=frames / clip.fps,
        bytes=round(clip.bytes * frames / clip.frames),
        has_sound=False,
    )


async def count_and_cut(clip: VideoFile, spans: tuple[SampleSpan, ...], folder: Path) -> VideoFile:
    """Return a clip with the number of its decoded frames; cuts the spans in the same pass.

    The spans are those of the frames that its packets announce: where these are wrong, the sample
    is cut again by `cut_sample`. Raises CannotCompare.
    """
    if not spans:
        return await count_by_decoding(clip)
    sample = describe_sample(clip, spans, folder)
    unfinished = _unfinished(sample)
    limit = max_sample_size(clip, spans)
    outputs = sample_arguments(clip, spans, unfinished.name)
    counted = await count_by_decoding(clip, *outputs, file_size=limit)
    if counted.frames == clip.frames:
        unfinished.rename(sample.path)
    else:
        unfinished.unlink()
    return counted


def _unfinished(sample: VideoFile) -> Path:
    return sample.path.with_name(f"cut-{sample.path.name}")


def cut_sample(clip: VideoFile, sample: VideoFile, spans: tuple[SampleSpan, ...]) -> None:
    """Write the sample's file unless it is there: its frames, exact; raises FFmpegFailed."""
    if sample.path.exists():
        return
    unfinished = _unfinished(sample)
    asyncio.run(
        ffmpeg_cli.run(
            cut_arguments(clip, spans, unfinished.name),
            folder=sample.path.parent,
            timeout=clip.timeout,
            policy=msgspec.structs.replace(clip.policy(), file_size=max_sample_size(clip, spans)),
        )
    )
    unfinished.rename(sample.path)


def cut_arguments(clip: VideoFile, spans: tuple[SampleSpan, ...], name: str) -> list[str]:
    """Return FFmpeg's arguments that write the spans to a file, without loss."""
    return [*input_arguments(clip), *sample_arguments(clip, spans, name)]


def sample_arguments(clip: VideoFile, spans: tuple[SampleSpan, ...], name: str) -> list[str]:
    """Return FFmpeg's arguments for the spans as an output."""
    chosen = "+".join(f"between(n,{span.first},{span.first + span.frames - 1})" for span in spans)
    chain = f"select='{chosen}',settb=AVTB,setpts=N*{1e6 / clip.fps:.6f},format=yuv420p"
    # Decoding it costs about as much as an ordinary source: Ut Video, which needs even sizes.
    even = clip.width % 2 == clip.height % 2 == 0
    codec = ["utvideo", "-pred", "left"] if even else ["ffvhuff"]
    last = spans[-1].first + spans[-1].frames
    return [
        *("-map", "0:V:0", "-vf", f"trim=end_frame={last},{chain}"),
        *("-fps_mode", "passthrough", "-c:v", *codec, "-f", "matroska", f"file:{name}"),
    ]


def estimate_size(packets: list[int], clip: VideoFile, spans: tuple[SampleSpan, ...]) -> int:
    """Return the size in bytes of the whole encode's picture, by the packets of the sample's.

    Each span begins with a key frame, which the whole has at its longest distance at the latest.
    """
    begins = {sum(span.frames for span in spans[:n]) for n in range(len(spans))}
    size = 0.0
    for number, packet in enumerate(packets):
        share = spans[0].frames / _KEY_FRAME_DISTANCE if number in begins else 1.0
        size += packet * min(share, 1.0)
    return round(size * clip.frames / len(packets))


class BenchInput(msgspec.Struct, frozen=True):
    """A clip, the spans to sample (() for the whole clip), and the video that is encoded."""

    whole: VideoFile
    spans: tuple[SampleSpan, ...]
    video: VideoFile

    def prepare(self) -> None:
        """Make the video's file unless it is there; raises FFmpegFailed."""
        if self.spans:
            cut_sample(self.whole, self.video, self.spans)


def whole_input(clip: VideoFile) -> BenchInput:
    """Return the input for the whole clip."""
    return BenchInput(clip, (), clip)


def sampled_input(clip: VideoFile, spans: tuple[SampleSpan, ...], folder: Path) -> BenchInput:
    """Return the input for these spans of the clip; for () the whole clip."""
    return BenchInput(clip, spans, describe_sample(clip, spans, folder) if spans else clip)
