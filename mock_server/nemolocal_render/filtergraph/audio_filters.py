"""Build the audio stream of a plan: all tracks mixed and limited, of exact length."""

from collections.abc import Iterator

from nemolocal_contract.audio_effects import AMOUNT, audio_effect_rows
from nemolocal_contract.effects import AudioEffect

from ..planning.audio_tracks import DUCK_RAMP_SAMPLES
from ..planning.render_plan import SAMPLE_RATE, AudioClip, AudioDucking
from .graph_builder import GraphBuilder, Stream, decimal

_MARGIN = 0.1
# Seconds decoded in advance: the first packet of AAC or MP3 needs the one before.
_WARM_UP = 0.1
# Extra samples for `atempo`, which may fail at the end of less than its window.
_TEMPO_WINDOW = 4096
# `areverse` holds all of its input; this much, in seconds.
_REVERSED = 60.0
# Samples between changes of the gain of ducked sound.
_STEP = 240


_LAYOUT = {"sample_fmts": "fltp", "sample_rates": SAMPLE_RATE, "channel_layouts": "stereo"}


def mix_audio(graph: GraphBuilder) -> Stream:
    """Mix all audio tracks."""
    import ffmpeg

    plan = graph.plan
    tracks = [_audio_track(track, graph) for track in plan.audio_tracks]
    audio = tracks[0]
    if len(tracks) > 1:
        mixing = {"inputs": len(tracks), "normalize": 0, "duration": "longest"}
        audio = ffmpeg.filter(tracks, "amix", **mixing)
    audio = audio.filter("alimiter", limit=0.97, level=0, latency=1)
    audio = audio.filter("apad", whole_len=plan.samples)
    return audio.filter("atrim", end_sample=plan.samples)


def _audio_track(track: tuple[AudioClip, ...], graph: GraphBuilder) -> Stream:
    import ffmpeg

    pieces = list(_padded_clips(track, graph))
    audio = ffmpeg.concat(*pieces, v=0, a=1) if len(pieces) > 1 else pieces[0]
    return (
        audio.filter("adelay", f"{track[0].start_sample}S", all=1)
        if track[0].start_sample
        else audio
    )


def _padded_clips(track: tuple[AudioClip, ...], graph: GraphBuilder) -> Iterator[Stream]:
    """Yield each sound, padded with silence until the next one starts."""
    for sound, after in zip(track, (*track[1:], None), strict=True):
        length = after.start_sample - sound.start_sample if after else sound.samples
        yield _audio_clip(sound, graph).filter("apad", whole_len=length)


def _audio_clip(sound: AudioClip, graph: GraphBuilder) -> Stream:
    audio = _backwards(sound, graph) if sound.reverse else _forwards(sound, graph)
    for effect in sound.effects:
        audio = _apply_effect(audio, effect, sound.samples)
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


def _apply_effect(audio: Stream, effect: AudioEffect, samples: int) -> Stream:
    """Apply the filters of an effect; the sound keeps its rate, its channels and its length.

    The filters are those of the table, and the amount is a number within its bounds.
    """
    row = audio_effect_rows()[effect.name]
    amount = row.checked_amount(effect.amount)
    shown = "" if amount is None else decimal(amount)
    for one in row.filters:
        options = {key: str(value).replace(AMOUNT, shown) for key, value in one.options.items()}
        audio = audio.filter(one.name, **options)
    # Some filters change the rate (`loudnorm`), others hold samples back or add an echo.
    audio = audio.filter("aresample", SAMPLE_RATE).filter("aformat", **_LAYOUT)
    audio = audio.filter("apad", whole_len=samples).filter("asetpts", "N")
    return audio.filter("atrim", end_sample=samples)


def _forwards(
    sound: AudioClip, graph: GraphBuilder, skipped: int = 0, samples: int | None = None
) -> Stream:
    """Return samples of a sound after the skipped ones."""
    wanted = sound.samples if samples is None else samples
    start = sound.source_start + skipped / SAMPLE_RATE * sound.speed
    # FFmpeg seeks by the video stream: audio before it is read from the start of the file.
    late = start - _WARM_UP < sound.source.info.picture_start
    lead = start if late else min(_WARM_UP, start)
    end = wanted / SAMPLE_RATE * sound.speed + lead + _MARGIN
    specifier = sound.source.info.audio_specifier
    audio = graph.open_input(sound.source, start - lead, end)[specifier]
    # Silence fills gaps of the source, so that audio and video stay in sync.
    audio = audio.filter("atrim", start=0, end=decimal(end))
    if sound.source.info.channels == 1:
        # Full level on both sides; the default of FFmpeg is 3 dB lower.
        audio = audio.filter("pan", "stereo|c0<c0|c1<c0")
    # FFmpeg does not normalize the downmix of floating-point samples unless told to.
    mixing = {"out_chlayout": "stereo", "rematrix_maxval": 1}
    audio = audio.filter("aresample", SAMPLE_RATE, **mixing, **{"async": 1, "first_pts": 0})
    audio = audio.filter("aformat", **_LAYOUT)
    if lead:
        audio = audio.filter("atrim", start_sample=round(lead * SAMPLE_RATE))
        audio = audio.filter("asetpts", "PTS-STARTPTS")
    needed = wanted * sound.speed
    for factor in _tempos(sound.speed):
        audio = audio.filter("apad", whole_len=round(needed) + _TEMPO_WINDOW)
        audio = audio.filter("atempo", decimal(factor))
        needed /= factor
    # If the source has no samples, those of `apad` have no timestamps, which `concat` refuses.
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
    """Return factors whose product is the speed, each from 0.5 to 2, the range of `atempo`."""
    if speed == 1:
        return []
    return [speed] if 0.5 <= speed <= 2 else [speed**0.5] * 2
