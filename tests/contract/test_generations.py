"""Requests of the vendor's newer interface are told apart from unknown paths."""

import pytest

from nemolocal_contract.generations import client_generation, find_generation_2


@pytest.mark.parametrize(
    ("method", "path", "platform", "generation"),
    [
        ("POST", "/run_sse", "unknown", 1),
        ("POST", "/run_sse", "terminal", 1),
        ("GET", "/projects", "", 2),
        ("POST", "/projects/p-1/sessions", "", 2),
        ("GET", "/services/v1/render-proxy/lambda/r-1", "cursor", 2),
        ("GET", "/ws/chat", "", 2),
        ("GET", "/other", "claude_code", 2),
        ("GET", "/other", " Terminal ", 2),
        # Clients of generation 1 send it as well.
        ("GET", "/other", "cursor", None),
        ("GET", "/projects/", "", None),
        ("GET", "/projects/a/b/c", "", None),
        ("GET", "/__nemolocal__/health", "", None),
    ],
)
def test_request_belongs_to_a_generation(
    method: str, path: str, platform: str, generation: int | None
) -> None:
    assert client_generation(method, path, {"x-skill-platform": platform}) == generation


def test_path_has_its_template() -> None:
    assert find_generation_2("/projects/p-1") == "/projects/{project}"
    assert find_generation_2("/api/state/nemo_agent/me/1/latest") is None
