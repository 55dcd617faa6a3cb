"""Anonymous tokens: one per client id and week, checked on every call (AUTH-1 to AUTH-5)."""

import math

import msgspec

from nemolocal_contract.clock import Clock
from nemolocal_contract.codes import Code
from nemolocal_contract.headers import CLIENT_ID, CLIENT_ID_MAX

from . import ids
from .errors import ContractError, bad_request
from .store import Store

_COLUMNS = "id, user_id, client_id, expires"


class Token(msgspec.Struct, frozen=True):
    """A token that was issued; its text is not kept."""

    id: int
    user_id: str
    client_id: str
    expires: float


class Tokens:
    """The tokens that this server has issued."""

    def __init__(self, store: Store, clock: Clock, lifetime: float) -> None:
        self._store = store
        self._clock = clock
        self._lifetime = lifetime

    def issue(self, client_id: str) -> tuple[str, Token]:
        """A fresh token and its text; 400 or 429 where the contract refuses one."""
        check_client_id(client_id)
        now = self._clock.time()
        with self._store.transaction():
            self._check_rate(client_id, now)
            text, user_id, expires = ids.new_token(), ids.new_user_id(), now + self._lifetime
            token_id = self._store.execute(
                """INSERT INTO tokens (fingerprint, user_id, client_id, created, expires)
                   VALUES (:fingerprint, :user_id, :client_id, :created, :expires)""",
                fingerprint=ids.token_fingerprint(text),
                user_id=user_id,
                client_id=client_id,
                created=now,
                expires=expires,
            )
        return text, Token(token_id, user_id, client_id, expires)

    def find(self, text: str) -> Token | None:
        """The live token with this text, or None where it is unknown or expired (AUTH-5)."""
        return self._store.one(
            Token,
            f"SELECT {_COLUMNS} FROM tokens WHERE fingerprint = :fingerprint AND expires > :now",
            fingerprint=ids.token_fingerprint(text),
            now=self._clock.time(),
        )

    def _check_rate(self, client_id: str, now: float) -> None:
        """AUTH-3."""
        expires = self._store.value(
            "SELECT max(expires) FROM tokens WHERE client_id = :client_id", client_id=client_id
        )
        if expires is not None and expires > now:
            wait = math.ceil(expires - now)
            raise ContractError(
                Code.RATE_LIMITED,
                f"This {CLIENT_ID} already has a token for this week. Use it, or retry in {wait} s",
                {"Retry-After": str(wait)},
            )


def check_client_id(client_id: str) -> None:
    """AUTH-1, AUTH-2."""
    if not client_id:
        raise bad_request(f"{CLIENT_ID} header is missing or empty: send a UUID, and keep it")
    if len(client_id) > CLIENT_ID_MAX:
        raise bad_request(f"{CLIENT_ID} header is longer than {CLIENT_ID_MAX} characters")
