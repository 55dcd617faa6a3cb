"""What is done about sources that break a render: the others must not be lost with them.

Each picture and each sound is tried alone. A sound that changes its form on the way is brought into
one form first; what cannot be read at all is left out, and said.
"""

import logging
from collections.abc import Sequence
from pathlib import Path

import msgspec

from .ffmpeg import FFmpegFailed
from .graphs.commands import Command, Machine, plain_sound_command, render_command, sound_command
from .media import MediaInfo, MediaRejected
from .probe import check
from .runs import run_command
from .timeline import SAMPLE_RATE, Layer, Picture, RenderPlan, Sound, Source

_log = logging.getLogger(__name__)
_replace = msgspec.structs.replace

_TRIAL = "trial.mp4"
_FEW = 2
# Seconds that are made plain beyond what is heard.
_MARGIN = 1.0


async def without_broken(folder: Path, plan: RenderPlan, machine: Machine) -> RenderPlan | None:
    """The plan without what cannot be read, which its warnings name; None: all of it can be."""
    salvage = _Salvage(folder, plan, machine)
    layers = [await salvage.shown(layer) for layer in plan.layers]
    lanes = [await salvage.heard(lane) for lane in plan.lanes]
    if not salvage.changed:
        return None
    lowest, *above = layers or [()]
    kept = tuple(filter(None, lanes))
    return _replace(
        plan,
        layers=(lowest, *filter(None, above)),
        lanes=kept,
        samples=plan.samples if kept else 0,
        copied=None,
        warnings=(*plan.warnings, *dict.fromkeys(salvage.notes)),
    )


class _Salvage:
    def __init__(self, folder: Path, plan: RenderPlan, machine: Machine) -> None:
        self._folder = folder
        self._plan = _replace(plan, titles=(), lanes=(), samples=0, begin=0)
        self._machine = machine
        self._plain = 0
        self.changed = False
        self.notes: list[str] = []

    async def shown(self, layer: Layer) -> Layer:
        """The pictures of a layer that can be shown; a transition from what is gone is a cut."""
        kept: list[Picture] = []
        gone = False
        for picture in layer:
            if await self._shows(picture):
                kept.append(_replace(picture, mix=None) if gone else picture)
                gone = False
            else:
                gone = self.changed = True
                self.notes.append(f"{picture.shot.path}.src: cannot be read, it is left out")
        return tuple(kept)

    async def heard(self, lane: Sequence[Sound]) -> tuple[Sound, ...]:
        """The sounds of a lane that can be heard, in one form each."""
        kept: list[Sound] = []
        for sound in lane:
            if await self._sounds(sound):
                kept.append(sound)
                continue
            self.changed = True
            plain = await self._made_plain(sound)
            if plain is None:
                self.notes.append(f"{sound.path}.src: its sound cannot be read, it is left out")
            else:
                kept.append(plain)
        return tuple(kept)

    async def _shows(self, picture: Picture) -> bool:
        frames = min(picture.frames, _FEW)
        alone = _replace(picture, at=0, frames=frames, mix=None)
        plan = _replace(self._plan, layers=((alone,),), frames=frames)
        if not await self._works(plan, render_command(plan, self._machine, _TRIAL)):
            return False
        try:
            return (await check(self._folder / _TRIAL)).frames == frames
        except MediaRejected:
            return False

    async def _sounds(self, sound: Sound) -> bool:
        alone = _replace(sound, at=0)
        plan = _replace(self._plan, lanes=((alone,),), layers=(), samples=sound.samples)
        return await self._works(plan, sound_command(plan, _TRIAL))

    async def _made_plain(self, sound: Sound) -> Sound | None:
        seconds = sound.start + sound.samples / SAMPLE_RATE * sound.speed + _MARGIN
        name, self._plain = f"plain-{self._plain}.wav", self._plain + 1
        info = MediaInfo(
            "audio", "wav", seconds, audio_codec="pcm_s16le", sample_rate=SAMPLE_RATE, channels=2
        )
        command = plain_sound_command(sound.source, seconds, self._plan, name)
        reading = _replace(self._plan, lanes=((sound,),), layers=())
        if not await self._works(reading, command):
            return None
        plain = _replace(sound, source=Source(self._folder / name, info))
        return plain if await self._sounds(plain) else None

    async def _works(self, plan: RenderPlan, command: Command) -> bool:
        try:
            await run_command(self._folder, plan, command, None, self._machine)
        except FFmpegFailed as failure:
            _log.warning("a source cannot be rendered: %s", failure)
            return False
        return True
