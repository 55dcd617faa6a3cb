"""Random scripts, by Hypothesis: what it makes smaller is a script again."""

from itertools import chain
from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ..stage import PUT_ON_TIMELINE
from . import script as steps
from .script import OWN, TALK, TITLE, AnyStep, Script

_LONGEST = 8
_HOUR, _DAY = 3_600.0, 86_400.0
_STRANGER = "stranger"
_SESSIONS, _RENDERS = ("s1", "s2"), ("r1", "r2")


class Reach(msgspec.Struct, frozen=True):
    """What scripts may do on a server.

    They may edit, which costs; ask for tokens; move time; wait for the ends of renders, which
    takes minutes where a client may look every 30 s only (REN-6).
    """

    edits: bool = True
    tokens: bool = True
    time: bool = True
    ends: bool = True


def scripts(reach: Reach) -> SearchStrategy[Script]:
    """Scripts of a beginning that most calls stand on, shorter or longer, and of any calls."""
    first = "ann" if reach.tokens else OWN
    # Lists are short as a rule: lists of lists are longer, and shrink as well.
    later = st.lists(st.lists(_steps(reach), max_size=_LONGEST), max_size=_LONGEST)
    openings = st.sampled_from(_openings(first, reach))
    return (
        st.tuples(openings, later)
        .map(lambda parts: (*parts[0], *chain.from_iterable(parts[1])))
        .filter(bool)
        .map(Script)
    )


def _openings(by: str, reach: Reach) -> list[tuple[AnyStep, ...]]:
    """From nothing to a clip on the timeline: what fails with little needs no more."""
    whole: list[AnyStep] = [steps.AskToken(by)] if reach.tokens else []
    whole += [steps.OpenSession("s1", by=by), steps.Upload("s1", ("picture.png",), by=by)]
    if reach.edits:
        whole.append(steps.Say("s1", PUT_ON_TIMELINE, by=by))
    return [tuple(whole[:length]) for length in range(len(whole) + 1)]


def _steps(reach: Reach) -> SearchStrategy[AnyStep]:
    names = ("ann", "bob") if reach.tokens else (OWN, _STRANGER)
    by = _mostly(names[0], names[1])
    auth = _mostly("good", "none", "malformed", "unknown", "claim", "in-query", times=12)
    who: dict[str, Any] = {"by": by, "auth": auth}
    inside = who | {"session": st.sampled_from(_SESSIONS)}
    render = who | {"render": st.sampled_from(_RENDERS)}
    quick: list[SearchStrategy[AnyStep]] = [
        st.builds(steps.Balance, **who),
        _tokens(reach),
        st.builds(steps.ReadState, **inside, user=_mostly("me", "own", "other", times=6)),
        _sessions(inside),
        st.builds(steps.Say, **inside, message=_messages(reach)),
        _exports(inside | render),
        st.builds(steps.Look, **render),
    ]
    # A server looks into files, and makes them: that takes it longer than all else.
    slow: list[SearchStrategy[AnyStep]] = [
        st.builds(steps.Upload, **inside, files=_files()),
        st.builds(steps.Link, **inside),
        st.builds(steps.Claim, **inside),
        st.builds(steps.Cancel, **render),
        st.builds(steps.Download, **render),
    ]
    if reach.ends:
        slow.append(st.builds(steps.Follow, **render))
    if reach.time:
        slow.append(st.builds(steps.Wait, st.sampled_from((_HOUR, 6 * _DAY, 8 * _DAY))))
    return st.one_of(quick + slow + quick)


def _tokens(reach: Reach) -> SearchStrategy[steps.AskToken]:
    bad = ("missing", "empty", "too-long")
    how = _mostly("good", *bad, times=6) if reach.tokens else st.sampled_from(bad)
    return st.builds(steps.AskToken, client=st.sampled_from(("ann", "bob")), how=how)


def _sessions(inside: dict[str, Any]) -> SearchStrategy[steps.OpenSession]:
    return st.builds(
        steps.OpenSession,
        **inside,
        language=_mostly("en", "", "zh"),
        user=_mostly("me", "own", "other", times=6),
        broken=_mostly(False, True, times=8),
    )


def _messages(reach: Reach) -> SearchStrategy[str]:
    return st.sampled_from((*TALK, "  ", *((PUT_ON_TIMELINE, TITLE) if reach.edits else ())))


def _files() -> SearchStrategy[tuple[str, ...]]:
    names = st.sampled_from(("picture.png", "notes.txt", "sound.wav", "clip.mp4"))
    return st.lists(names, min_size=1, max_size=2).map(tuple)


def _exports(inside: dict[str, Any]) -> SearchStrategy[steps.Export]:
    drafts = ("title", "seen", "empty", "unknown-media", "negative-time")
    attributed = _mostly(True, False, times=6)
    return st.builds(steps.Export, **inside, draft=st.sampled_from(drafts), attributed=attributed)


def _mostly(usual: Any, *others: Any, times: int = 4) -> SearchStrategy[Any]:
    """The usual value so many times as often as each other; it is what others shrink to."""
    return st.sampled_from((usual,) * times * len(others) + others)
