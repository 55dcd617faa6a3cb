"""Tokens: issued, made by hand, checked on every call, changed and revoked (AUTH-1 to AUTH-6)."""

import functools
import math
import re
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
from .known_tokens import MAX_TOKEN_LENGTH, MIN_TOKEN_LENGTH, has_token_form
from .store import Store

AccountPlan = Literal["free", "paid", "blocked"]
TokenScope = Literal["read", "write", "upload", "render", "*"]
# Seconds, at most a century either way, and credits: what calendars and the store can hold.
TokenLifetime = Annotated[float, msgspec.Meta(ge=-3_153_600_000, le=3_153_600_000)]
CreditAmount = Annotated[int, msgspec.Meta(le=10**12)]
ANONYMOUS_SCOPES: tuple[TokenScope, ...] = ("read", "write", "upload")

# It stands in paths, as `me` does.
_USER_ID = re.compile(r"[^\s/?#%\x00-\x1f]{1,64}")
_COLUMNS = "id, user_id, client_id, expires, anonymous, plan, scopes, draw_id, dialect_json"


class TokenRecord(msgspec.Struct, frozen=True):
    """A token that was issued; its text is not kept. `scopes` are separated by spaces.

    `draw_id` is what its chances are drawn by: the client id and, of tokens made by hand, what
    tells those of one client apart.
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

    def has_scope(self, scope: TokenScope) -> bool:
        """Whether the token may do that (AUTH-6)."""
        granted = self.scopes.split()
        return "*" in granted or scope in granted

    @property
    def dialect(self) -> Dialect | None:
        """The dialect that is spoken to this token; None for the server's."""
        return None if self.dialect_json is None else _read_dialect(self.dialect_json)


@functools.lru_cache(maxsize=64)
def _read_dialect(text: str) -> Dialect:
    return decode_json(text, type=Dialect)


class NewToken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A token made by hand (AUTH-6): by settings, where `token` is its text, or by control API.

    `expires_in` is in seconds; `user_id` None makes one up.
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

    def __post_init__(self) -> None:
        """Refuse what no token can be."""
        check_client_id(self.client_id)
        if self.credits < 0:
            raise ValueError("credits must be 0 or more")
        if self.expires_in is not None:
            check_finite("expires_in", self.expires_in)
        if self.user_id is not None and not _USER_ID.fullmatch(self.user_id):
            raise ValueError("user_id must have 1 to 64 characters that can stand in a path")
        if self.token is None:
            return
        if not MIN_TOKEN_LENGTH <= len(self.token) <= MAX_TOKEN_LENGTH:
            raise ValueError(f"token must have {MIN_TOKEN_LENGTH} to {MAX_TOKEN_LENGTH} characters")
        if not has_token_form(self.token):
            raise ValueError('token must be visible ASCII, with no space, " or \\ in it')
        # They are shown, and stored as they are.
        for name in ("client_id", "user_id"):
            if self.token in (getattr(self, name) or ""):
                raise ValueError(f"{name} must not hold the token")


