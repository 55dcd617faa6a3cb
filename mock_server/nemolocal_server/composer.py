"""The composer: makes the music and the clips that edits ask for, and puts them into a session."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from nemolocal_render.footage import make_music
from nemolocal_render.media import MediaInfo
from nemolocal_render.scenes import make_scene

from . import ids
from .agent.edits import LONGEST_MUSIC_MS
from .agent.intents import AddMusic, Edit, Generate
from .assets import Asset
from .core import Core
from .sessions import Session

_Length = Callable[[tuple[Edit, ...]], float]


def needs_media(edit: Edit) -> bool:
    """Whether something must be made before the edit can be applied."""
    return isinstance(edit, AddMusic | Generate)


class Composer:
    """Makes generated media; raises `FFmpegFailed` where FFmpeg does not work."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def compose(
        self, session: Session, edits: tuple[Edit, ...], length_ms: _Length
    ) -> dict[Edit, str]:
        """The asset ids of what the edits need; `length_ms` foresees the timeline after some."""
        made: dict[Edit, str] = {}
        for number, edit in enumerate(edits, 1):
            if isinstance(edit, AddMusic):
                seconds = min(length_ms(edits[:number]), LONGEST_MUSIC_MS) / 1000
                made[edit] = await self._music(session, edit.mood or "calm", seconds)
            elif isinstance(edit, Generate):
                made[edit] = await self._clip(session, edit)
        return made

    async def _music(self, session: Session, mood: str, seconds: float) -> str:
        return await self._keep(
            session, f"{mood}.m4a", "m4a", lambda path: make_music(mood, seconds, path)
        )

    async def _clip(self, session: Session, wanted: Generate) -> str:
        # The same words make the same clip: the seed is drawn from them alone.
        seed = int(self._core.draw.fraction("clip", wanted.scene, wanted.prompt) * 2**31)
        return await self._keep(
            session,
            f"{wanted.scene}.mp4",
            "mp4",
            lambda path: make_scene(wanted.scene, wanted.seconds, seed, path),
        )

    async def _keep(
        self,
        session: Session,
        filename: str,
        extension: str,
        make: Callable[[Path], Awaitable[MediaInfo]],
    ) -> str:
        asset_id = ids.new_file_id()
        path = self._core.store.work / f"{asset_id}.{extension}"
        info = await make(path)
        asset = Asset(asset_id, session.id, "generated", filename, "", info)
        self._core.assets.add([(asset, path)])
        return asset_id
