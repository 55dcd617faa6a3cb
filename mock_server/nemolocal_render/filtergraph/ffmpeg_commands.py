"""FFmpeg's arguments for a plan: pictures, sound or both, to be run in the job folder."""

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

import msgspec

from .. import encoders
from ..media import MediaSource
from ..planning.render_plan import SAMPLE_RATE, RenderPlan
from . import audio_filters, compositing
from .graph_builder import GraphBuilder, Stream, decimal

TITLES_FILE = "titles.ass"
FONTS_FOLDER = "fonts"
CONCAT_LIST_FILE = "parts.txt"

_TIMELESS = frozenset({"aac", "mp3"})
# What there is of these channels, no louder than it was.
_ANY_TO_STEREO = (
    "stereo|FL<FL+0.707*FC+0.707*BL+0.707*SL+0.5*BC|FR<FR+0.707*FC+0.707*BR+0.707*SR+0.5*BC"
)
# Of two channels with 16 bits.
_SAMPLE_BYTES = 4

_SINK = "render"
_LINK = re.compile(r"\[[^\]]+\]")
_TAKEN, _MADE = re.compile(rf"({_LINK.pattern})+"), re.compile(rf"({_LINK.pattern})+$")
_NO_METADATA = ("-map_metadata", "-1", "-map_chapters", "-1")
# A source that is damaged for the most part still shows what can be decoded of it.
_ALWAYS = ("-progress", "pipe:1", "-max_error_rate", "1")
_COLORS = ("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709")
# Ticks of a second of the parts: at least so many, as FFmpeg has it.
_FEWEST_TICKS = 10_000


class EncodeResources(msgspec.Struct, frozen=True):
    """What there is to render with: an encoder's name, cores, and whether FFmpeg tone-maps."""

    encoder: str
    cores: int = 1
    tone_mapping: bool = False

    @property
    def uses_hardware(self) -> bool:
        """Whether the encoder runs on a device of its own."""
        return self.encoder != encoders.SOFTWARE_ENCODER


class FFmpegCommand(msgspec.Struct, frozen=True):
    """FFmpeg's arguments, to be run in the job folder, and the graphs, by their files there.

    The files are those of this command alone: several may run in a folder at once.
    """

    arguments: tuple[str, ...]
    graphs: dict[str, str] = {}


