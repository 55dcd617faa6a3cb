"""Long plans in parts: none reads more than memory is meant for, several are made at once."""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator
from itertools import accumulate, pairwise

import msgspec

from ..media import MAX_IMAGE_PIXELS, MAX_VIDEO_PIXELS
from .layers import TransitionRanges, shift_layer, slice_layer
from .render_plan import ClipSlice, Layer, RenderPlan

# An open video holds about so many decoded pictures: those it refers to, and those that wait. A
# transition holds so many of its own, with their colours in full. Both are measured.
_PICTURES_HELD = 10
_MIXED_HELD = 8
_MEMORY = 480_000_000
_MOST_INPUTS = 48
# What may be held of a stretch that is played backwards.
_REVERSED = 256_000_000
_FEWEST_REVERSED = 8

# Seconds of the render that are worth a start of their own: FFmpeg's, and reading from the last
# whole picture of the source on. What is shorter than twice that stays whole.
_LEAST_SECONDS = 20.0
# So many parts for each worker: who has the lighter ones takes one more.
_PARTS_EACH = 2
# A cut moves by this share of a part to where a picture begins: nothing is read twice there.
_MOVABLE = 0.2
# A cut falls where x264 begins a group of pictures anyway, if nothing speaks against it: the file
# is then about as large as one that was made whole (0.6 % apart else).
_GROUP = 250
# What may be held for each core, and the pictures that an encoder holds. All measured.
_CORE_MEMORY = 400_000_000
_LIGHT_PRESET, _LIGHT_HELD, _USUAL_HELD = "veryfast", 60, 150


def choose_worker_count(plan: RenderPlan, cores: int) -> int:
    """How many parts of a plan should be encoded at once on so many cores; 1: it stays whole.

    As many as are long enough and fit into memory together. A ceiling on the rate is kept by one
    encoder that sees all.
    """
    most = min(cores, int(plan.duration / _LEAST_SECONDS))
    if plan.encoding.max_bit_rate or most < 2:
        return 1
    encoder = _encoder_memory(plan)
    heaviest = estimate_peak_memory(plan)
    each = heaviest + encoder
    return max(min(most, int(_CORE_MEMORY * cores / each)), 1)


def estimate_peak_memory(plan: RenderPlan) -> float:
    """Bytes that the stretch takes in which most is shown at once; it cannot be cut any shorter."""
    shown = _VisibleClips(plan)
    canvas = plan.width * plan.height
    return max(
        sum(_memory(picture, canvas) for picture in shown.between(begin, end))
        for begin, end in pairwise([0, *_cut_points(plan)])
    )


def split_plan(plan: RenderPlan, workers: int = 1) -> list[RenderPlan]:
    """The plan in parts one after the other, without sound; or as it is, where it is small.

    With several workers there are parts for all of them, about equally long.
    """
    edges = [0, *_even_cuts(plan, workers), plan.frames]
    memory = _MEMORY / workers
    cuts = sorted(
        {*edges, *(at for a, b in pairwise(edges) for at in _memory_cuts(plan, a, b, memory))}
    )
    if len(cuts) == 2:
        return [plan]
    shown = _VisibleClips(plan)
    return [_part(plan, shown, begin, end) for begin, end in pairwise(cuts)]


def _even_cuts(plan: RenderPlan, workers: int) -> Iterator[int]:
    """The frames that divide the plan among the workers."""
    if workers < 2:
        return
    # As many for each worker, or one would be left with the last part.
    each = min(int(plan.duration / _LEAST_SECONDS / workers), _PARTS_EACH)
    count = workers * max(each, 1)
    length = plan.frames / count
    places, transitions = _cut_points(plan), TransitionRanges(plan.layers)
    for number in range(1, count):
        wanted = round(number * length)
        group = round(wanted / _GROUP) * _GROUP
        if abs(group - wanted) <= _MOVABLE * length:
            wanted = group
        near = min(places, key=lambda place: abs(place - wanted))
        if abs(near - wanted) > _MOVABLE * length:
            near = transitions.next_cut_from(wanted)
        yield near


def _part(plan: RenderPlan, shown: "_VisibleClips", begin: int, end: int) -> RenderPlan:
    layers = (
        shift_layer(slice_layer(layer, begin, end), begin) for layer in shown.layers(begin, end)
    )
    base, *rest = layers
    return msgspec.structs.replace(
        plan,
        start_frame=begin,
        frames=end - begin,
        layers=(base, *filter(None, rest)),
        samples=0,
        audio_tracks=(),
    )


