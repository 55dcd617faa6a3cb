"""The headers of the contract: who calls, with which token, for which skill."""

from collections.abc import Mapping

import msgspec

AUTHORIZATION = "Authorization"
CLIENT_ID = "X-Client-Id"
SKILL_SOURCE = "X-Skill-Source"
SKILL_VERSION = "X-Skill-Version"
SKILL_PLATFORM = "X-Skill-Platform"
ATTRIBUTION = (SKILL_SOURCE, SKILL_VERSION, SKILL_PLATFORM)

# Not the contract's: asks a server of ours for faults in this one request (`cut-fin;after=2`).
FAULT = "X-Nemolocal-Fault"
# Nor this one: opens the control interface of a server of ours that demands it.
CONTROL_TOKEN = "X-Nemolocal-Control-Token"

CLIENT_ID_MAX = 64

ANONYMOUS_TOKEN_PREFIX = "nmv_usr_"
CLAIM_TOKEN_PREFIX = "clm_"
ANONYMOUS_USER_PREFIX = "anon_"


class Attribution(msgspec.Struct, frozen=True):
    """The skill on whose behalf a client calls (GEN-4, CLI-1)."""

    source: str
    version: str
    platform: str = "unknown"

    def headers(self) -> dict[str, str]:
        """The three attribution headers."""
        return {
            SKILL_SOURCE: self.source,
            SKILL_VERSION: self.version,
            SKILL_PLATFORM: self.platform,
        }


def missing_attribution(headers: Mapping[str, str]) -> list[str]:
    """The attribution headers that a request lacks or leaves empty (REN-2)."""
    present = {name.lower() for name, value in headers.items() if value.strip()}
    return [name for name in ATTRIBUTION if name.lower() not in present]


def bearer_header(token: str) -> dict[str, str]:
    """The header that carries a token (GEN-3)."""
    return {AUTHORIZATION: f"Bearer {token}"}


def parse_bearer_token(authorization: str | None) -> str | None:
    """The token in an Authorization header, or None where it is missing or malformed."""
    scheme, _, token = (authorization or "").partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or " " in token:
        return None
    return token


def control_headers(token: str) -> dict[str, str]:
    """The header that opens a control interface; none where there is no token."""
    return {CONTROL_TOKEN: token} if token else {}