def render_command(plan: RenderPlan, machine: EncodeResources, output: str) -> FFmpegCommand:
    """Render a plan, or a part of one, into a file of the job folder."""
    graph = GraphBuilder(plan, machine.cores, machine.tone_mapping)
    streams = [_video(graph, machine.encoder)]
    if plan.audio_tracks:
        streams.append(audio_filters.mix_audio(graph))
    longest = max(plan.duration, plan.samples / SAMPLE_RATE) + 1
    ticks = _ticks(plan.fps)
    settings = [
        *encoders.video_arguments(machine.encoder, plan.encoding),
        *(("-pix_fmt", "yuv420p") if machine.encoder == encoders.SOFTWARE_ENCODER else ()),
        *(*_COLORS, "-color_range", "tv", "-threads", str(max(machine.cores * 3 // 2, 1))),
        *("-video_track_timescale", str(plan.fps.numerator * ticks)),
        *(_audio_arguments(plan) if plan.audio_tracks else ["-an"]),
        # The graph makes exactly the frames that are planned. A limit by their number would end
        # the sound with them, which may be half a frame longer.
        *("-t", decimal(longest)),
    ]
    before = [*encoders.device_arguments(machine.encoder), *_threads(machine)]
    return _compiled(graph, streams, before, settings, output)


def audio_command(plan: RenderPlan, output: str) -> FFmpegCommand:
    """Render the sound of a plan alone."""
    graph = GraphBuilder(plan, 1, tone_mapping=False)
    length = ["-t", decimal(plan.samples / SAMPLE_RATE + 1)]
    return _compiled(
        graph, [audio_filters.mix_audio(graph)], [], [*_audio_arguments(plan), *length], output
    )


def wav_command(
    source: MediaSource, seconds: float, plan: RenderPlan, output: str
) -> FFmpegCommand:
    """Bring the first seconds of a sound that changes its rate or channels into one form: WAV."""
    graph = GraphBuilder(plan, 1, tone_mapping=False)
    audio = graph.open_input(source, 0, None, changing=True)[source.info.audio_specifier]
    # The times of raw streams are counted with the rate of their beginning: they mean nothing.
    keeping = {} if source.info.extension in _TIMELESS else {"async": 1}
    audio = audio.filter("pan", _ANY_TO_STEREO).filter("aresample", SAMPLE_RATE, **keeping)
    layout = {"sample_fmts": "s16", "sample_rates": SAMPLE_RATE, "channel_layouts": "stereo"}
    most = round(seconds * SAMPLE_RATE) * _SAMPLE_BYTES
    file = ["-fs", str(most), *_NO_METADATA, "-f", "wav", f"file:{output}"]
    return _compiled(graph, [audio.filter("aformat", **layout)], [], [], output, file)


def copy_command(source: MediaSource, plan: RenderPlan, output: str) -> FFmpegCommand:
    """Copy the picture and the sound of a file as they are."""
    graph = GraphBuilder(plan, 1, tone_mapping=False)
    info = source.info
    file = graph.open_input(source, 0, info.duration + 1)
    streams = [
        file[info.video_specifier],
        *([file[info.audio_specifier]] if info.has_audio else []),
    ]
    return _compiled(graph, streams, [], ["-c", "copy"], output)


def concat_command(plan: RenderPlan, sound: str, output: str) -> FFmpegCommand:
    """Put the parts that CONCAT_LIST_FILE lists behind each other, and the sound to them."""
    inputs = [
        "-f",
        "concat",
        "-i",
        CONCAT_LIST_FILE,
        *(["-i", f"file:{sound}"] if plan.audio_tracks else []),
    ]
    maps = ["-map", "0:v", *(["-map", "1:a"] if plan.audio_tracks else [])]
    # Where a part begins is told in microseconds: every frame gets its exact place back.
    ticks = plan.fps.denominator * _ticks(plan.fps)
    exact = f"setts=pts=round(PTS/{ticks})*{ticks}:dts=round(DTS/{ticks})*{ticks}:duration={ticks}"
    scale = ["-video_track_timescale", str(plan.fps.numerator * _ticks(plan.fps))]
    arguments = ["-progress", "pipe:1", *inputs, *maps, "-c", "copy", "-bsf:v", exact, *scale]
    return FFmpegCommand((*arguments, *_file(output)))


def concat_list(names: Sequence[str]) -> str:
    """The text of CONCAT_LIST_FILE; the names are ours."""
    return "\n".join(["ffconcat version 1.0", *(f"file {name}" for name in names), ""])


def _ticks(fps: Fraction) -> int:
    return -(-_FEWEST_TICKS // fps.numerator)


def _threads(machine: EncodeResources) -> list[str]:
    return ["-filter_complex_threads", str(machine.cores)]


def _audio_arguments(plan: RenderPlan) -> list[str]:
    return ["-c:a", "aac", "-b:a", str(plan.encoding.audio_bit_rate), "-ar", str(SAMPLE_RATE)]


def _file(output: str) -> list[str]:
    return [*_NO_METADATA, "-movflags", "+faststart", "-f", "mp4", f"file:{output}"]


def _video(graph: GraphBuilder, encoder: str) -> Stream:
    plan = graph.plan
    lowest, *above = plan.layers
    video = compositing.build_base_track(lowest, graph)
    for layer in above:
        video = compositing.overlay_layer(video, layer, graph)
    if plan.titles:
        video = video.filter("setpts", f"N+{plan.start_frame}") if plan.start_frame else video
        video = video.filter("ass", TITLES_FILE, fontsdir=FONTS_FOLDER)
        video = video.filter("setpts", "N") if plan.start_frame else video
    video = video.filter("format", encoders.pixel_format(encoder))
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
    """The command, with paths in the place of our names and the graph in a file of its own."""
    import ffmpeg

    compiled = ffmpeg.compile(ffmpeg.output(*streams, _SINK))[1:]
    end, at = compiled.index(_SINK), compiled.index("-map")
    graphs: dict[str, str] = {}
    maps = compiled[at:end]
    if "-filter_complex" in compiled:
        at = compiled.index("-filter_complex")
        # What stands between the graph and the sink maps the graph's ends to the file.
        filters, maps = compiled[at + 1], compiled[at + 2 : end]
        ends = [name for name in maps if name != "-map"]
        graphs = {
            f"{output}.{n}.graph": text for n, text in enumerate(_split_by_output(filters, ends))
        }
    inputs = [graph.input_urls.get(argument, argument) for argument in compiled[:at]]
    scripts = [argument for file in graphs for argument in ("-/filter_complex", file)]
    whole = (*_ALWAYS, *before, *inputs, *scripts, *maps, *settings, *(file or _file(output)))
    return FFmpegCommand(whole, graphs)


def _split_by_output(graph: str, ends: Sequence[str]) -> Iterator[str]:
    """The graph of each end, alone: pictures and sound in one graph can wait for each other."""
    chains = graph.split(";")
    made_by = {name: at for at, chain in enumerate(chains) for name in _links(chain)[1]}
    for end in ends:
        needed, waiting = set[int](), [made_by[end]]
        while waiting:
            at = waiting.pop()
            if at not in needed:
                needed.add(at)
                # What no chain makes is an input.
                waiting += [made_by[name] for name in _links(chains[at])[0] if name in made_by]
        yield ";".join(chains[at] for at in sorted(needed))


def _links(chain: str) -> tuple[list[str], list[str]]:
    """The names that a chain takes and makes, in their brackets."""
    taken, made = _TAKEN.match(chain), _MADE.search(chain)
    return (_LINK.findall(taken[0]) if taken else []), (_LINK.findall(made[0]) if made else [])
