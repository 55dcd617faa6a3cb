"""Edits that add cards and credits, countdowns, timers and progress bars."""

from collections.abc import Sequence

import msgspec

from nemolocal_contract.describe import format_seconds
from nemolocal_contract.draft import Draft, Number, Segment, Style, Track, TrackType
from nemolocal_contract.effects import Solid
from nemolocal_contract.text_effects import (
    CreditsRoll,
    ProgressBar,
    TextEffect,
    Timer,
    text_effect_to_wire,
)

from ..errors import EditRejected
from ..intents import (
    SELECT_ALL,
    AddCard,
    AddCountdown,
    AddProgressBar,
    AddTimer,
    RemoveProgressBar,
    RemoveTimer,
    TimelineSpan,
)
from ..timeline import (
    PROGRESS_TRACK,
    TIMER_TRACK,
    MediaPool,
    add_segment,
    add_track,
    clip_names,
    clips_of,
    find_clips,
    length_of,
    new_segment_ids,
    require_one,
    resolve_span,
    with_segments,
)
from .structure_edits import insert_clips, make_solid, point_on_timeline, require_visible_length
from .title_edits import TITLE_TRACK, checked_text, clamp_size

_replace = msgspec.structs.replace
_CARD_MS, _CREDITS_LINE_MS, _SHORTEST_CREDITS_MS = 3000, 1000, 5000
_CARD_SIZE, _LONG_CARD_SIZE, _LONG_CARD = 96, 64, 40
_CREDITS_SIZE, _COUNTDOWN_SIZE, _TIMER_SIZE = 64, 240, 56
_CARD_FADE_MS = 300
# Or it would last as long as the video if the card is all of it.
_OF_CARD = {"card": True}
_LIGHT_COLORS = ("white", "yellow", "cyan", "pink")
_MAX_COUNTDOWN = 60


def add_card(draft: Draft, edit: AddCard, media_pool: MediaPool) -> Draft:
    """Insert a card with its text; everything after it moves."""
    length = edit.duration_ms or _usual_length(edit)
    require_visible_length(length)
    text = checked_text(edit.text) if edit.text or edit.role == "credits" else ""
    if edit.role == "intro" and not text:
        text = _name_of_video(draft, media_pool)
    at = _card_place(draft, edit, media_pool)
    card = make_solid(Solid(edit.color), at, length)
    name = edit.role if edit.role != "card" or not text else text.splitlines()[0]
    card = _replace(card, metadata={"title": name})
    draft = insert_clips(draft, at, [card], length, media_pool)
    if not text:
        return draft
    shown = _card_text(edit, text, at, length)
    return add_segment(
        draft, TrackType.TEXT, TITLE_TRACK, _replace(shown, id=next(new_segment_ids(draft)))
    )


def _usual_length(edit: AddCard) -> int:
    if edit.role != "credits":
        return _CARD_MS
    return max(_SHORTEST_CREDITS_MS, _CREDITS_LINE_MS * (edit.text.count("\n") + 3))


def _name_of_video(draft: Draft, media_pool: MediaPool) -> str:
    """The title of the draft, else the name of its first clip."""
    title = draft.metadata.title if draft.metadata is not None else None
    return title or next(iter(clip_names(clips_of(draft)[:1], media_pool)), "")


def _card_place(draft: Draft, edit: AddCard, media_pool: MediaPool) -> Number:
    if edit.at is not None:
        return point_on_timeline(draft, edit.at)
    if edit.selector != SELECT_ALL:
        clips = clips_of(draft)
        found = find_clips(clips, edit.selector, media_pool)
        return clips[require_one(clips, found, media_pool)].end_ms
    return 0 if edit.role == "intro" else length_of(draft)


