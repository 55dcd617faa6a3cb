"""Makes the music and the clips that edits ask for, and puts them into a session."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from nemolocal_agent import (
    DEFAULT_MOOD,
    MAX_MUSIC_MS,
    AddMusic,
    Edit,
    Generate,
    PlannedToolCall,
    choose_music_upload,
    length_of,
)
from nemolocal_render.media import MediaInfo
from nemolocal_render.synthetic.sample_media import MOODS, make_music
from nemolocal_render.synthetic.scene_clips import SCENES, make_scene

from .. import ids
from ..context import ServerContext
from ..data.sessions import Asset, SessionRecord
from .draft_service import DraftService, StagePreview
from .generated_media_cache import GeneratedMediaCache


class MediaGenerator:
    """Makes generated media, each once; raises `FFmpegFailed` where FFmpeg does not work."""

    def __init__(self, core: ServerContext, drafts: DraftService) -> None:
        self._context = core
        self._drafts = drafts
        self._cache = GeneratedMediaCache(core.store.generated_media, core.store.work)

    async def generate(
        self,
        session: SessionRecord,
        edits: tuple[Edit, ...],
        turn: int,
        preview: StagePreview | None,
    ) -> dict[Edit, str]:
        """The asset ids of what the edits need; raises `EditRejected` where one is not possible."""
        made: dict[Edit, str] = {}
        songs = 0
        for edit in edits:
            if isinstance(edit, AddMusic):
                # The draft may have changed while the one before it was made.
                preview = self._drafts.renew_preview(session, edits, turn, preview)
                made[edit] = await self._add_music(session, edit, preview, songs)
                songs += 1
            elif isinstance(edit, Generate):
                made[edit] = await self._add_clip(session, edit)
        return made

    async def _add_music(
        self, session: SessionRecord, wanted: AddMusic, preview: StagePreview, song: int
    ) -> str:
        """The upload that is meant, or music as long as the video will be by then."""
        call = _music_calls(preview)[song]
        upload = choose_music_upload(call.before, wanted, preview.pool)
        if upload is not None:
            return upload.id
        mood = wanted.mood or DEFAULT_MOOD
        seconds = min(length_of(call.after), MAX_MUSIC_MS) / 1000
        return await self._add_asset(
            session,
            f"{mood}.m4a",
            (MOODS[mood], seconds),
            lambda path: make_music(mood, seconds, path),
        )

    async def _add_clip(self, session: SessionRecord, wanted: Generate) -> str:
        # The same words make the same clip: the seed is drawn from them alone.
        seed = int(self._context.rng.random("clip", wanted.scene, wanted.prompt) * 2**31)
        return await self._add_asset(
            session,
            f"{wanted.scene}.mp4",
            (SCENES[wanted.scene], wanted.seconds, seed),
            lambda path: make_scene(wanted.scene, wanted.seconds, seed, path),
        )

    async def _add_asset(
        self,
        session: SessionRecord,
        filename: str,
        recipe: tuple[object, ...],
        make: Callable[[Path], Awaitable[MediaInfo]],
    ) -> str:
        """A file of the session's own, made unless it has been made before."""
        asset_id = ids.new_file_id()
        path = self._context.store.work / f"{asset_id}{Path(filename).suffix}"
        info = await self._cache.fetch(recipe, path, make)
        asset = Asset(asset_id, session.id, "generated", filename, "", info)
        self._context.assets.add([(asset, path)])
        return asset_id


def _music_calls(preview: StagePreview) -> list[PlannedToolCall]:
    """The calls that add music, one for each song."""
    return [call for call in preview.calls if isinstance(call.edits[0], AddMusic)]