class TokenRepository:
    """The tokens of a store; a scenario may set another `address_limit` while they are in use.

    `begins_anew` tells who asks for one too many what makes the server forget; "" where nothing
    that they can do does.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        lifetime: float,
        address_limit: int | None,
        begins_anew: str = "",
    ) -> None:
        self._store = store
        self._clock = clock
        self._lifetime = lifetime
        self.begins_anew = begins_anew
        self.address_limit = address_limit

    def issue(self, client_id: str, address: str) -> tuple[str, TokenRecord]:
        """A fresh anonymous token and its text; 400 or 429 where the contract refuses one."""
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
        """A token by hand, its text, and whether it is new: a text names one token for ever."""
        if wanted.token is not None:
            self._store.known_tokens.add(wanted.token)
        known = self._find_existing(wanted)
        if known is not None:
            return wanted.token or "", known, False
        if self._store.fetch_value("SELECT 1 FROM tokens WHERE user_id = :id", id=wanted.user_id):
            raise bad_request(f"`user_id` {wanted.user_id!r} has a token already: choose another")
        return *self._insert(wanted, "", draw_id=self._draw_id(wanted)), True

    def _draw_id(self, wanted: NewToken) -> str:
        """The user id that is given; else the client's own id for its first token, then a number.

        Nobody knows a user id that is made up: what it decides would be other in each run.
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

    def _find_existing(self, wanted: NewToken) -> TokenRecord | None:
        return self._store.fetch_one(
            TokenRecord,
            f"SELECT {_COLUMNS} FROM tokens WHERE fingerprint = :fingerprint",
            fingerprint=ids.token_fingerprint(wanted.token or ""),
        )

    def find(self, text: str) -> TokenRecord | None:
        """The live token with this text; None where it is unknown, expired or revoked (AUTH-5)."""
        token = self._store.fetch_one_cached(
            TokenRecord,
            f"""SELECT {_COLUMNS} FROM tokens WHERE fingerprint = :fingerprint
                AND revoked IS NULL""",
            fingerprint=ids.token_fingerprint(text),
        )
        if token is not None:
            self._store.known_tokens.add(text)
        return token if token is not None and token.expires > self._clock.time() else None

    def get(self, token_id: int) -> TokenRecord | None:
        """A token by its id, live or not."""
        return self._store.fetch_one(
            TokenRecord, f"SELECT {_COLUMNS} FROM tokens WHERE id = :id", id=token_id
        )

    def list_all(self) -> list[TokenRecord]:
        """Every token, oldest first."""
        return self._store.fetch_all(TokenRecord, f"SELECT {_COLUMNS} FROM tokens ORDER BY id")

    def update(self, token_id: int, **changes: Any) -> None:
        """Set columns of a token: plan, scopes, expires, dialect_json, revoked."""
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
        }
        token_id = self._store.execute(
            """INSERT INTO tokens (fingerprint, address, created, user_id, client_id, expires,
               anonymous, plan, scopes, dialect_json, draw_id, chosen) VALUES (:fingerprint,
               :address, :created, :user_id, :client_id, :expires, :anonymous, :plan, :scopes,
               :dialect_json, :draw_id, :chosen)""",
            fingerprint=ids.token_fingerprint(text),
            address=address,
            created=now,
            chosen=wanted.token is not None,
            **fields,
        )
        return text, TokenRecord(token_id, **fields)

    def _check_client_rate(self, client_id: str, now: float) -> None:
        """AUTH-3: one live token for each client id."""
        expires = self._store.fetch_value(
            """SELECT max(expires) FROM tokens
               WHERE client_id = :client_id AND anonymous AND revoked IS NULL""",
            client_id=client_id,
        )
        if expires is not None and expires > now:
            ways = [f"another {CLIENT_ID} gets one"]
            reason = f"This {CLIENT_ID} already has a token for this week"
            raise self._rate_limited(reason, expires - now, ways)

    def _check_address_rate(self, address: str, now: float) -> None:
        """AUTH-4: a number of tokens for each address and week, where that is switched on."""
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
            ways = ["address_limit in its settings can be higher"]
            raise self._rate_limited(reason, again - now, ways)

    def _rate_limited(self, reason: str, wait: float, ways: list[str]) -> ContractError:
        """The refusal of the cloud, with the ways out that only a local server has."""
        seconds = str(math.ceil(wait))
        out = [*ways, self.begins_anew] if self.begins_anew else ways
        message = (
            f"{reason}. Use it, or retry in {seconds} s. "
            f"This is a local server: {', and '.join(out)}"
        )
        return ContractError(ResponseCode.RATE_LIMITED, message, {"Retry-After": seconds})


def check_client_id(client_id: str) -> None:
    """AUTH-1, AUTH-2."""
    if not client_id:
        raise bad_request(f"{CLIENT_ID} header is missing or empty: send a UUID, and keep it")
    if len(client_id) > CLIENT_ID_MAX:
        raise bad_request(f"{CLIENT_ID} header is longer than {CLIENT_ID_MAX} characters")
