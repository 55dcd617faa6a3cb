"""What is kept of a base URL besides its sessions: the client id and the tokens, as a record."""

import hashlib
import re
from urllib.parse import urlsplit

import msgspec

from nemolocal_contract.endpoints import CLIENT_ID_MAX, CLOUD_BASE_URL

from .operations import SavedToken, Secret

# So many tokens of a base URL are kept besides the newest.
_EARLIER_MAX = 31


class _TokenRecord(msgspec.Struct, frozen=True):
    token: str
    expires_at: float
    user_id: str = ""


class ProfileRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a base URL: the client id, and its tokens, the newest one here."""

    base_url: str
    token: str = ""
    expires_at: float = 0.0
    user_id: str = ""
    client_id: str = ""
    earlier: tuple[_TokenRecord, ...] = ()

    @property
    def tokens(self) -> tuple[SavedToken, ...]:
        newest = _TokenRecord(self.token, self.expires_at, self.user_id)
        return tuple(
            SavedToken(Secret(each.token), each.expires_at, each.user_id)
            for each in (newest, *self.earlier)
            if each.token
        )

    def with_token(self, kept: SavedToken) -> "ProfileRecord":
        newest, *earlier = (
            _TokenRecord(each.token.reveal(), each.expires_at, each.user_id)
            for each in prepend_token(kept, self.tokens)
        )
        fields = msgspec.structs.asdict(newest)
        return msgspec.structs.replace(self, **fields, earlier=tuple(earlier))


def token_file_names(base_url: str) -> tuple[str, str]:
    """Where a base URL may have its tokens; others may have the first name, too."""
    digest = hashlib.sha256(base_url.encode(errors="surrogatepass")).hexdigest()[:8]
    return profile_file_name("token", base_url, "json"), profile_file_name(
        "token", f"{base_url}-{digest}", "json"
    )


def is_cloud(base_url: str) -> bool:
    """Whether it is the cloud itself, however its address is written."""
    try:
        return urlsplit(base_url).hostname == urlsplit(CLOUD_BASE_URL).hostname
    except ValueError:
        return False


def is_valid_client_id(client_id: str) -> bool:
    """Whether a header takes it (AUTH-1)."""
    return 0 < len(client_id) <= CLIENT_ID_MAX and client_id.isascii() and client_id.isprintable()


def prepend_token(kept: SavedToken, others: tuple[SavedToken, ...]) -> tuple[SavedToken, ...]:
    """The tokens of a base URL with this one as the newest."""
    rest = [other for other in others if other.token != kept.token]
    return (kept, *rest[:_EARLIER_MAX])


def profile_file_name(kind: str, base_url: str, ending: str) -> str:
    """What a base URL has on disk, by a name that every file system takes."""
    return f"{kind}-{re.sub(r'[^A-Za-z0-9.]+', '-', base_url).strip('-')}.{ending}"
