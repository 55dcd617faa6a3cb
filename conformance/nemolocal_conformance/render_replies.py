"""Render replies in one form, whichever dialect a server speaks."""

from typing import Any

from .assertions import CheckFailed


def flatten_render(body: Any) -> dict[str, Any]:
    """Return a render reply of either shape as one flat object (REN-4)."""
    if not isinstance(body, dict):
        raise CheckFailed("a render reply", "an object", body)
    if not isinstance(body.get("data"), dict):
        return body
    nested = dict(body["data"])
    url = nested.pop("outputUrl", None)
    return nested | ({"output": {"url": url}} if url else {})
