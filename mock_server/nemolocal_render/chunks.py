"""Long plans in parts: each reads no more files at once than memory is meant for."""

from collections.abc import Iterator
from itertools import pairwise

import msgspec

from .layers import cuttable, moved, part_of
from .timeline import Picture, RenderPlan

# An open video holds about so many decoded pictures: those it refers to, and those that wait. A
# transition holds so many of its own, with their colours in full. Both are measured.
_PICTURES_HELD = 10
_MIXED_HELD = 8
_MEMORY = 480_000_000
_MOST_INPUTS = 48
# What may be held of a stretch that is played backwards.
_REVERSED = 256_000_000
_FEWEST_REVERSED = 8


def parts_of(plan: RenderPlan) -> list[RenderPlan]:
    """The plan in parts one after the other, without sound; or as it is, where it is small."""
    cuts = [0, *_cuts(plan), plan.frames]
    if len(cuts) == 2:
        return [plan]
    return [_part(plan, begin, end) for begin, end in pairwise(cuts)]


def _part(plan: RenderPlan, begin: int, end: int) -> RenderPlan:
    layers = (moved(part_of(layer, begin, end), begin) for layer in plan.layers)
    base, *rest = layers
    return msgspec.structs.replace(
        plan,
        begin=begin,
        frames=end - begin,
        layers=(base, *filter(None, rest)),
        samples=0,
        lanes=(),
    )


def _cuts(plan: RenderPlan) -> Iterator[int]:
    """The frames at which a new part begins: as late as memory allows."""
    begin = last = 0
    for place in _places(plan):
        if last > begin and not _affordable(plan, begin, place):
            yield last
            begin = last
        last = place


def _places(plan: RenderPlan) -> list[int]:
    """Where a part may end: where pictures begin or end, but never within a transition."""
    ends = {at for layer in plan.layers for picture in layer for at in (picture.at, picture.end)}
    inner = sorted(at for at in ends if 0 < at < plan.frames and cuttable(plan.layers, at))
    return [*inner, plan.frames]


def _affordable(plan: RenderPlan, begin: int, end: int) -> bool:
    shown = [p for layer in plan.layers for p in layer if p.at < end and p.end > begin]
    canvas = plan.width * plan.height
    needed = sum(_memory(picture, canvas) for picture in shown)
    return len(shown) <= _MOST_INPUTS and needed <= _MEMORY


def _memory(picture: Picture, canvas: int) -> float:
    """Bytes that a picture takes as long as its file is open; `canvas` is pixels."""
    info = picture.shot.source.info
    read = info.width * info.height * (4 if picture.shot.still else 1.5 * _PICTURES_HELD)
    mixed = canvas * 3 * _MIXED_HELD if picture.mix else 0
    # FFmpeg reads all that is to be turned round at once, not one after the other.
    turned = canvas * 1.5 * picture.frames if picture.shot.reverse else 0
    return read + mixed + turned


def reversible(layer: tuple[Picture, ...], pixels: int) -> tuple[Picture, ...]:
    """The layer with its reversed pictures in pieces that fit into memory.

    `pixels` are those of the canvas. Turning a stretch round takes all of its pictures at once.
    """
    most = max(round(_REVERSED / (pixels * 1.5)), _FEWEST_REVERSED)
    pieces: list[Picture] = []
    for picture in layer:
        if not picture.shot.reverse or picture.shot.still:
            pieces.append(picture)
            continue
        places = range(picture.at + most, picture.end, most)
        clean = [at for at in places if cuttable((layer,), at)]
        for begin, end in zip((picture.at, *clean), (*clean, picture.end), strict=True):
            pieces += part_of((picture,), begin, end)
    return tuple(pieces)
