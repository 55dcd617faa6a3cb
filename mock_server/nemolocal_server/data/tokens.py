"""Bearer tokens: issued, created by settings or control API, and changed; and claim tokens."""

import contextlib
import functools
import math
import re
from collections.abc import Generator
from typing import Annotated, Any, Literal

import msgspec

from nemolocal_contract.clock import Clock
from nemolocal_contract.endpoints import CLIENT_ID, CLIENT_ID_MAX
from nemolocal_contract.plurals import pluralize
from nemolocal_contract.responses import ResponseCode, decode_json, encode_json

from .. import ids
from ..dialect import Dialect
from ..errors import ContractError, bad_request
from ..setting_ranges import check_finite
from .store import Store
from .token_redaction import MAX_TOKEN_LENGTH, MIN_TOKEN_LENGTH, has_token_form

AccountPlan = Literal["free", "paid", "blocked"]
TokenScope = Literal["read", "write", "upload", "render", "*"]
NotUnderstood = Literal["try", "ask", "refuse"]
"""What a message that is not understood gets: a stand-in edit, a question, or a refusal."""
# In seconds, at most a century either way, and in credits: what dates and the database can hold.
TokenLifetime = Annotated[float, msgspec.Meta(ge=-3_153_600_000, le=3_153_600_000)]
CreditAmount = Annotated[int, msgspec.Meta(le=10**12)]
CLAIM_SECONDS = 604_800
ANONYMOUS_SCOPES: tuple[TokenScope, ...] = ("read", "write", "upload")

# Used in paths in place of `me`.
_USER_ID = re.compile(r"[^\s/?#%\x00-\x1f]{1,64}")
_COLUMNS = (
    "id, user_id, client_id, expires, anonymous, plan, scopes, draw_id, dialect_json, "
    "not_understood"
)


class TokenRecord(msgspec.Struct, frozen=True):
    """A token without its text, which is not stored. `scopes` are separated by spaces.

    `draw_id` is the key of its random draws: the client id, and for manual tokens also what
    distinguishes those of one client.
    """

    id: int
    user_id: str
    client_id: str
    expires: float
    anonymous: bool
    plan: AccountPlan
    scopes: str
    draw_id: str
    dialect_json: str | None = None
    not_understood: NotUnderstood | None = None

    def has_scope(self, scope: TokenScope) -> bool:
        """Whether the token has a scope (AUTH-6)."""
        granted = self.scopes.split()
        return "*" in granted or scope in granted

    @property
    def dialect(self) -> Dialect | None:
        """The dialect for this token; None for that of the server."""
        return None if self.dialect_json is None else _read_dialect(self.dialect_json)


@functools.lru_cache(maxsize=64)
def _read_dialect(text: str) -> Dialect:
    return decode_json(text, type=Dialect)


class NewToken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A manual token (AUTH-6), of the settings, where `token` is its text, or the control API.

    `expires_in` is in seconds; without a `user_id` a random one is created. Without `dialect` or
    `not_understood` those of the server apply.
    """

    token: str | None = None
    client_id: str = "manual"
    user_id: str | None = None
    anonymous: bool = False
    plan: AccountPlan = "free"
    credits: CreditAmount = 100
    scopes: tuple[TokenScope, ...] = ("*",)
    expires_in: TokenLifetime | None = None
    dialect: Dialect | None = None
    not_understood: NotUnderstood | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for invalid fields."""
        check_client_id(self.client_id)
        if self.credits < 0:
            raise ValueError("credits must be 0 or more")
        if self.expires_in is not None:
            check_finite("expires_in", self.expires_in)
        if self.user_id is not None and not _USER_ID.fullmatch(self.user_id):
            raise ValueError("user_id must have 1 to 64 characters that are valid in a path")
        if self.token is None:
            return
        if not MIN_TOKEN_LENGTH <= len(self.token) <= MAX_TOKEN_LENGTH:
            raise ValueError(f"token must have {MIN_TOKEN_LENGTH} to {MAX_TOKEN_LENGTH} characters")
        if not has_token_form(self.token):
            raise ValueError('token must be visible ASCII, without space, " or \\ in it')
        # They are shown and stored unchanged.
        for name in ("client_id", "user_id"):
            if self.token in (getattr(self, name) or ""):
                raise ValueError(f"{name} must not contain the token")


