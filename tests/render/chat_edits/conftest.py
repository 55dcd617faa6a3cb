"""Applies chat messages to some uploads and renders the result."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from nemolocal_agent.edits import Media, MediaPool, apply_edits
from nemolocal_agent.intents import AddMusic, Edit, NoEdit
from nemolocal_agent.nlu import parse_message
from nemolocal_contract.draft import Draft, Metadata
from nemolocal_render.job import render
from nemolocal_render.planning.planner import MediaSource, OutputSpec, plan_render
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
