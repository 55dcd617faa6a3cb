"""Text and ids of callers: sent as they are, or refused before anything is sent."""

from .errors import BadText, SessionNotFound

# Far over any id of the backend; a URL has its limits.
_LONGEST_ID = 200


def sendable(text: str, what: str) -> str:
    """The text; `BadText` where it has halves of characters, which no encoding has."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        place = error.start + 1
        raise BadText(f"{what} has half a character at place {place}") from None
    return text


def session_id(given: str) -> str:
    """An id that can be part of a path; `SessionNotFound` where it can be no session's."""
    try:
        sendable(given, "the id")
    except BadText:
        fits = False
    else:
        # Dots are steps in a path, however they are written.
        fits = 0 < len(given) <= _LONGEST_ID and given not in (".", "..")
    if not fits:
        raise SessionNotFound(f"{given!r} is no id of a session")
    return given
