"""How messages are compared with the `match.message` of a reply, in bounded time."""

import logging
from collections.abc import Callable

from .reply_spec import MessageMatch, ReplyError

log = logging.getLogger("nemolocal")

MATCH_SECONDS = 0.05
"""A regular expression that takes longer does not match. It is processor time of this process."""
_PROBE_LENGTH = 1_000
# For the first characters of a pattern only, so that loading a reply is quick.
_MAX_PROBES = 20

Matcher = Callable[[str], bool]


def build_matcher(wanted: str | MessageMatch | None, path: str) -> Matcher | None:
    """Return the test of a message, None if any will do; raises `ReplyError`."""
    if wanted is None:
        return None
    if isinstance(wanted, str):
        wanted = MessageMatch(contains=wanted)
    given = [name for name in wanted.__struct_fields__ if getattr(wanted, name) is not None]
    if len(given) != 1:
        raise ReplyError(path, "needs exactly one of contains, equals and regex")
    if wanted.regex is not None:
        return _regex_matcher(wanted.regex, f"{path}.regex")
    if wanted.equals is not None:
        return wanted.equals.__eq__
    part = (wanted.contains or "").casefold()
    return lambda message: part in message.casefold()


def _regex_matcher(pattern: str, path: str) -> Matcher:
    # Only scripted replies need it; `re` has no limit of time.
    import regex

    try:
        compiled = regex.compile(pattern)
    except (regex.error, OverflowError, RecursionError) as error:
        raise ReplyError(path, f"{pattern!r} is not a regular expression: {error}") from error
    for character in list(dict.fromkeys(f"a {pattern}"))[:_MAX_PROBES]:
        try:
            compiled.search(character * _PROBE_LENGTH + "\0", timeout=MATCH_SECONDS)
        except TimeoutError:
            raise ReplyError(
                path,
                f"{pattern!r} takes too long on some messages: avoid nested repetitions, "
                "such as (a+)+",
            ) from None

    def matches(message: str) -> bool:
        try:
            return compiled.search(message, timeout=MATCH_SECONDS) is not None
        except TimeoutError:
            log.warning("the pattern %r takes too long for a message: no match", pattern)
            return False

    return matches
