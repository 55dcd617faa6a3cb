"""Applies chat messages to some uploads and renders the result."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from nemolocal_agent import requested_analyses, sound_length_ms
from nemolocal_agent.edits import Media, MediaPool, apply_edits
from nemolocal_agent.intents import AddMusic, AddSound, Edit
from nemolocal_agent.nlu import parse_message
from nemolocal_agent.understanding import NoEdit
from nemolocal_contract.draft import Draft, Metadata
from nemolocal_render.job import render
from nemolocal_render.planning.planner import MediaSource, OutputSpec, plan_render
from nemolocal_render.synthetic.sound_effects import make_sound
from nemolocal_server.turns.content_analyzer import run_analysis
from tests.support.chat_edits import Ask, Outcome

_SAMPLE = ("sample.mp4",)


@pytest.fixture
def ask(
    tmp_path: Path, source: Callable[[str], MediaSource], check_here: Callable[[], None]
) -> Ask:
    """Apply messages to some uploads, one after another, and render the result small."""
    check_here()

    def run(*messages: str, uploads: tuple[str, ...] = _SAMPLE, small: bool = True) -> Outcome:
        media_pool = MediaPool(tuple(_media(name, source) for name in uploads))
        draft = Draft(tracks=(), duration_ms=0)
        for message in messages:
            edits = parse_message(message)
            assert not isinstance(edits, NoEdit), message
            media_pool = _with_music(media_pool, edits, source)
            media_pool = _with_sounds(media_pool, edits, source, tmp_path)
            media_pool = _with_analyses(media_pool, edits, source)
            draft = apply_edits(edits, draft, media_pool)
        if small:
            metadata = draft.metadata or Metadata()
            draft = msgspec.structs.replace(
                draft, metadata=msgspec.structs.replace(metadata, width=320, height=180)
            )
        names = {s.source for t in draft.tracks or () for s in t.segments or () if s.source}
        plan = plan_render(draft, {name: source(name) for name in names}, OutputSpec("low"))
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
) -> MediaPool:
    """The media pool with what these edits need to know of the uploads."""
    found = {
        (media.id, request): asyncio.run(run_analysis(source(media.id), request))
        for request in requested_analyses(edits)
        for media in media_pool.uploads
    }
    return msgspec.structs.replace(media_pool, analyses={**media_pool.analyses, **found})


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
