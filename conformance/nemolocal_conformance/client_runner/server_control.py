"""Calls to the control API of a local server: arm faults, read the journal."""

from collections.abc import Iterable
from typing import Any

import httpx

from nemolocal_contract.endpoints import FAULTS_ARM, JOURNAL, control_headers

from ..traffic.journal import LoadedJournal
from ..traffic.journal_reader import parse_journal

ServerTransport = httpx.BaseTransport | None
"""How a server is reached: None is the network."""


def fetch_journal(
    base_url: str, transport: ServerTransport = None, control_token: str = ""
) -> tuple[LoadedJournal, bytes]:
    """Return the journal of a local server, and its lines as they can be kept in a file."""
    with _open_client(base_url, transport, control_token) as http:
        reply = http.get(JOURNAL.template, params={"format": "jsonl"}).raise_for_status()
    # Without any request there is no line, which is not a journal file either.
    lines = reply.content
    return parse_journal(lines) if lines.strip() else LoadedJournal(()), lines


def arm_faults(
    base_url: str, orders: Iterable[dict[str, Any]], transport: ServerTransport = None
) -> None:
    """Arm faults in their order; each is a fault specification of the control API."""
    with _open_client(base_url, transport) as http:
        for order in orders:
            http.post(FAULTS_ARM.template, json=order).raise_for_status()


def _open_client(
    base_url: str, transport: ServerTransport, control_token: str = ""
) -> httpx.Client:
    headers = control_headers(control_token)
    return httpx.Client(base_url=base_url, transport=transport, trust_env=False, headers=headers)
