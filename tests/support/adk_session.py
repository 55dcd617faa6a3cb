"""A session with Google's ADK api_server: what is said to the agent of `fixtures/adk_agents`.

`python -m tests.support.adk_session URL FILE` records one with a running server.
"""

import sys
from pathlib import Path

import httpx

from nemolocal_conformance.target import turn_body
from nemolocal_contract.endpoints import APP_NAME, CHAT
from tests.support.recorder import running_recorder

MESSAGES = ("hello", "add a title", "add a title silently")


def play_adk_session(base_url: str) -> None:
    """Open a session, say each message, and make calls that are refused."""
    with httpx.Client(base_url=base_url, timeout=120, trust_env=False) as http:
        opened = http.post(f"/apps/{APP_NAME}/users/me/sessions", json={})
        session = str(opened.raise_for_status().json()["id"])
        for message in MESSAGES:
            http.post(CHAT.path(), json=turn_body(session, message)).raise_for_status()
        http.post(CHAT.path(), json=turn_body("no-session", "hello"))
        http.post(CHAT.path(), json={"session_id": session})


if __name__ == "__main__":
    with running_recorder(sys.argv[1], Path(sys.argv[2])) as recorder:
        play_adk_session(recorder.base_url)
