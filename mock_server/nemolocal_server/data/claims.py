"""Claim tokens: links that open one project on the web side for a week, nothing else (AUTH-7)."""

from nemolocal_contract.clock import Clock

from .. import ids
from .store import Store

CLAIM_SECONDS = 604_800


class ClaimRepository:
    """The claim tokens of a store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def issue(self, session_id: str) -> str:
        """A fresh claim token for a session; it may be used as often as one likes."""
        text = ids.new_claim_token()
        self._store.execute(
            """INSERT INTO claims (fingerprint, session_id, expires)
               VALUES (:fingerprint, :session, :expires)""",
            fingerprint=ids.token_fingerprint(text),
            session=session_id,
            expires=self._clock.time() + CLAIM_SECONDS,
        )
        return text

    def find_session_id(self, text: str) -> str | None:
        """The session that a claim token opens; None where it is unknown or expired."""
        session_id: str | None = self._store.fetch_value(
            "SELECT session_id FROM claims WHERE fingerprint = :fingerprint AND expires > :now",
            fingerprint=ids.token_fingerprint(text),
            now=self._clock.time(),
        )
        return session_id
