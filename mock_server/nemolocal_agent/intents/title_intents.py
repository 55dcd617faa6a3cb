"""Edits of titles and subtitles."""

import msgspec

from nemolocal_contract.effects import Position

from .selectors import SELECT_ALL, Selector, TimelineSpan


class AddTitle(msgspec.Struct, frozen=True):
    """Add a title; without a span it is shown at the start."""

    text: str
    span: TimelineSpan | None = None
    color: str | None = None
    position: Position | None = None
    size: int | None = None


class ChangeTitle(msgspec.Struct, frozen=True):
    """Change a title: only the fields that are given."""

    selector: Selector = SELECT_ALL
    text: str | None = None
    span: TimelineSpan | None = None
    color: str | None = None
    position: Position | None = None
    size: int | None = None
    grow: float | None = None
    """A factor of its size: "make the title bigger"."""


class RemoveTitle(msgspec.Struct, frozen=True):
    """Remove the selected titles, or only the `subtitles`."""

    selector: Selector = SELECT_ALL
    subtitles: bool = False


class Cue(msgspec.Struct, frozen=True):
    """One subtitle."""

    start_ms: int
    end_ms: int
    text: str


class AddSubtitles(msgspec.Struct, frozen=True):
    """Add subtitles, given as SRT in the message; they replace those that were there."""

    cues: tuple[Cue, ...]
