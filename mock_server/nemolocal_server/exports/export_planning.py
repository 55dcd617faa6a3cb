"""Plans of drafts that clients send: bounded before they are looked into, off the loop if large."""

import asyncio
from collections.abc import Mapping
from typing import Any

from nemolocal_contract.draft import Draft
from nemolocal_render.planning.draft_limits import read_draft
from nemolocal_render.planning.planner import MediaSource, OutputSpec, RenderPlan, plan_render

# What takes longer than some milliseconds has more segments and effects than this.
_SMALL = 50


async def plan_export(
    wire: Mapping[str, Any], sources: Mapping[str, MediaSource], output: OutputSpec
) -> RenderPlan:
    """The plan of a draft as it is on the wire; raises DraftRejected (REN-9).

    A large one is planned in a thread, so that nobody else has to wait.
    """
    draft = read_draft(wire)
    if _size(draft) <= _SMALL:
        return plan_render(draft, sources, output)
    return await asyncio.to_thread(plan_render, draft, sources, output)


def _size(draft: Draft) -> int:
    segments = [segment for track in draft.tracks or () for segment in track.segments or ()]
    return len(segments) + sum(len(segment.effects or ()) for segment in segments)
