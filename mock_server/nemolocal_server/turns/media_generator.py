"""Generates the music and the clips that edits ask for, each recipe once."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from pathlib import Path
from weakref import WeakValueDictionary

import msgspec

from nemolocal_agent import (
    DEFAULT_MOOD,
    MAX_MUSIC_MS,
    AddMusic,
    AddSound,
    Edit,
    Generate,
    choose_music_upload,
    length_of,
    sound_length_ms,
)
from nemolocal_contract.audio_effects import sound_rows
from nemolocal_contract.responses import encode_json
from nemolocal_render.media import MediaInfo
from nemolocal_render.synthetic.sample_media import MOODS, make_music
from nemolocal_render.synthetic.scene_clips import SCENES, make_scene
from nemolocal_render.synthetic.sound_effects import make_sound

from .. import ids
from ..context import ServerContext
from ..data import data_folder
from ..data.sessions import Asset, SessionRecord
from .draft_service import DraftService, StagePreview

MAX_CACHED_FILES = 64
_INFO_SUFFIX = ".json"
_Make = Callable[[Path], Awaitable[MediaInfo]]


class MediaGenerator:
    """Adds generated media to sessions; raises `FFmpegFailed` if FFmpeg does not work."""

    def __init__(self, context: ServerContext, drafts: DraftService) -> None:
        self._context = context
        self._drafts = drafts
        self._cache = GeneratedMediaCache(context.store.generated_media, context.store.work)

    async def generate(
        self,
        session: SessionRecord,
        edits: tuple[Edit, ...],
        turn: int,
        preview: StagePreview | None,
    ) -> dict[Edit, str]:
        """Return the asset ids of what the edits need; raises `EditRejected`."""
        asset_ids: dict[Edit, str] = {}
        songs = 0
        for edit in edits:
            if isinstance(edit, AddMusic):
                # The draft may have changed while the previous file was generated.
                preview = self._drafts.renew_preview(session, edits, turn, preview)
                asset_ids[edit] = await self._add_music(session, edit, preview, songs)
                songs += 1
            elif isinstance(edit, Generate):
                asset_ids[edit] = await self._add_clip(session, edit)
            elif isinstance(edit, AddSound) and edit.name is not None:
                asset_ids[edit] = await self._add_sound(session, edit, edit.name)
        return asset_ids

    async def _add_music(
        self, session: SessionRecord, edit: AddMusic, preview: StagePreview, song: int
    ) -> str:
        """Choose an upload, or generate music as long as the video will be then."""
        calls = [call for call in preview.calls if isinstance(call.edits[0], AddMusic)]
        upload = choose_music_upload(calls[song].before, edit, preview.pool)
        if upload is not None:
            return upload.id
        mood = edit.mood or DEFAULT_MOOD
        seconds = min(length_of(calls[song].after), MAX_MUSIC_MS) / 1000
        return await self._add_asset(
            session,
            f"{mood}.m4a",
            (MOODS[mood], seconds),
            lambda path: make_music(mood, seconds, path),
        )

    async def _add_sound(self, session: SessionRecord, edit: AddSound, name: str) -> str:
        seconds = sound_length_ms(edit) / 1000
        return await self._add_asset(
            session,
            f"{name}.m4a",
            ("sound", sound_rows()[name], seconds),
            lambda path: make_sound(name, seconds, path),
        )

    async def _add_clip(self, session: SessionRecord, edit: Generate) -> str:
        # Keyed by the prompt alone, so that equal prompts give equal clips.
        seed = int(self._context.rng.random("clip", edit.scene, edit.prompt) * 2**31)
        return await self._add_asset(
            session,
            f"{edit.scene}.mp4",
            (SCENES[edit.scene], edit.seconds, seed),
            lambda path: make_scene(edit.scene, edit.seconds, seed, path),
        )

    async def _add_asset(
        self, session: SessionRecord, filename: str, recipe: tuple[object, ...], make: _Make
    ) -> str:
        asset_id = ids.new_file_id()
        path = self._context.store.work / f"{asset_id}{Path(filename).suffix}"
        info = await self._cache.fetch(recipe, path, make)
        asset = Asset(asset_id, session.id, "generated", filename, "", info)
        self._context.assets.add([(asset, path)])
        return asset_id


class GeneratedMediaCache:
    """The newest generated files, each with its probed `MediaInfo` beside it.

    The same recipe gives the same bytes and no file belongs to a token, so the cache outlives
    sessions and resets. Files are hard links, or copies if the file system has no links.
    """

    def __init__(self, folder: Path, work: Path) -> None:
        self._folder = folder
        self._work = work
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def fetch(self, recipe: tuple[object, ...], destination: Path, make: _Make) -> MediaInfo:
        """Put the media of a recipe at `destination`, and call `make` if they are not cached.

        The repr of a recipe contains everything that the media depend on. Concurrent calls for
        one recipe wait for the first.
        """
        key = blake2b(repr(recipe).encode(), digest_size=16).hexdigest()
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            cached = self._folder / f"{key}{destination.suffix}"
            info = self._find(cached, destination)
            if info is None:
                info = await make(destination)
                # What cannot be cached is generated again.
                with contextlib.suppress(OSError):
                    self._add(destination, cached, info)
        return info

    def _find(self, cached: Path, destination: Path) -> MediaInfo | None:
        try:
            info_file = cached.with_suffix(_INFO_SUFFIX)
            info = msgspec.json.decode(info_file.read_bytes(), type=MediaInfo)
            _link(cached, destination)
        except (OSError, msgspec.DecodeError):
            return None
        return info

    def _add(self, path: Path, cached: Path, info: MediaInfo) -> None:
        """Write the info last: an entry without it does not count."""
        info_file = self._work / f"{cached.stem}{_INFO_SUFFIX}"
        cached.unlink(missing_ok=True)
        _link(path, cached)
        info_file.write_bytes(encode_json(info))
        info_file.replace(cached.with_suffix(_INFO_SUFFIX))
        self._delete_oldest()

    def _delete_oldest(self) -> None:
        files = list(data_folder.find_files(self._folder))
        infos = [path for path in files if path.suffix == _INFO_SUFFIX]
        infos.sort(key=lambda path: path.stat().st_mtime_ns)
        expired = {path.stem for path in infos[:-MAX_CACHED_FILES]}
        for path in files:
            if path.stem in expired:
                path.unlink()


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # the file system has no hard links, or the source is missing
        shutil.copyfile(source, target)
