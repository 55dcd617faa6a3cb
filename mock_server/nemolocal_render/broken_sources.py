"""Find the sources that break a render, so that it can be repeated without them.

Each video and audio clip is rendered alone. Audio whose format changes is converted to WAV; clips
that cannot be read are left out, with a warning.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec

from .command_runs import run_command
from .ffmpeg_cli import FFmpegFailed
from .filtergraph.ffmpeg_commands import (
    EncodeResources,
    FFmpegCommand,
    audio_command,
    render_command,
    wav_command,
)
from .media import MediaInfo, MediaRejected, MediaSource
from .planning.render_plan import SAMPLE_RATE, AudioClip, ClipSlice, Layer, RenderPlan
from .probing.media_probe import probe_render

_log = logging.getLogger(__name__)
_replace = msgspec.structs.replace

_TRIAL = "trial.mp4"
_FEW = 2
# Seconds converted beyond what is needed.
_MARGIN = 1.0


async def exclude_broken_sources(
    folder: Path, plan: RenderPlan, machine: EncodeResources
) -> RenderPlan | None:
    """Return the plan without unreadable clips, with warnings; None if all can be read."""
    tester = _SourceTester(folder, plan, machine)
    layers = [await tester.filter_layer(layer) for layer in plan.layers]
    tracks = [await tester.filter_audio_track(track) for track in plan.audio_tracks]
    if not tester.changed:
        return None
    lowest, *above = layers or [()]
    readable = tuple(filter(None, tracks))
    return _replace(
        plan,
        layers=(lowest, *filter(None, above)),
        audio_tracks=readable,
        samples=plan.samples if readable else 0,
        copy_source=None,
        warnings=(*plan.warnings, *dict.fromkeys(tester.warnings)),
    )


class _SourceTester:
    def __init__(self, folder: Path, plan: RenderPlan, machine: EncodeResources) -> None:
        self._folder = folder
        self._plan = _replace(plan, titles=(), audio_tracks=(), samples=0, start_frame=0)
        self._machine = machine
        self._wav_count = 0
        self.changed = False
        self.warnings: list[str] = []

    async def filter_layer(self, layer: Layer) -> Layer:
        """Return the readable clips of a layer; a transition from an unreadable one is a cut."""
        kept: list[ClipSlice] = []
        gone = False
        for picture in layer:
            if await self._is_video_readable(picture):
                kept.append(_replace(picture, transition_in=None) if gone else picture)
                gone = False
            else:
                gone = self.changed = True
                self.warnings.append(f"{picture.clip.path}.src: cannot be read, it is left out")
        return tuple(kept)

    async def filter_audio_track(self, track: Sequence[AudioClip]) -> tuple[AudioClip, ...]:
        """Return the readable sounds of a track, converted to WAV if necessary."""
        kept: list[AudioClip] = []
        for sound in track:
            if await self._is_audio_readable(sound):
                kept.append(sound)
                continue
            self.changed = True
            plain = await self._convert_to_wav(sound)
            if plain is None:
                self.warnings.append(f"{sound.path}.src: its sound cannot be read, it is left out")
            else:
                kept.append(plain)
        return tuple(kept)

    async def _is_video_readable(self, picture: ClipSlice) -> bool:
        frames = min(picture.frames, _FEW)
        alone = _replace(picture, start_frame=0, frames=frames, transition_in=None)
        plan = _replace(self._plan, layers=((alone,),), frames=frames)
        if not await self._try_command(plan, render_command(plan, self._machine, _TRIAL)):
            return False
        try:
            return (await probe_render(self._folder / _TRIAL)).frames == frames
        except MediaRejected:
            return False

    async def _is_audio_readable(self, sound: AudioClip) -> bool:
        alone = _replace(sound, start_sample=0)
        plan = _replace(self._plan, audio_tracks=((alone,),), layers=(), samples=sound.samples)
        return await self._try_command(plan, audio_command(plan, _TRIAL))

    async def _convert_to_wav(self, sound: AudioClip) -> AudioClip | None:
        seconds = sound.source_start + sound.samples / SAMPLE_RATE * sound.speed + _MARGIN
        name, self._wav_count = f"plain-{self._wav_count}.wav", self._wav_count + 1
        info = MediaInfo(
            "audio", "wav", seconds, audio_codec="pcm_s16le", sample_rate=SAMPLE_RATE, channels=2
        )
        command = wav_command(sound.source, seconds, self._plan, name)
        reading = _replace(self._plan, audio_tracks=((sound,),), layers=())
        if not await self._try_command(reading, command):
            return None
        plain = _replace(sound, source=MediaSource(self._folder / name, info))
        return plain if await self._is_audio_readable(plain) else None

    async def _try_command(self, plan: RenderPlan, command: FFmpegCommand) -> bool:
        try:
            await run_command(self._folder, plan, command, None, self._machine)
        except FFmpegFailed as failure:
            _log.warning("a source cannot be rendered: %s", failure)
            return False
        return True
