"""Applies chat messages to some uploads and renders the result."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest

from nemolocal_agent import SubtitlesRequest, requested_analyses, sound_length_ms
from nemolocal_agent.edits import Media, MediaPool, apply_edits
from nemolocal_agent.intents import AddMusic, AddSound, Edit
from nemolocal_agent.nlu import parse_message
from nemolocal_agent.understanding import NoEdit
from nemolocal_contract.draft import Draft, Metadata
from nemolocal_render.job import render
from nemolocal_render.planning.planner import MediaSource, OutputSpec, plan_render
from nemolocal_render.synthetic.sound_effects import make_sound
from nemolocal_server.turns.content_analyzer import run_analysis
from nemolocal_server.uploads.extra_files import inspect_extra_file
from tests.support.chat_edits import Ask, Outcome

_SAMPLE = ("sample.mp4",)


@pytest.fixture
def ask(
    tmp_path: Path, source: Callable[[str], MediaSource], check_here: Callable[[], None]
) -> Ask:
    """Apply messages to some uploads, one after another, and render the result small."""
    check_here()

    def run(
        *messages: str,
        uploads: tuple[str, ...] = _SAMPLE,
        extras: tuple[Path, ...] = (),
        small: bool = True,
    ) -> Outcome:
        files = {str(path): _extra_source(path) for path in extras}
        media_pool = MediaPool(
            tuple(_media(name, source) for name in uploads),
            extras=tuple(_media(name, files.__getitem__) for name in files),
        )
        draft = Draft(tracks=(), duration_ms=0)
        for message in messages:
            edits = parse_message(message)
            assert not isinstance(edits, NoEdit), message
            media_pool = _with_music(media_pool, edits, source)
            media_pool = _with_sounds(media_pool, edits, source, tmp_path)
            media_pool = _with_analyses(media_pool, edits, source, files)
            draft = apply_edits(edits, draft, media_pool)
        if small:
            metadata = draft.metadata or Metadata()
            draft = msgspec.structs.replace(
                draft, metadata=msgspec.structs.replace(metadata, width=320, height=180)
            )
        names = {s.source for t in draft.tracks or () for s in t.segments or () if s.source}
        sources = {name: source(name) for name in names}
        plan = plan_render(draft, {**sources, **files}, OutputSpec("low"))
        path = tmp_path / "out" / "edited.mp4"
        work = render(plan, path, workdir=tmp_path / "work", on_progress=lambda _: None)
        return Outcome(path, asyncio.run(work), draft)

    return run


def _with_sounds(
    media_pool: MediaPool,
    edits: tuple[Edit, ...],
    source: Callable[[str], MediaSource],
    folder: Path,
) -> MediaPool:
    """The media pool with the sound effects of these edits."""
    generated, asset_ids = list(media_pool.generated), dict(media_pool.asset_ids)
    for edit in edits:
        if isinstance(edit, AddSound) and edit.name is not None:
            path = folder / f"{edit.name}.m4a"
            asyncio.run(make_sound(edit.name, sound_length_ms(edit) / 1000, path))
            generated.append(_media(str(path), source))
            asset_ids[edit] = str(path)
    return msgspec.structs.replace(media_pool, generated=tuple(generated), asset_ids=asset_ids)


def _with_analyses(
    media_pool: MediaPool,
    edits: tuple[Edit, ...],
    source: Callable[[str], MediaSource],
    files: Mapping[str, MediaSource],
) -> MediaPool:
    """The media pool with what these edits need to know of the uploads."""
    subtitles = [media for media in media_pool.extras if media.kind == "subtitles"]
    found = {
        (media.id, request): asyncio.run(
            run_analysis(files.get(media.id) or source(media.id), request)
        )
        for request in requested_analyses(edits)
        for media in (subtitles if request == SubtitlesRequest() else media_pool.uploads)
    }
    return msgspec.structs.replace(media_pool, analyses={**media_pool.analyses, **found})


def _extra_source(path: Path) -> MediaSource:
    """A LUT or a subtitle file as a source."""
    return MediaSource(path, asyncio.run(inspect_extra_file(path, path.suffix[1:])))


def _media(name: str, source: Callable[[str], MediaSource]) -> Media:
    info = source(name).info
    return Media(name, Path(name).name, info.kind, int(info.duration * 1000))


def _with_music(
    media_pool: MediaPool, edits: tuple[Edit, ...], source: Callable[[str], MediaSource]
) -> MediaPool:
    """The media pool with a file for music that would be composed."""
    needed = {w: "music.m4a" for w in edits if isinstance(w, AddMusic) and w.name is None}
    generated = (*media_pool.generated, _media("music.m4a", source)) if needed else ()
    return msgspec.structs.replace(
        media_pool,
        generated=generated or media_pool.generated,
        asset_ids={**media_pool.asset_ids, **needed},
    )
