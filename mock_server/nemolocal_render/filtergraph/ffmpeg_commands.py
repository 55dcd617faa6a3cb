"""FFmpeg commands for a plan: video, audio or both; they run in the job folder."""

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

import msgspec

from .. import encoders
from ..media import MediaSource
from ..planning.render_plan import SAMPLE_RATE, ClipSlice, RenderPlan
from . import audio_filters, compositing
from .clip_streams import measure_clip_motion
from .graph_builder import GraphBuilder, Stream, decimal
from .motion_filters import motion_file
from .part_overlap import PartOverlap, choose_overlap

TITLES_FILE = "titles.ass"
FONTS_FOLDER = "fonts"
CONCAT_LIST_FILE = "parts.txt"

_TIMELESS = frozenset({"aac", "mp3"})
# A downmix of the channels that exist, not louder than before.
_ANY_TO_STEREO = (
    "stereo|FL<FL+0.707*FC+0.707*BL+0.707*SL+0.5*BC|FR<FR+0.707*FC+0.707*BR+0.707*SR+0.5*BC"
)
# Two channels with 16 bits.
_SAMPLE_BYTES = 4

_SINK = "render"
_LINK = re.compile(r"\[[^\]]+\]")
_INPUTS, _OUTPUTS = re.compile(rf"({_LINK.pattern})+"), re.compile(rf"({_LINK.pattern})+$")
_NO_METADATA = ("-map_metadata", "-1", "-map_chapters", "-1")
# Of a damaged source, everything that can be decoded is shown.
_ALWAYS = ("-progress", "pipe:1", "-max_error_rate", "1")
_COLORS = ("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709")
# The types of NAL units: sequence and picture parameter sets.
_PARAMETER_SETS = "7-8"
# With several threads, x264's look-ahead in a thread of its own makes other bytes now and then:
# on a busy machine 11 of 30 times, and never without it (measured).
_REPEATABLE = ("-x264-params", "sync-lookahead=0")
# The smallest time base of the parts, as FFmpeg chooses it.
_FEWEST_TICKS = 10_000


class EncodeResources(msgspec.Struct, frozen=True):
    """The encoder, the number of cores, and whether FFmpeg supports tone mapping.

    `motion_measured` says whether the movements of stabilized clips are in files. If it
    `is_repeatable`, encoding gives the same bytes every time, and is a little slower; parts are
    encoded with an overlap then.
    """

    encoder: str
    cores: int = 1
    tone_mapping: bool = False
    motion_measured: bool = False
    is_repeatable: bool = False

    @property
    def uses_hardware(self) -> bool:
        """Whether the encoder runs on a hardware device."""
        return self.encoder != encoders.SOFTWARE_ENCODER


class FFmpegCommand(msgspec.Struct, frozen=True):
    """Arguments of FFmpeg for the job folder, and the filter graphs by file name.

    The file names are unique: several commands may run in a folder at once.
    """

    arguments: tuple[str, ...]
    graphs: dict[str, str] = {}


def render_command(plan: RenderPlan, machine: EncodeResources, output: str) -> FFmpegCommand:
    """Render a plan, or a part of one, into a file of the job folder."""
    graph = GraphBuilder(plan, machine.cores, machine.tone_mapping, machine.motion_measured)
    overlap = choose_overlap(plan, machine.encoder) if machine.is_repeatable else PartOverlap()
    streams = [_video(graph, machine.encoder, overlap)]
    if plan.audio_tracks:
        streams.append(audio_filters.mix_audio(graph))
    longest = max(plan.duration, plan.samples / SAMPLE_RATE) + float(sum(overlap) / plan.fps) + 1
    ticks = _ticks(plan.fps)
    settings = [
        *encoders.video_arguments(machine.encoder, plan.encoding),
        *(_REPEATABLE if machine.is_repeatable and not machine.uses_hardware else ()),
        *(("-pix_fmt", "yuv420p") if machine.encoder == encoders.SOFTWARE_ENCODER else ()),
        *(*_COLORS, "-color_range", "tv", "-threads", str(_encoder_threads(plan, machine))),
        *overlap.arguments(plan.frames),
        *("-video_track_timescale", str(plan.fps.numerator * ticks)),
        *(_audio_arguments(plan) if plan.audio_tracks else ["-an"]),
        # The graph outputs exactly the planned frames. `-frames:v` would end the audio with them,
        # which may be half a frame longer.
        *("-t", decimal(longest)),
    ]
    before = [*encoders.device_arguments(machine.encoder), *_threads(machine)]
    return _compiled(graph, streams, before, settings, output)


