"""Cut layers into pieces, and long plans into parts that fit into memory and run in parallel."""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise

import msgspec

from ..media import MAX_IMAGE_PIXELS, MAX_VIDEO_PIXELS
from .render_plan import ClipSlice, Layer, RenderPlan

_replace = msgspec.structs.replace

# Decoded pictures that an open video holds (reference frames and queued ones), and those that a
# transition holds, with full chroma. Both are measured.
_PICTURES_HELD = 10
_MIXED_HELD = 8
_MEMORY = 480_000_000
_MOST_INPUTS = 48
# Bytes that reversing a piece of a clip may take.
_REVERSED = 256_000_000
_FEWEST_REVERSED = 8

# The shortest part, in seconds, that is worth another start of FFmpeg and another seek in the
# source. A plan of less than twice this length stays whole.
_LEAST_SECONDS = 20.0
# Parts for each worker: a worker whose parts are fast takes one more.
_PARTS_EACH = 2
# A cut moves by up to this share of a part to where a clip begins, so that nothing is read twice.
_MOVABLE = 0.2
# Frames of x264's group of pictures. Cuts are at multiples of it if possible: the file is then
# about as large as if it had been encoded in one piece (else 0.6 % larger).
_GROUP = 250
# Bytes for each core, and the pictures that an encoder holds. All measured.
_CORE_MEMORY = 400_000_000
_LIGHT_PRESET, _LIGHT_HELD, _USUAL_HELD = "veryfast", 60, 150


def prepare_layers(layers: Sequence[Layer], frames: int, pixels: int) -> tuple[Layer, ...]:
    """Return layers that end with the render, without hidden clips, with reversed clips in pieces.

    `pixels` is the size of the canvas.
    """
    shown = _remove_hidden_clips([slice_layer(layer, 0, frames) for layer in layers] or [()])
    return tuple(_split_reversed_clips(layer, pixels) for layer in shown)


def slice_layer(layer: Layer, begin: int, end: int) -> Layer:
    """Return a layer from frame `begin` to `end`, neither of which is within a transition."""
    parts: list[ClipSlice] = []
    for picture in layer:
        first, last = max(picture.start_frame, begin), min(picture.end_frame, end)
        if last <= first:
            continue
        skipped = first - picture.start_frame
        parts.append(
            _replace(
                picture,
                start_frame=first,
                frames=last - first,
                first_clip_frame=picture.first_clip_frame + skipped,
                transition_in=None if skipped else picture.transition_in,
            )
        )
    return tuple(parts)


class TransitionRanges:
    """The frame ranges that cannot be cut: transitions and stabilized clips.

    The camera path of a stabilized clip would jump at a cut.
    """

    def __init__(self, layers: Iterable[Layer]) -> None:
        pictures = [picture for layer in layers for picture in layer]
        transitions = sorted(
            [
                (picture.start_frame, picture.start_frame + picture.transition_in.frames)
                for picture in pictures
                if picture.transition_in
            ]
            + [
                (picture.start_frame, picture.end_frame)
                for picture in pictures
                if picture.clip.has_motion_analysis
            ]
        )
        self._begins: list[int] = []
        self._ends: list[int] = []
        for begin, end in transitions:
            if self._ends and begin < self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._begins.append(begin)
                self._ends.append(end)

    def can_cut_at(self, frame: int) -> bool:
        """Whether no transition is in progress at a frame."""
        return self.next_cut_from(frame) == frame

    def next_cut_from(self, frame: int) -> int:
        """Return the first frame from `frame` on at which no transition is in progress."""
        at = bisect_left(self._begins, frame) - 1
        return max(frame, self._ends[at]) if at >= 0 else frame


