"""Where every id comes from. Ids are secrets where knowing one opens something."""

import secrets
import uuid
from hashlib import sha256

from nemolocal_contract.endpoints import (
    ANONYMOUS_TOKEN_PREFIX,
    ANONYMOUS_USER_PREFIX,
    CLAIM_TOKEN_PREFIX,
)


def new_token() -> str:
    """An anonymous bearer token (AUTH-1)."""
    return ANONYMOUS_TOKEN_PREFIX + secrets.token_urlsafe(24)


def new_claim_token() -> str:
    """What opens a project's page and nothing else (AUTH-7)."""
    return CLAIM_TOKEN_PREFIX + secrets.token_urlsafe(24)


def new_control_token() -> str:
    """What opens the control interface of one server, as long as it runs."""
    return f"ctl_{secrets.token_urlsafe(24)}"


def token_fingerprint(token: str) -> str:
    """What is stored in place of a token."""
    return sha256(token.encode()).hexdigest()


def new_user_id() -> str:
    """An anonymous user's id (AUTH-1)."""
    return ANONYMOUS_USER_PREFIX + uuid.uuid4().hex


def new_session_id() -> str:
    """19 digits, not starting with 0 (SES-1)."""
    return str(10**18 + secrets.randbelow(9 * 10**18))


def new_event_id() -> str:
    """The id of an event in a stream."""
    return str(uuid.uuid4())


def new_file_id() -> str:
    """The name of a stored file: unguessable, since its URL needs no token (REN-8)."""
    return uuid.uuid4().hex


new_task_id = new_event_id
new_fault_id = new_event_id
