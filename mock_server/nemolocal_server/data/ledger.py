"""Credits as an append-only ledger: grant, hold, settle, release (CRD-1, CRD-2).

A balance is the sum of a token's rows. A hold moves credits from available to frozen. It is settled
(the credits are taken) or released (given back) exactly once: a unique index enforces that.
"""

from nemolocal_contract.clock import Clock
from nemolocal_contract.responses import Balance, ResponseCode

from ..errors import ContractError
from .store import Store
from .tokens import TokenRecord

REGISTER_URL = "https://nemovideo.com/register"


class Ledger:
    """The credits of all tokens."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def balance(self, token_id: int) -> Balance:
        """The balance of a token: `available + frozen = total`."""
        balance = self._store.fetch_one_cached(
            Balance,
            """SELECT coalesce(sum(available), 0) AS available, coalesce(sum(frozen), 0) AS frozen,
               coalesce(sum(available + frozen), 0) AS total FROM ledger WHERE token_id = :token""",
            token=token_id,
        )
        assert balance is not None  # an aggregate always has a row
        return balance

    def grant(self, token_id: int, amount: int, reason: str) -> None:
        """Give credits."""
        self._append(token_id, "grant", amount, 0, reason)

    def hold(self, token: TokenRecord, amount: int, reason: str) -> int | None:
        """Freeze credits; return the id of the hold, None if it is free. Raises 2001 (CRD-4)."""
        if not amount:
            return None
        with self._store.transaction():
            available = self.balance(token.id).available
            if available < amount:
                raise no_credits(token, amount, available)
            return self._append(token.id, "hold", -amount, amount, reason)

    def hold_unchecked(self, token_id: int, amount: int, reason: str) -> int | None:
        """Freeze a part of the credits that were just released; None for no credits."""
        return self._append(token_id, "hold", -amount, amount, reason) if amount else None

    def settle(self, hold_id: int | None, reason: str) -> None:
        """Take the credits of a hold."""
        self._close_hold(hold_id, "settle", reason)

    def release(self, hold_id: int | None, reason: str) -> None:
        """Give the credits of a hold back."""
        self._close_hold(hold_id, "release", reason)

    def _close_hold(self, hold_id: int | None, kind: str, reason: str) -> None:
        if hold_id is None:
            return
        back = "frozen" if kind == "release" else "0"
        self._store.execute(
            f"""INSERT INTO ledger (token_id, kind, available, frozen, hold_id, reason, created)
                SELECT token_id, :kind, {back}, -frozen, id, :reason, :created
                FROM ledger WHERE id = :hold_id""",
            kind=kind,
            hold_id=hold_id,
            reason=reason,
            created=self._clock.time(),
        )

    def _append(self, token_id: int, kind: str, available: int, frozen: int, reason: str) -> int:
        return self._store.execute(
            """INSERT INTO ledger (token_id, kind, available, frozen, reason, created)
               VALUES (:token_id, :kind, :available, :frozen, :reason, :created)""",
            token_id=token_id,
            kind=kind,
            available=available,
            frozen=frozen,
            reason=reason,
            created=self._clock.time(),
        )


def no_credits(token: TokenRecord, amount: int, available: int) -> ContractError:
    """Error 2001 with its remedy: register, or top up (CRD-4, SES-4)."""
    remedy = "Top up credits in your account"
    if token.anonymous:
        remedy = f"Register to continue: {REGISTER_URL}?bind={token.user_id}"
    return ContractError(
        ResponseCode.NO_CREDITS,
        f"Not enough credits: this needs {amount}, you have {available}. {remedy}",
    )