def _remove_hidden_clips(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Replace what an opaque picture of an upper layer covers, so that it is not decoded."""
    below = [layers[0]]
    for layer in layers[1:]:
        left: list[ClipSlice] = []
        for run in group_transition_runs(layer):
            begin, end = _covered_range(run)
            can_cut = all(map(TransitionRanges((*below, run)).can_cut_at, (begin, end)))
            if begin < end and can_cut:
                below = [_without(lower, begin, end) for lower in below]
                shown = (*below[0], *slice_layer(run, begin, end))
                below[0] = tuple(sorted(shown, key=lambda picture: picture.start_frame))
                run = _without(run, begin, end)
            left += run
        below.append(tuple(left))
    return (below[0], *filter(None, below[1:]))


def _without(layer: Layer, begin: int, end: int) -> Layer:
    return (*slice_layer(layer, 0, begin), *slice_layer(layer, end, max(end, _end(layer))))


def _end(layer: Layer) -> int:
    return max((picture.end_frame for picture in layer), default=0)


def group_transition_runs(layer: Layer) -> list[Layer]:
    """Group the pictures that are joined by transitions."""
    starts = [n for n, picture in enumerate(layer) if picture.transition_in is None or not n]
    return [layer[a:b] for a, b in pairwise([*starts, len(layer)])]


def _covered_range(run: Layer) -> tuple[int, int]:
    """Return the range in which a run hides everything below it; empty if there is none."""
    first, last = run[0], run[-1]
    inner_fades = any(p.clip.fade_out for p in run[:-1]) or any(p.clip.fade_in for p in run[1:])
    if inner_fades or not all(picture.clip.is_opaque for picture in run):
        return first.start_frame, first.start_frame
    return first.start_frame + first.clip.fade_in, last.end_frame - last.clip.fade_out


def choose_worker_count(plan: RenderPlan, cores: int) -> int:
    """Return how many parts of a plan are encoded in parallel; 1: the plan stays whole.

    The parts must be long enough and fit into memory together.
    """
    most = min(cores, int(plan.duration / _LEAST_SECONDS))
    if most < 2:
        return 1
    encoder = _encoder_memory(plan)
    heaviest = estimate_peak_memory(plan)
    each = heaviest + encoder
    return max(min(most, int(_CORE_MEMORY * cores / each)), 1)


def estimate_peak_memory(plan: RenderPlan) -> float:
    """Return the bytes of decoded pictures where most are shown at once, between two cut points."""
    shown = _VisibleClips(plan)
    canvas = plan.width * plan.height
    return max(
        sum(_memory(picture, canvas) for picture in shown.between(begin, end))
        for begin, end in pairwise([0, *_cut_points(plan)])
    )


def split_plan(plan: RenderPlan, workers: int = 1) -> list[RenderPlan]:
    """Return a plan in consecutive parts without sound, or the plan itself if it is small.

    With several workers there are parts of about equal length for all of them.
    """
    return _split_at(plan, _even_cuts(plan, workers), _MEMORY / workers)


def split_by_seconds(plan: RenderPlan, seconds: float) -> list[RenderPlan]:
    """Return a plan in parts of about so many seconds, for workers that have one at a time.

    The parts are whole groups of pictures if possible.
    """
    length = max(round(seconds * plan.fps / _GROUP), 1) * _GROUP
    wanted = [number * length for number in range(1, round(plan.frames / length))]
    return _split_at(plan, _move_cuts(plan, wanted, length), _MEMORY)


def _split_at(plan: RenderPlan, inner: Iterable[int], memory: float) -> list[RenderPlan]:
    """Cut a plan, also where more would not fit into this memory."""
    edges = [0, *inner, plan.frames]
    cuts = sorted(
        {*edges, *(at for a, b in pairwise(edges) for at in _memory_cuts(plan, a, b, memory))}
    )
    if len(cuts) == 2:
        return [plan]
    shown = _VisibleClips(plan)
    return [_part(plan, shown, begin, end) for begin, end in pairwise(cuts)]


def _even_cuts(plan: RenderPlan, workers: int) -> Iterator[int]:
    """Yield the frames that divide a plan among the workers."""
    if workers < 2:
        return
    # The same number for each worker, or all would wait for the last part of one.
    each = min(int(plan.duration / _LEAST_SECONDS / workers), _PARTS_EACH)
    count = workers * max(each, 1)
    length = plan.frames / count
    wanted = [round(number * length) for number in range(1, count)]
    yield from _move_cuts(plan, wanted, length)


def _move_cuts(plan: RenderPlan, places: Sequence[int], length: float) -> Iterator[int]:
    """Yield cuts near these places for parts of this length, where they cost least."""
    ends, transitions = _cut_points(plan), TransitionRanges(plan.layers)
    for wanted in places:
        group = round(wanted / _GROUP) * _GROUP
        if abs(group - wanted) <= _MOVABLE * length:
            wanted = group
        near = min(ends, key=lambda place: abs(place - wanted))
        if abs(near - wanted) > _MOVABLE * length:
            near = transitions.next_cut_from(wanted)
        yield near


def _part(plan: RenderPlan, shown: "_VisibleClips", begin: int, end: int) -> RenderPlan:
    layers = (
        tuple(
            _replace(picture, start_frame=picture.start_frame - begin)
            for picture in slice_layer(layer, begin, end)
        )
        for layer in shown.layers(begin, end)
    )
    base, *rest = layers
    return msgspec.structs.replace(
        plan,
        start_frame=begin,
        is_followed=end < plan.frames,
        frames=end - begin,
        layers=(base, *filter(None, rest)),
        samples=0,
        audio_tracks=(),
    )


def _memory_cuts(plan: RenderPlan, first: int, end: int, memory: float) -> Iterator[int]:
    """Yield the frames at which a new part begins: as late as memory allows."""
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
    """Return where a part may end: where clips begin or end, but not within a transition."""
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
    """The pictures that a part reads, and the memory that they take."""

    def __init__(self, canvas: int) -> None:
        self._canvas = canvas
        self._pictures: list[ClipSlice] = []
        self._bytes = 0.0

    def add(self, picture: ClipSlice) -> None:
        self._pictures.append(picture)
        self._bytes += _memory(picture, self._canvas)

    def drop(self, begin: int) -> None:
        """Remove the pictures that end before a frame."""
        remaining = [picture for picture in self._pictures if picture.end_frame > begin]
        self._pictures, self._bytes = [], 0.0
        for picture in remaining:
            self.add(picture)

    def fits_in(self, memory: float) -> bool:
        return len(self._pictures) <= _MOST_INPUTS and self._bytes <= memory


class _VisibleClips:
    """An index of the pictures of a plan by frame."""

    def __init__(self, plan: RenderPlan) -> None:
        self._layers = plan.layers
        self._begins = [[picture.start_frame for picture in layer] for layer in plan.layers]
        self._ends = [
            [*accumulate((picture.end_frame for picture in layer), max)] for layer in plan.layers
        ]

    def layers(self, begin: int, end: int) -> Iterator[Layer]:
        """Yield the pictures of each layer between two frames, and perhaps a few more."""
        for layer, begins, ends in zip(self._layers, self._begins, self._ends, strict=True):
            yield layer[bisect_right(ends, begin) : bisect_left(begins, end)]

    def between(self, begin: int, end: int) -> list[ClipSlice]:
        """Return the pictures between two frames, ordered by start."""
        layers = self.layers(begin, end)
        found = [picture for layer in layers for picture in layer if picture.end_frame > begin]
        return sorted(found, key=lambda picture: picture.start_frame)


def _encoder_memory(plan: RenderPlan) -> float:
    light = plan.encoding.preset == _LIGHT_PRESET
    return plan.width * plan.height * 1.5 * (_LIGHT_HELD if light else _USUAL_HELD)


def _memory(picture: ClipSlice, canvas: int) -> float:
    """Return the bytes that a picture takes while its file is open; `canvas` is in pixels."""
    info = picture.clip.source.info
    # The displayed size may exceed the stored one, which is limited.
    most = MAX_IMAGE_PIXELS if picture.clip.is_still else MAX_VIDEO_PIXELS
    pixels = min(info.width * info.height, most)
    one_picture = picture.clip.is_still and not picture.clip.freeze
    decoded = pixels * (4 if one_picture else 1.5 * _PICTURES_HELD)
    mixed = canvas * 3 * _MIXED_HELD if picture.transition_in else 0
    # FFmpeg holds all frames of a reversed piece at once.
    reversed_ = canvas * 1.5 * picture.frames if picture.clip.reverse else 0
    return decoded + mixed + reversed_


def _split_reversed_clips(layer: Layer, pixels: int) -> Layer:
    """Return a layer with its reversed clips in pieces whose frames fit into memory together."""
    most = max(round(_REVERSED / (pixels * 1.5)), _FEWEST_REVERSED)
    pieces: list[ClipSlice] = []
    cuttable = TransitionRanges((layer,)).can_cut_at
    for picture in layer:
        if not picture.clip.reverse or picture.clip.is_still:
            pieces.append(picture)
            continue
        places = range(picture.start_frame + most, picture.end_frame, most)
        cuts = [at for at in places if cuttable(at)]
        for begin, end in pairwise((picture.start_frame, *cuts, picture.end_frame)):
            pieces += slice_layer((picture,), begin, end)
    return tuple(pieces)
