"""What takes everything away is done only if the message has words for it."""

import pytest

from nemolocal_agent.destructive_edits import find_unasked
from nemolocal_agent.intents import (
    Edit,
    Redo,
    RemoveClip,
    RemoveSpan,
    Selector,
    StartOver,
    TimelineSpan,
    Undo,
)

ALL_CLIPS, ALL_TIME = RemoveClip(Selector()), RemoveSpan(TimelineSpan())
EVERYTHING = "remove everything"


@pytest.mark.parametrize(
    ("message", "edit", "unasked"),
    [
        ("make it flibber", Undo(), "undo"),
        ("make it flibber", Redo(), "redo"),
        ("make it flibber", StartOver(), EVERYTHING),
        ("make it flibber", ALL_CLIPS, EVERYTHING),
        ("make it flibber", ALL_TIME, EVERYTHING),
        ("make it flibber", RemoveClip(Selector(number=1)), ""),
        ("undo the blur and flibber it", Undo(), "undo"),
        ("undo, then flibber", Undo(), ""),
        ("undo, then flibber", Undo(3), "undo"),
        ("undo the last two edits and flibber", Undo(2), ""),
        ("redo and flibber", Redo(), ""),
        ("flibber it and start over", StartOver(), ""),
        ("remove everything then flibber", ALL_CLIPS, ""),
        ("remove all flibbers", ALL_CLIPS, EVERYTHING),
        ("remove the silence and the flibber", ALL_TIME, EVERYTHING),
        ('add a title "start over" and flibber', StartOver(), EVERYTHING),
        ("清空，然后flibber", StartOver(), ""),
        ("深く flibber", StartOver(), EVERYTHING),
    ],
)
def test_only_asked_destruction_passes(message: str, edit: Edit, unasked: str) -> None:
    assert find_unasked([edit], message) == unasked