def _card_text(edit: AddCard, text: str, at: Number, length: Number) -> Segment:
    color = "black" if edit.color in _LIGHT_COLORS else "white"
    if edit.role == "credits":
        style = Style(size=_CREDITS_SIZE, color=color, position="bottom-center")
        roll = (text_effect_to_wire(CreditsRoll()),)
        return Segment(
            start_ms=at, duration_ms=length, text=text, style=style, effects=roll, metadata=_OF_CARD
        )
    size = _CARD_SIZE if len(text) <= _LONG_CARD else _LONG_CARD_SIZE
    fade = min(_CARD_FADE_MS, length / 4)
    return Segment(
        start_ms=at,
        duration_ms=length,
        text=text,
        style=Style(size=size, color=color, position="center"),
        fade_in_ms=fade,
        fade_out_ms=fade,
        metadata=_OF_CARD,
    )


def add_countdown(draft: Draft, edit: AddCountdown, _: MediaPool) -> Draft:
    """Show each number as a title of one second."""
    if not 1 <= edit.seconds <= _MAX_COUNTDOWN:
        raise EditRejected("bad_amount", low="1", high=str(_MAX_COUNTDOWN))
    at = point_on_timeline(draft, edit.at)
    if at + edit.seconds * 1000 > length_of(draft):
        raise EditRejected("past_end", at=format_seconds(at + edit.seconds * 1000))
    new_ids = new_segment_ids(draft)
    for second in range(edit.seconds):
        number = Segment(
            id=next(new_ids),
            start_ms=at + second * 1000,
            duration_ms=1000,
            text=str(edit.seconds - second),
            style=Style(size=_COUNTDOWN_SIZE, color="white", position="center"),
        )
        draft = add_segment(draft, TrackType.TEXT, TITLE_TRACK, number)
    return draft


def add_timer(draft: Draft, edit: AddTimer, _: MediaPool) -> Draft:
    """Show a timer, instead of an existing one."""
    size = _TIMER_SIZE if edit.size is None else clamp_size(edit.size)
    style = Style(size=size, color=edit.color or "white", position=edit.position or "bottom-right")
    return _with_drawn(draft, TIMER_TRACK, Timer(edit.down), style, edit.span)


def add_progress_bar(draft: Draft, edit: AddProgressBar, _: MediaPool) -> Draft:
    """Show a progress bar, instead of an existing one."""
    style = Style(position=f"{edit.position}-center")
    return _with_drawn(draft, PROGRESS_TRACK, ProgressBar(edit.color), style, None)


def _with_drawn(
    draft: Draft, track: str, effect: TextEffect, style: Style, span: TimelineSpan | None
) -> Draft:
    start, end = resolve_span(span or TimelineSpan(), length_of(draft))
    segment = Segment(
        id=next(new_segment_ids(draft)),
        start_ms=start,
        duration_ms=end - start,
        text="",
        style=style,
        effects=(text_effect_to_wire(effect),),
    )
    old = _tracks_named(draft, track)
    for other in old[1:]:
        draft = with_segments(draft, other, ())
    if old:
        return with_segments(draft, old[0], [segment])
    return add_track(draft, TrackType.TEXT, track, [segment])


def _tracks_named(draft: Draft, name: str) -> Sequence[Track]:
    return [track for track in draft.of_type(TrackType.TEXT) if track.name == name]


def remove_timer(draft: Draft, _: RemoveTimer, __: MediaPool) -> Draft:
    """Remove the timer."""
    return _without_drawn(draft, TIMER_TRACK, "no_timer")


def remove_progress_bar(draft: Draft, _: RemoveProgressBar, __: MediaPool) -> Draft:
    """Remove the progress bar."""
    return _without_drawn(draft, PROGRESS_TRACK, "no_progress_bar")


def _without_drawn(draft: Draft, track: str, code: str) -> Draft:
    drawn = [one for one in _tracks_named(draft, track) if one.segments]
    if not drawn:
        raise EditRejected(code)
    for one in drawn:
        draft = with_segments(draft, one, ())
    return draft
