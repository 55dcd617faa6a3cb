"""Hypothesis strategies for scripts; every shrunk example is a valid script again."""

from itertools import chain
from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ..context import PUT_ON_TIMELINE
from . import script as steps
from .script import OWN_ACCOUNT, TALK_MESSAGES, TITLE_MESSAGE, AnyStep, CallScript

_LONGEST = 8
_HOUR, _DAY = 3_600.0, 86_400.0
_UNKNOWN_ACCOUNT = "stranger"
_SESSIONS, _RENDERS = ("s1", "s2"), ("r1", "r2")


class ScriptCapabilities(msgspec.Struct, frozen=True):
    """What scripts may do on a server.

    They may edit, which costs credits; request tokens; advance the clock; wait for renders to end,
    which takes minutes where polls must be 30 s apart (REN-6).
    """

    edits: bool = True
    tokens: bool = True
    clock: bool = True
    render_ends: bool = True


def script_strategy(capabilities: ScriptCapabilities) -> SearchStrategy[CallScript]:
    """Generate scripts: a common opening of any length, then any calls."""
    first = "ann" if capabilities.tokens else OWN_ACCOUNT
    # Hypothesis prefers short lists; lists of lists are longer, and still shrink.
    later = st.lists(st.lists(_steps(capabilities), max_size=_LONGEST), max_size=_LONGEST)
    openings = st.sampled_from(_openings(first, capabilities))
    return (
        st.tuples(openings, later)
        .map(lambda parts: (*parts[0], *chain.from_iterable(parts[1])))
        .filter(bool)
        .map(CallScript)
    )


def _openings(by: str, capabilities: ScriptCapabilities) -> list[tuple[AnyStep, ...]]:
    """Return every beginning of the way to a clip on the timeline, which examples shrink to."""
    whole: list[AnyStep] = [steps.TokenStep(by)] if capabilities.tokens else []
    whole += [steps.SessionStep("s1", by=by), steps.UploadStep("s1", ("picture.png",), by=by)]
    if capabilities.edits:
        whole.append(steps.MessageStep("s1", PUT_ON_TIMELINE, by=by))
    return [tuple(whole[:length]) for length in range(len(whole) + 1)]


def _steps(capabilities: ScriptCapabilities) -> SearchStrategy[AnyStep]:
    names = ("ann", "bob") if capabilities.tokens else (OWN_ACCOUNT, _UNKNOWN_ACCOUNT)
    by = _mostly(names[0], names[1])
    auth = _mostly("good", "none", "malformed", "unknown", "claim", "in-query", times=12)
    who: dict[str, Any] = {"by": by, "auth": auth}
    in_session = who | {"session": st.sampled_from(_SESSIONS)}
    render = who | {"render": st.sampled_from(_RENDERS)}
    quick: list[SearchStrategy[AnyStep]] = [
        st.builds(steps.BalanceStep, **who),
        _tokens(capabilities),
        st.builds(steps.StateStep, **in_session, user=_mostly("me", "own", "other", times=6)),
        _sessions(in_session),
        st.builds(steps.MessageStep, **in_session, message=_messages(capabilities)),
        _exports(in_session | render),
        st.builds(steps.StatusStep, **render),
    ]
    # Calls that take a server longer: it probes and renders files.
    slow: list[SearchStrategy[AnyStep]] = [
        st.builds(steps.UploadStep, **in_session, files=_files()),
        st.builds(steps.UrlUploadStep, **in_session),
        st.builds(steps.ClaimStep, **in_session),
        st.builds(steps.CancelStep, **render),
        st.builds(steps.DownloadStep, **render),
    ]
    if capabilities.render_ends:
        slow.append(st.builds(steps.FollowStep, **render))
    if capabilities.clock:
        slow.append(st.builds(steps.WaitStep, st.sampled_from((_HOUR, 6 * _DAY, 8 * _DAY))))
    return st.one_of(quick + slow + quick)


def _tokens(capabilities: ScriptCapabilities) -> SearchStrategy[steps.TokenStep]:
    bad = ("missing", "empty", "too-long")
    how = _mostly("good", *bad, times=6) if capabilities.tokens else st.sampled_from(bad)
    return st.builds(steps.TokenStep, client=st.sampled_from(("ann", "bob")), how=how)


def _sessions(in_session: dict[str, Any]) -> SearchStrategy[steps.SessionStep]:
    return st.builds(
        steps.SessionStep,
        **in_session,
        language=_mostly("en", "", "zh"),
        user=_mostly("me", "own", "other", times=6),
        broken=_mostly(False, True, times=8),
    )


def _messages(capabilities: ScriptCapabilities) -> SearchStrategy[str]:
    return st.sampled_from(
        (*TALK_MESSAGES, "  ", *((PUT_ON_TIMELINE, TITLE_MESSAGE) if capabilities.edits else ()))
    )


def _files() -> SearchStrategy[tuple[str, ...]]:
    names = st.sampled_from(("picture.png", "notes.txt", "sound.wav", "clip.mp4"))
    return st.lists(names, min_size=1, max_size=2).map(tuple)


def _exports(in_session: dict[str, Any]) -> SearchStrategy[steps.ExportStep]:
    drafts = ("title", "seen", "empty", "unknown-media", "negative-time")
    attributed = _mostly(True, False, times=6)
    return st.builds(
        steps.ExportStep, **in_session, draft=st.sampled_from(drafts), attributed=attributed
    )


def _mostly(usual: Any, *others: Any, times: int = 4) -> SearchStrategy[Any]:
    """Return the usual value `times` as often as each other; examples shrink to it."""
    return st.sampled_from((usual,) * times * len(others) + others)
