"""The stand-in for an edit that was asked for and is not understood: visible, marked, undoable."""

from nemolocal_contract.describe.text_formats import truncate_text
from nemolocal_contract.draft import Draft, Segment, Style, TrackType

from ..intents import SimulateEdit, first_span
from ..timeline import MediaPool, add_segment, length_of, new_segment_ids, resolve_span
from ..understanding import NoEdit

_TRACK = "Simulated"
_SPAN = first_span(3000)
_MAX_REQUEST = 60
_SIZE = 48


def stand_in_for(no_edit: NoEdit, message: str) -> tuple[SimulateEdit, ...]:
    """The edit in place of what a message asks for; its words are on one line."""
    words = " ".join((no_edit.about or message).split())
    return (SimulateEdit(truncate_text(words, _MAX_REQUEST)),)


def simulate_edit(draft: Draft, edit: SimulateEdit, _: MediaPool) -> Draft:
    """Add a text that names the request, with `m.simulated`, on a track of its own."""
    start, end = resolve_span(_SPAN, length_of(draft))
    segment = Segment(
        id=next(new_segment_ids(draft)),
        start_ms=start,
        duration_ms=end - start,
        text=f"[simulated] {edit.request}",
        style=Style(color="white", position="center", size=_SIZE),
        metadata={"simulated": True, "request": edit.request},
    )
    return add_segment(draft, TrackType.TEXT, _TRACK, segment)
