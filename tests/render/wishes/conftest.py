"""Says things of some uploads and renders what comes of it."""

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
from tests.support.wishes import Ask, Outcome

_SAMPLE = ("sample.mp4",)


@pytest.fixture
def ask(
    tmp_path: Path, source: Callable[[str], MediaSource], check_here: Callable[[], None]
) -> Ask:
    """Say things one after another of some uploads, and render what comes of it, small."""
    check_here()

    def run(*messages: str, uploads: tuple[str, ...] = _SAMPLE, small: bool = True) -> Outcome:
        material = MediaPool(tuple(_media(name, source) for name in uploads))
        draft = Draft(tracks=(), duration_ms=0)
        for message in messages:
            wishes = parse_message(message)
            assert not isinstance(wishes, NoEdit), message
            material = _made(material, wishes, source)
            draft = apply_edits(wishes, draft, material)
        if small:
            metadata = draft.metadata or Metadata()
            draft = msgspec.structs.replace(
                draft, metadata=msgspec.structs.replace(metadata, width=320, height=180)
            )
        names = {s.source for t in draft.tracks or () for s in t.segments or () if s.source}
        plan = plan_render(draft, {name: source(name) for name in names}, OutputSpec("low"))
        path = tmp_path / "out" / "wish.mp4"
        work = render(plan, path, workdir=tmp_path / "work", on_progress=lambda _: None)
        return Outcome(path, asyncio.run(work), draft)

    return run


def _media(name: str, source: Callable[[str], MediaSource]) -> Media:
    info = source(name).info
    return Media(name, Path(name).name, info.kind, int(info.duration * 1000))


def _made(
    material: MediaPool, wishes: tuple[Edit, ...], source: Callable[[str], MediaSource]
) -> MediaPool:
    """Music that must be composed is the session's own, whatever its mood."""
    needed = {w: "music.m4a" for w in wishes if isinstance(w, AddMusic) and w.name is None}
    generated = (*material.generated, _media("music.m4a", source)) if needed else ()
    return msgspec.structs.replace(
        material,
        generated=generated or material.generated,
        asset_ids={**material.asset_ids, **needed},
    )