class TokenRepository:
    """The tokens of a store. A scenario may change `address_limit` at any time.

    `reset_hint` says in a refusal how to reset the server; "" if clients cannot.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        lifetime: float,
        address_limit: int | None,
        reset_hint: str = "",
    ) -> None:
        self._store = store
        self._clock = clock
        self._lifetime = lifetime
        self._stand_ins: dict[str, int] = {}
        self.reset_hint = reset_hint
        self.address_limit = address_limit

    def issue(self, client_id: str, address: str) -> tuple[str, TokenRecord]:
        """Issue an anonymous token; return its text too. Raises 400, or 429 (AUTH-3, AUTH-4)."""
        check_client_id(client_id)
        if self._store.known_tokens.redact(client_id) != client_id:
            raise bad_request(f"{CLIENT_ID} header holds a token: send a UUID, and keep it")
        now = self._clock.time()
        with self._store.transaction():
            self._check_client_rate(client_id, now)
            self._check_address_rate(address, now)
            wanted = NewToken(client_id=client_id, anonymous=True, scopes=ANONYMOUS_SCOPES)
            return self._insert(wanted, address, draw_id=client_id)

    def create(self, wanted: NewToken) -> tuple[str, TokenRecord, bool]:
        """Create a manual token, or find the one with this text.

        Returns its text, the token, and whether it is new.
        """
        if wanted.token is not None:
            self._store.known_tokens.add(wanted.token)
        existing = self._store.fetch_one(
            TokenRecord,
            f"SELECT {_COLUMNS} FROM tokens WHERE fingerprint = :fingerprint",
            fingerprint=ids.token_fingerprint(wanted.token or ""),
        )
        if existing is not None:
            return wanted.token or "", existing, False
        if self._store.fetch_value("SELECT 1 FROM tokens WHERE user_id = :id", id=wanted.user_id):
            raise bad_request(f"`user_id` {wanted.user_id!r} has a token already: choose another")
        return *self._insert(wanted, "", draw_id=self._draw_id(wanted)), True

    def _draw_id(self, wanted: NewToken) -> str:
        """The given user id, else the client id and, after its first token, a number.

        A random user id would change the draws in each run.
        """
        if wanted.user_id is not None:
            return encode_json((wanted.client_id, wanted.user_id)).decode()
        earlier = self._store.fetch_value(
            "SELECT count(*) FROM tokens WHERE client_id = :id", id=wanted.client_id
        )
        ordinal: int = earlier + 1
        if ordinal == 1:
            return wanted.client_id
        return encode_json((wanted.client_id, ordinal)).decode()

    def find(self, text: str) -> TokenRecord | None:
        """The token with this text; None if it is unknown, expired or revoked (AUTH-5)."""
        token = self._store.fetch_one_cached(
            TokenRecord,
            f"""SELECT {_COLUMNS} FROM tokens WHERE fingerprint = :fingerprint
                AND revoked IS NULL""",
            fingerprint=ids.token_fingerprint(text),
        )
        if token is not None:
            self._store.known_tokens.add(text)
        elif text in self._stand_ins:
            token = self._unrevoked(self._stand_ins[text])
        return token if token is not None and token.expires > self._clock.time() else None

    @contextlib.contextmanager
    def stand_in(self, token_id: int) -> Generator[str | None]:
        """Make a text by which `find` finds a token meanwhile; None if it has ended.

        For requests of this process on behalf of a client: the token's own text is not stored.
        """
        token = self._unrevoked(token_id)
        if token is None or token.expires <= self._clock.time():
            yield None
            return
        text = ids.new_token()
        self._stand_ins[text] = token_id
        try:
            yield text
        finally:
            del self._stand_ins[text]

    def _unrevoked(self, token_id: int) -> TokenRecord | None:
        return self._store.fetch_one(
            TokenRecord,
            f"SELECT {_COLUMNS} FROM tokens WHERE id = :id AND revoked IS NULL",
            id=token_id,
        )

    def get(self, token_id: int) -> TokenRecord | None:
        """A token by its id, also if it is expired or revoked."""
        return self._store.fetch_one(
            TokenRecord, f"SELECT {_COLUMNS} FROM tokens WHERE id = :id", id=token_id
        )

    def list_all(self) -> list[TokenRecord]:
        """All tokens, oldest first."""
        return self._store.fetch_all(TokenRecord, f"SELECT {_COLUMNS} FROM tokens ORDER BY id")

    def update(self, token_id: int, **changes: Any) -> None:
        """Set columns of a token: plan, scopes, expires, dialect_json, not_understood, revoked."""
        assignments = ", ".join(f"{name} = :{name}" for name in changes)
        self._store.execute(
            f"UPDATE tokens SET {assignments} WHERE id = :id", id=token_id, **changes
        )

    def _insert(self, wanted: NewToken, address: str, draw_id: str) -> tuple[str, TokenRecord]:
        text = wanted.token or ids.new_token()
        now = self._clock.time()
        lifetime = self._lifetime if wanted.expires_in is None else wanted.expires_in
        fields: dict[str, Any] = {
            "user_id": wanted.user_id or ids.new_user_id(),
            "client_id": wanted.client_id,
            "expires": now + lifetime,
            "anonymous": wanted.anonymous,
            "plan": wanted.plan,
            "scopes": " ".join(wanted.scopes),
            "draw_id": draw_id,
            "dialect_json": None
            if wanted.dialect is None
            else encode_json(wanted.dialect).decode(),
            "not_understood": wanted.not_understood,
        }
        token_id = self._store.execute(
            """INSERT INTO tokens (fingerprint, address, created, user_id, client_id, expires,
               anonymous, plan, scopes, dialect_json, not_understood, draw_id, chosen)
               VALUES (:fingerprint, :address, :created, :user_id, :client_id, :expires,
               :anonymous, :plan, :scopes, :dialect_json, :not_understood, :draw_id, :chosen)""",
            fingerprint=ids.token_fingerprint(text),
            address=address,
            created=now,
            chosen=wanted.token is not None,
            **fields,
        )
        return text, TokenRecord(token_id, **fields)

    def _check_client_rate(self, client_id: str, now: float) -> None:
        """AUTH-3: one valid token per client id."""
        expires = self._store.fetch_value(
            """SELECT max(expires) FROM tokens
               WHERE client_id = :client_id AND anonymous AND revoked IS NULL""",
            client_id=client_id,
        )
        if expires is not None and expires > now:
            remedy = f"another {CLIENT_ID} gets one"
            reason = f"This {CLIENT_ID} already has a token for this week"
            raise self._rate_limited(reason, expires - now, remedy)

    def _check_address_rate(self, address: str, now: float) -> None:
        """AUTH-4: a number of tokens per address and week, if that is switched on."""
        limit = self.address_limit
        if limit is None:
            return
        created = self._store.fetch_column(
            """SELECT created FROM tokens WHERE address = :address AND anonymous
               AND created > :since ORDER BY created""",
            address=address,
            since=now - self._lifetime,
        )
        if len(created) >= limit:
            again = created[-limit] + self._lifetime
            reason = f"This address has had its {pluralize(limit, 'token')} for this week"
            remedy = "address_limit in its settings can be higher"
            raise self._rate_limited(reason, again - now, remedy)

    def _rate_limited(self, reason: str, wait: float, remedy: str) -> ContractError:
        """The error of the cloud, with the remedies that only a local server has."""
        seconds = str(math.ceil(wait))
        if self.reset_hint:
            remedy += f", and {self.reset_hint}"
        message = f"{reason}. Use it, or retry in {seconds} s. This is a local server: {remedy}"
        return ContractError(ResponseCode.RATE_LIMITED, message, {"Retry-After": seconds})


def check_client_id(client_id: str) -> None:
    """Raise 400 for a missing or too long client id (AUTH-1, AUTH-2)."""
    if not client_id:
        raise bad_request(f"{CLIENT_ID} header is missing or empty: send a UUID, and keep it")
    if len(client_id) > CLIENT_ID_MAX:
        raise bad_request(f"{CLIENT_ID} header is longer than {CLIENT_ID_MAX} characters")


class ClaimRepository:
    """Claim tokens: links that open the web page of one project for a week (AUTH-7)."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def issue(self, session_id: str) -> str:
        """Issue a claim token for a session; it can be used any number of times."""
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
        """The session that a claim token opens; None if the token is unknown or expired."""
        session_id: str | None = self._store.fetch_value(
            "SELECT session_id FROM claims WHERE fingerprint = :fingerprint AND expires > :now",
            fingerprint=ids.token_fingerprint(text),
            now=self._clock.time(),
        )
        return session_id
