"""Creates all ids and tokens; those that give access are unguessable."""

import secrets
import uuid
from hashlib import sha256

from nemolocal_contract.endpoints import (
    ANONYMOUS_TOKEN_PREFIX,
    ANONYMOUS_USER_PREFIX,
    CLAIM_TOKEN_PREFIX,
)


def new_token() -> str:
    """Return an anonymous bearer token (AUTH-1)."""
    return ANONYMOUS_TOKEN_PREFIX + secrets.token_urlsafe(24)


def new_claim_token() -> str:
    """Return a claim token, which opens a project's page and nothing else (AUTH-7)."""
    return CLAIM_TOKEN_PREFIX + secrets.token_urlsafe(24)


def new_control_token() -> str:
    """Return a token for the control API of a running server."""
    return f"ctl_{secrets.token_urlsafe(24)}"


def token_fingerprint(token: str) -> str:
    """Return the hash that is stored instead of a token."""
    return sha256(token.encode()).hexdigest()


def new_user_id() -> str:
    """Return the id of an anonymous user (AUTH-1)."""
    return ANONYMOUS_USER_PREFIX + uuid.uuid4().hex


def new_session_id() -> str:
    """Return 19 digits, not starting with 0 (SES-1)."""
    return str(10**18 + secrets.randbelow(9 * 10**18))


def new_event_id() -> str:
    """Return the id of an event in a stream."""
    return str(uuid.uuid4())


def new_file_id() -> str:
    """Return the name of a stored file: unguessable, since its URL needs no token (REN-8)."""
    return uuid.uuid4().hex


def reply_name(number: int) -> str:
    """Return the name of a scripted reply that has none: numbered, so that runs are alike."""
    return f"reply-{number}"


new_task_id = new_event_id
new_fault_id = new_event_id
