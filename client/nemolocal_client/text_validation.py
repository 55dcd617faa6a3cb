"""Text and ids of callers: sent as they are, or refused before anything is sent."""

from .errors import BadText, SessionNotFound

# Far over any id of the backend; a URL has its limits.
_MAX_ID_LENGTH = 200


def validate_text(text: str, what: str) -> str:
    """The text; `BadText` where it has what stands for bytes that are no text."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadText(f"{what} is no valid text at character {error.start + 1}") from None
    return text


def validate_session_id(given: str) -> str:
    """An id that can be part of a path; `SessionNotFound` where it can be no session's."""
    try:
        validate_text(given, "the id")
    except BadText:
        fits = False
    else:
        # Dots are steps in a path, however they are written.
        fits = 0 < len(given) <= _MAX_ID_LENGTH and given not in (".", "..")
    if not fits:
        raise SessionNotFound(f"{given[:50]!r} is no id of a session")
    return given
