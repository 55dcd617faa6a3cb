"""The generations of the vendor's interface that are known from public packages.

The contract is generation 1. The vendor's newer command line client speaks generation 2: another
host, paths for projects and files, and a WebSocket. Nothing of it is served here; it is known so
that a call of it can be told apart from a path that does not exist.
"""

import re
from collections.abc import Mapping

from .endpoints import CONTROL_PREFIX, endpoints, find_endpoint

GENERATION_2 = "generation 2 (the vendor's newer command line client), which is not served here"
"""How a call of generation 2 is named in messages."""

GENERATION_2_PLATFORMS = ("cursor", "claude_code", "terminal")
"""Values of `X-Skill-Platform` that clients of generation 2 send; `cursor` is also known to 1."""
_OWN_PLATFORMS = frozenset(GENERATION_2_PLATFORMS) - {"cursor"}
GENERATION_2_POLL_SECONDS = (2.0, 15.0)
"""Clients of generation 2 poll after 2 s, then 1.5 times as late each time, up to 15 s."""

GENERATION_2_TEMPLATES = (
    "/auth/verify",
    "/billing/balance",
    "/projects",
    "/projects/{project}",
    "/projects/{project}/sessions",
    "/files/upload",
    "/api/v1/state/frontend/{project}",
    "/services/v1/render-proxy/lambda",
    "/services/v1/render-proxy/lambda/{render}",
    "/ws/chat",
)
"""The paths of generation 2, as far as public documents show them."""
_VARIABLE = re.compile(r"\\\{\w+\\\}")
_PATTERNS = {
    template: re.compile(_VARIABLE.sub("[^/]+", re.escape(template)))
    for template in GENERATION_2_TEMPLATES
}


def find_generation_2(path: str) -> str | None:
    """Return the template of generation 2 that a path belongs to, or None."""
    return next((name for name, form in _PATTERNS.items() if form.fullmatch(path)), None)


def client_generation(method: str, path: str, headers: Mapping[str, str]) -> int | None:
    """Return the generation that a request belongs to: 1, 2, or None if nothing says which.

    `headers` have names in lower case. A path decides; a platform only where the path is unknown.
    """
    if (found := find_endpoint(method, path)) and not found[1].template.startswith(CONTROL_PREFIX):
        return 1
    if find_generation_2(path):
        return 2
    return 2 if headers.get("x-skill-platform", "").strip().lower() in _OWN_PLATFORMS else None


def known_templates() -> tuple[str, ...]:
    """Return the path templates of both generations."""
    own = (one.template for one in endpoints().values())
    kept = (template for template in own if not template.startswith(CONTROL_PREFIX))
    return (*dict.fromkeys(kept), *GENERATION_2_TEMPLATES)
