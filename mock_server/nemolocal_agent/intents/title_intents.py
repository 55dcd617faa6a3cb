"""Wishes about titles and subtitles."""

import msgspec

from nemolocal_contract.effects import Position

from .selectors import SELECT_ALL, Selector, TimelineSpan


class AddTitle(msgspec.Struct, frozen=True):
    """Show a text; without a span for its first seconds."""

    text: str
    span: TimelineSpan | None = None
    color: str | None = None
    position: Position | None = None
    size: int | None = None


class ChangeTitle(msgspec.Struct, frozen=True):
    """Change a title that is there: only what is given."""

    selector: Selector = SELECT_ALL
    text: str | None = None
    span: TimelineSpan | None = None
    color: str | None = None
    position: Position | None = None
    size: int | None = None
    grow: float | None = None
    """A factor on its size: "make the title bigger"."""


class RemoveTitle(msgspec.Struct, frozen=True):
    """Take titles away: `subtitles` only the subtitles, else every text that `which` means."""

    selector: Selector = SELECT_ALL
    subtitles: bool = False


class Cue(msgspec.Struct, frozen=True):
    """One subtitle."""

    start_ms: int
    end_ms: int
    text: str


class AddSubtitles(msgspec.Struct, frozen=True):
    """Show subtitles, given as SRT in the message; they replace those that were there."""

    cues: tuple[Cue, ...]