def _encoder_threads(plan: RenderPlan, machine: EncodeResources) -> int:
    # Below a maximum, several threads of x264 share its bits by how fast each is (measured).
    if machine.is_repeatable and plan.encoding.max_bit_rate:
        return 1
    return max(machine.cores * 3 // 2, 1)


def audio_command(plan: RenderPlan, output: str) -> FFmpegCommand:
    """Render only the audio of a plan."""
    graph = GraphBuilder(plan, 1, tone_mapping=False)
    length = ["-t", decimal(plan.samples / SAMPLE_RATE + 1)]
    return _compiled(
        graph, [audio_filters.mix_audio(graph)], [], [*_audio_arguments(plan), *length], output
    )


def motion_command(plan: RenderPlan, picture: ClipSlice, machine: EncodeResources) -> FFmpegCommand:
    """Measure the movements of the camera in a slice, into a file that the render reads."""
    graph = GraphBuilder(plan, machine.cores, machine.tone_mapping)
    video = measure_clip_motion(picture, graph)
    name = motion_file(picture)
    return _compiled(graph, [video], _threads(machine), [], name, ["-f", "null", "-"])


def wav_command(
    source: MediaSource, seconds: float, plan: RenderPlan, output: str
) -> FFmpegCommand:
    """Convert the first seconds of audio that changes its rate or channels to WAV."""
    graph = GraphBuilder(plan, 1, tone_mapping=False)
    audio = graph.open_input(source, 0, None, changing=True)[source.info.audio_specifier]
    # Timestamps of raw streams assume the sample rate of the beginning, so they are useless.
    sync = {} if source.info.extension in _TIMELESS else {"async": 1}
    audio = audio.filter("pan", _ANY_TO_STEREO).filter("aresample", SAMPLE_RATE, **sync)
    layout = {"sample_fmts": "s16", "sample_rates": SAMPLE_RATE, "channel_layouts": "stereo"}
    most = round(seconds * SAMPLE_RATE) * _SAMPLE_BYTES
    file = ["-fs", str(most), *_NO_METADATA, "-f", "wav", f"file:{output}"]
    return _compiled(graph, [audio.filter("aformat", **layout)], [], [], output, file)


def copy_command(source: MediaSource, plan: RenderPlan, output: str) -> FFmpegCommand:
    """Copy the video and the audio of a file without encoding."""
    graph = GraphBuilder(plan, 1, tone_mapping=False)
    info = source.info
    file = graph.open_input(source, 0, info.duration + 1)
    streams = [
        file[info.video_specifier],
        *([file[info.audio_specifier]] if info.has_audio else []),
    ]
    return _compiled(graph, streams, [], ["-c", "copy"], output)


def concat_command(plan: RenderPlan, sound: str, output: str) -> FFmpegCommand:
    """Join the parts that CONCAT_LIST_FILE lists, and add the audio."""
    inputs = [
        "-f",
        "concat",
        "-i",
        CONCAT_LIST_FILE,
        *(["-i", f"file:{sound}"] if plan.audio_tracks else []),
    ]
    maps = ["-map", "0:v", *(["-map", "1:a"] if plan.audio_tracks else [])]
    # The starts of parts are in microseconds: every frame gets its exact time again.
    ticks = plan.fps.denominator * _ticks(plan.fps)
    # FFmpeg puts the parameter sets of each part, which all have alike, also between its frames.
    lean = f"filter_units=remove_types={_PARAMETER_SETS}"
    exact = f"setts=pts=round(PTS/{ticks})*{ticks}:dts=round(DTS/{ticks})*{ticks}:duration={ticks}"
    scale = ["-video_track_timescale", str(plan.fps.numerator * _ticks(plan.fps))]
    arguments = [
        "-progress",
        "pipe:1",
        *inputs,
        *maps,
        "-c",
        "copy",
        "-bsf:v",
        f"{lean},{exact}",
        *scale,
    ]
    return FFmpegCommand((*arguments, *_file(output)))


def concat_list(names: Sequence[str]) -> str:
    """Return the text of CONCAT_LIST_FILE; the names are generated."""
    return "\n".join(["ffconcat version 1.0", *(f"file {name}" for name in names), ""])


def _ticks(fps: Fraction) -> int:
    return -(-_FEWEST_TICKS // fps.numerator)


def _threads(machine: EncodeResources) -> list[str]:
    return ["-filter_complex_threads", str(machine.cores)]


def _audio_arguments(plan: RenderPlan) -> list[str]:
    return ["-c:a", "aac", "-b:a", str(plan.encoding.audio_bit_rate), "-ar", str(SAMPLE_RATE)]


def _file(output: str) -> list[str]:
    return [*_NO_METADATA, "-movflags", "+faststart", "-f", "mp4", f"file:{output}"]


def _video(graph: GraphBuilder, encoder: str, overlap: PartOverlap) -> Stream:
    plan = graph.plan
    lowest, *above = plan.layers
    video = compositing.build_base_track(lowest, graph)
    for layer in above:
        video = compositing.overlay_layer(video, layer, graph)
    if plan.titles:
        video = video.filter("setpts", f"N+{plan.start_frame}") if plan.start_frame else video
        video = video.filter("ass", TITLES_FILE, fontsdir=FONTS_FOLDER)
        video = video.filter("setpts", "N") if plan.start_frame else video
    video = overlap.add_to(video.filter("format", encoders.pixel_format(encoder)), graph)
    for name in encoders.hwupload_filters(encoder):
        video = video.filter(name)
    return video


def _compiled(
    graph: GraphBuilder,
    streams: Sequence[Stream],
    before: Sequence[str],
    settings: Sequence[str],
    output: str,
    file: Sequence[str] = (),
) -> FFmpegCommand:
    """Return the command, with paths instead of input names and each graph in a file."""
    import ffmpeg

    compiled = ffmpeg.compile(ffmpeg.output(*streams, _SINK))[1:]
    end, at = compiled.index(_SINK), compiled.index("-map")
    graphs: dict[str, str] = {}
    maps = compiled[at:end]
    if "-filter_complex" in compiled:
        at = compiled.index("-filter_complex")
        # The arguments between the graph and the sink map the outputs of the graph to the file.
        filters, maps = compiled[at + 1], compiled[at + 2 : end]
        outputs = [name for name in maps if name != "-map"]
        graphs = {
            f"{output}.{n}.graph": text for n, text in enumerate(_split_by_output(filters, outputs))
        }
    inputs = [graph.input_urls.get(argument, argument) for argument in compiled[:at]]
    scripts = [argument for file in graphs for argument in ("-/filter_complex", file)]
    whole = (*_ALWAYS, *before, *inputs, *scripts, *maps, *settings, *(file or _file(output)))
    return FFmpegCommand(whole, graphs)


def _split_by_output(graph: str, outputs: Sequence[str]) -> Iterator[str]:
    """Yield a graph for each output: video and audio in one graph can block each other."""
    chains = graph.split(";")
    producer = {name: at for at, chain in enumerate(chains) for name in _links(chain)[1]}
    for output in outputs:
        needed, waiting = set[int](), [producer[output]]
        while waiting:
            at = waiting.pop()
            if at not in needed:
                needed.add(at)
                # A name that no chain outputs is an input file.
                waiting += [producer[name] for name in _links(chains[at])[0] if name in producer]
        yield ";".join(chains[at] for at in sorted(needed))


def _links(chain: str) -> tuple[list[str], list[str]]:
    """Return the input and output names of a chain, with their brackets."""
    inputs, outputs = _INPUTS.match(chain), _OUTPUTS.search(chain)
    return (
        _LINK.findall(inputs[0]) if inputs else [],
        _LINK.findall(outputs[0]) if outputs else [],
    )
