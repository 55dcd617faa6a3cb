"""The composer: makes the music and the clips that edits ask for, and puts them into a session."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from nemolocal_render.footage import MOODS, make_music
from nemolocal_render.media import MediaInfo
from nemolocal_render.scenes import SCENES, make_scene

from . import ids
from .agent.edits import LONGEST_MUSIC_MS, USUAL_MOOD, choose_sound
from .agent.intents import AddMusic, Edit, Generate
from .agent.timeline import length_of
from .assets import Asset
from .core import Core
from .footage_cache import FootageCache
from .sessions import Session
from .workbench import Workbench


class Composer:
    """Makes generated media, each once; raises `FFmpegFailed` where FFmpeg does not work."""

    def __init__(self, core: Core, workbench: Workbench) -> None:
        self._core = core
        self._workbench = workbench
        self._cache = FootageCache(core.store.footage, core.store.work)

    async def compose(self, session: Session, edits: tuple[Edit, ...]) -> dict[Edit, str]:
        """The asset ids of what the edits need; raises `CannotEdit` where one is not possible."""
        made: dict[Edit, str] = {}
        for number, edit in enumerate(edits):
            if isinstance(edit, AddMusic):
                made[edit] = await self._sound(session, edits[:number], edit)
            elif isinstance(edit, Generate):
                made[edit] = await self._clip(session, edit)
        return made

    async def _sound(self, session: Session, before: tuple[Edit, ...], wanted: AddMusic) -> str:
        """The upload that is meant, or music as long as the video will be by then."""
        newest = self._core.sessions.newest(session.id)
        draft = self._workbench.foresee(session, newest, before)
        upload = choose_sound(draft, wanted, self._workbench.material(session))
        if upload is not None:
            return upload.id
        after = self._workbench.foresee(session, newest, (*before, wanted))
        mood = wanted.mood or USUAL_MOOD
        seconds = min(length_of(after), LONGEST_MUSIC_MS) / 1000
        return await self._keep(
            session,
            f"{mood}.m4a",
            (MOODS[mood], seconds),
            lambda path: make_music(mood, seconds, path),
        )

    async def _clip(self, session: Session, wanted: Generate) -> str:
        # The same words make the same clip: the seed is drawn from them alone.
        seed = int(self._core.draw.fraction("clip", wanted.scene, wanted.prompt) * 2**31)
        return await self._keep(
            session,
            f"{wanted.scene}.mp4",
            (SCENES[wanted.scene], wanted.seconds, seed),
            lambda path: make_scene(wanted.scene, wanted.seconds, seed, path),
        )

    async def _keep(
        self,
        session: Session,
        filename: str,
        recipe: tuple[object, ...],
        make: Callable[[Path], Awaitable[MediaInfo]],
    ) -> str:
        """A file of the session's own, made unless it has been made before."""
        asset_id = ids.new_file_id()
        path = self._core.store.work / f"{asset_id}{Path(filename).suffix}"
        info = await self._cache.fetch(recipe, path, make)
        asset = Asset(asset_id, session.id, "generated", filename, "", info)
        self._core.assets.add([(asset, path)])
        return asset_id
