"""The sound of a plan as a stream: every lane in its place, mixed, limited, of exact length."""

from collections.abc import Iterator

from ..planning.render_plan import SAMPLE_RATE, AudioClip, AudioDucking
from ..planning.tracks import DUCK_RAMP_SAMPLES
from .graph_builder import GraphBuilder, Stream, decimal

_MARGIN = 0.1
# What is decoded before it is heard: the first packet of AAC or MP3 needs the one before.
_WARM_UP = 0.1
# Samples that `atempo` gets beyond those it needs: at the end of less than its window it may fail.
_TEMPO_WINDOW = 4096
# Turning sound round takes all of it at once; this much, in seconds.
_REVERSED = 60.0
# The gain of ducked sound changes in steps of so many samples.
_STEP = 240


def mix_audio(graph: GraphBuilder) -> Stream:
    """All lanes together."""
    import ffmpeg

    plan = graph.plan
    lanes = [_audio_track(lane, graph) for lane in plan.audio_tracks]
    audio = lanes[0]
    if len(lanes) > 1:
        mixing = {"inputs": len(lanes), "normalize": 0, "duration": "longest"}
        audio = ffmpeg.filter(lanes, "amix", **mixing)
    audio = audio.filter("alimiter", limit=0.97, level=0, latency=1)
    audio = audio.filter("apad", whole_len=plan.samples)
    return audio.filter("atrim", end_sample=plan.samples)


def _audio_track(lane: tuple[AudioClip, ...], graph: GraphBuilder) -> Stream:
    import ffmpeg

    pieces = list(_padded_clips(lane, graph))
    audio = ffmpeg.concat(*pieces, v=0, a=1) if len(pieces) > 1 else pieces[0]
    return (
        audio.filter("adelay", f"{lane[0].start_sample}S", all=1) if lane[0].start_sample else audio
    )


def _padded_clips(lane: tuple[AudioClip, ...], graph: GraphBuilder) -> Iterator[Stream]:
    """Each sound, followed by silence until the next one starts."""
    for sound, after in zip(lane, (*lane[1:], None), strict=True):
        length = after.start_sample - sound.start_sample if after else sound.samples
        yield _audio_clip(sound, graph).filter("apad", whole_len=length)


def _audio_clip(sound: AudioClip, graph: GraphBuilder) -> Stream:
    audio = _backwards(sound, graph) if sound.reverse else _forwards(sound, graph)
    audio = audio.filter("volume", decimal(sound.volume))
    for fade in sound.fades:
        audio = audio.filter(
            "afade",
            type=fade.kind,
            start_sample=fade.start,
            nb_samples=fade.samples,
            curve=fade.curve,
        )
    return _apply_ducking(audio, sound.ducking) if sound.ducking else audio


def _forwards(
    sound: AudioClip, graph: GraphBuilder, skipped: int = 0, samples: int | None = None
) -> Stream:
    """So many samples of a sound, after those skipped."""
    wanted = sound.samples if samples is None else samples
    start = sound.source_start + skipped / SAMPLE_RATE * sound.speed
    # A file is opened where its picture can be: sound that begins before it is read from its start.
    late = start - _WARM_UP < sound.source.info.picture_start
    lead = start if late else min(_WARM_UP, start)
    end = wanted / SAMPLE_RATE * sound.speed + lead + _MARGIN
    track = sound.source.info.audio_specifier
    audio = graph.open_input(sound.source, start - lead, end)[track]
    # Silence where the source has none yet or has a gap, so that sound stays with its picture.
    audio = audio.filter("atrim", start=0, end=decimal(end))
    if sound.source.info.channels == 1:
        # As loud on both sides as it was; FFmpeg's own way takes 3 dB away.
        audio = audio.filter("pan", "stereo|c0<c0|c1<c0")
    # Of numbers with a point FFmpeg mixes many channels louder than of others, beyond full scale.
    mixing = {"out_chlayout": "stereo", "rematrix_maxval": 1}
    audio = audio.filter("aresample", SAMPLE_RATE, **mixing, **{"async": 1, "first_pts": 0})
    layout = {"sample_fmts": "fltp", "sample_rates": SAMPLE_RATE, "channel_layouts": "stereo"}
    audio = audio.filter("aformat", **layout)
    if lead:
        audio = audio.filter("atrim", start_sample=round(lead * SAMPLE_RATE))
        audio = audio.filter("asetpts", "PTS-STARTPTS")
    needed = wanted * sound.speed
    for factor in _tempos(sound.speed):
        audio = audio.filter("apad", whole_len=round(needed) + _TEMPO_WINDOW)
        audio = audio.filter("atempo", decimal(factor))
        needed /= factor
    # Where the source has no sound at all, `apad` makes some without times, which `concat` refuses.
    audio = audio.filter("apad", whole_len=wanted).filter("asetpts", "N")
    return audio.filter("atrim", end_sample=wanted)


def _backwards(sound: AudioClip, graph: GraphBuilder) -> Stream:
    import ffmpeg

    most = round(_REVERSED * SAMPLE_RATE)
    starts = range(0, sound.samples, most)
    parts = [
        _forwards(sound, graph, start, min(most, sound.samples - start)).filter("areverse")
        for start in reversed(starts)
    ]
    return ffmpeg.concat(*parts, v=0, a=1) if len(parts) > 1 else parts[0]


def _apply_ducking(audio: Stream, duck: AudioDucking) -> Stream:
    ramp = DUCK_RAMP_SAMPLES / SAMPLE_RATE
    slopes = (
        f"clip(min((t-{decimal(begin / SAMPLE_RATE - ramp)})/{ramp}"
        f",({decimal(end / SAMPLE_RATE + ramp)}-t)/{ramp}),0,1)"
        for begin, end in duck.ranges
    )
    gain = f"1-{decimal(duck.amount)}*min(1,{'+'.join(slopes)})"
    return audio.filter("asetnsamples", n=_STEP, p=0).filter("volume", gain, eval="frame")


def _tempos(speed: float) -> list[float]:
    """Factors whose product is the speed, each from 0.5 to 2, beyond which `atempo` skips."""
    if speed == 1:
        return []
    return [speed] if 0.5 <= speed <= 2 else [speed**0.5] * 2