def _memory_cuts(plan: RenderPlan, first: int, end: int, memory: float) -> Iterator[int]:
    """The frames at which a new part begins: as late as memory allows."""
    coming = deque(_VisibleClips(plan).between(first, end))
    held = _OpenClips(plan.width * plan.height)
    begin = last = first
    for place in (*(at for at in _cut_points(plan) if first < at < end), end):
        while coming and coming[0].start_frame < place:
            held.add(coming.popleft())
        if last > begin and not held.fits_in(memory):
            yield last
            begin = last
            held.drop(begin)
        last = place


def _cut_points(plan: RenderPlan) -> list[int]:
    """Where a part may end: where pictures begin or end, but never within a transition."""
    ends = {
        at
        for layer in plan.layers
        for picture in layer
        for at in (picture.start_frame, picture.end_frame)
    }
    clear = TransitionRanges(plan.layers).can_cut_at
    inner = sorted(at for at in ends if 0 < at < plan.frames and clear(at))
    return [*inner, plan.frames]


class _OpenClips:
    """The pictures that a part would read, and the memory that this takes."""

    def __init__(self, canvas: int) -> None:
        self._canvas = canvas
        self._pictures: list[ClipSlice] = []
        self._bytes = 0.0

    def add(self, picture: ClipSlice) -> None:
        self._pictures.append(picture)
        self._bytes += _memory(picture, self._canvas)

    def drop(self, begin: int) -> None:
        """Forget what ends before a frame."""
        kept = [picture for picture in self._pictures if picture.end_frame > begin]
        self._pictures, self._bytes = [], 0.0
        for picture in kept:
            self.add(picture)

    def fits_in(self, memory: float) -> bool:
        return len(self._pictures) <= _MOST_INPUTS and self._bytes <= memory


class _VisibleClips:
    """Which pictures of a plan show between two frames, found without a look at all of them."""

    def __init__(self, plan: RenderPlan) -> None:
        self._layers = plan.layers
        self._begins = [[picture.start_frame for picture in layer] for layer in plan.layers]
        self._ends = [
            [*accumulate((picture.end_frame for picture in layer), max)] for layer in plan.layers
        ]

    def layers(self, begin: int, end: int) -> Iterator[Layer]:
        """Of each layer what shows, and perhaps a little more."""
        for layer, begins, ends in zip(self._layers, self._begins, self._ends, strict=True):
            yield layer[bisect_right(ends, begin) : bisect_left(begins, end)]

    def between(self, begin: int, end: int) -> list[ClipSlice]:
        """The pictures that show, by where they begin."""
        layers = self.layers(begin, end)
        found = [picture for layer in layers for picture in layer if picture.end_frame > begin]
        return sorted(found, key=lambda picture: picture.start_frame)


def _encoder_memory(plan: RenderPlan) -> float:
    light = plan.encoding.preset == _LIGHT_PRESET
    return plan.width * plan.height * 1.5 * (_LIGHT_HELD if light else _USUAL_HELD)


def _memory(picture: ClipSlice, canvas: int) -> float:
    """Bytes that a picture takes as long as its file is open; `canvas` is pixels."""
    info = picture.clip.source.info
    # As displayed a picture may be wider than it is stored, which has a limit.
    most = MAX_IMAGE_PIXELS if picture.clip.is_still else MAX_VIDEO_PIXELS
    pixels = min(info.width * info.height, most)
    read = pixels * (4 if picture.clip.is_still else 1.5 * _PICTURES_HELD)
    mixed = canvas * 3 * _MIXED_HELD if picture.transition_in else 0
    # FFmpeg reads all that is to be turned round at once, not one after the other.
    turned = canvas * 1.5 * picture.frames if picture.clip.reverse else 0
    return read + mixed + turned


def split_reversed_clips(layer: tuple[ClipSlice, ...], pixels: int) -> tuple[ClipSlice, ...]:
    """The layer with its reversed pictures in pieces that fit into memory.

    `pixels` are those of the canvas. Turning a stretch round takes all of its pictures at once.
    """
    most = max(round(_REVERSED / (pixels * 1.5)), _FEWEST_REVERSED)
    pieces: list[ClipSlice] = []
    cuttable = TransitionRanges((layer,)).can_cut_at
    for picture in layer:
        if not picture.clip.reverse or picture.clip.is_still:
            pieces.append(picture)
            continue
        places = range(picture.start_frame + most, picture.end_frame, most)
        clean = [at for at in places if cuttable(at)]
        for begin, end in zip(
            (picture.start_frame, *clean), (*clean, picture.end_frame), strict=True
        ):
            pieces += slice_layer((picture,), begin, end)
    return tuple(pieces)
