"""What somebody finds who reads the journal while it is written."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import JOURNAL
from nemolocal_server.journal.journal_search import JournalFilter, JournalSearch
from nemolocal_server.serving import LocalServer
from tests.support.http_caller import HttpCaller
from tests.support.servers import server_settings


class Journal:
    """The journal of a server after some requests."""

    def __init__(self, server: LocalServer) -> None:
        self._server = server

    def find(self, **wanted: str) -> list[int]:
        """The ids of what is found, newest first; counting it gives the same number."""
        # Written first, so that nothing waits.
        httpx.get(f"{self._server.base_url}{JOURNAL.template}").raise_for_status()

        async def search() -> list[int]:
            services: Any = self._server.app.state.services
            found = JournalSearch(services.context.store)
            chosen, until = JournalFilter(**wanted), found.newest_id
            entries = found.page(chosen, until, 0, 100)
            assert found.count(chosen, until) == len(entries)
            assert [entry.id for entry in found.read(chosen, until)] == [
                entry.id for entry in reversed(entries)
            ]
            return [entry.id for entry in entries]

        return self._server.call(search())


@pytest.fixture(scope="module")
def journal(sample: Path) -> Iterator[Journal]:
    """1 token, 2 session, 3 upload, 4 chat, 5 chat (silent), 6 balance (limited), 7 no endpoint."""
    with LocalServer(server_settings(), ManualClock(autojump=True)) as server:
        caller = HttpCaller(server.base_url).connect()
        caller.upload(sample)
        escaped = json.dumps(caller.turn('say "你好" 100%_sure'), ensure_ascii=True)
        headers = {"Content-Type": "application/json", "X-Skill-Source": "other-skill"}
        caller.http.post("/run_sse", content=escaped, headers=headers)
        caller.chat("make it black and white", fault="silent")
        caller.http.get(
            "/api/credits/balance/simple", headers={"X-Nemolocal-Fault": "rate-limited"}
        )
        caller.http.get("/nothing?status=404")
        yield Journal(server)
        caller.http.close()


@pytest.mark.parametrize(
    ("wanted", "ids"),
    [
        ({}, [7, 6, 5, 4, 3, 2, 1]),
        ({"endpoint": "chat"}, [5, 4]),
        ({"endpoint": "other"}, [7]),
        ({"status": "failed"}, [7, 6]),
        ({"status": "404"}, [7]),
        ({"status": "429"}, [6]),
        ({"status": "ok", "endpoint": "chat"}, [5, 4]),
        ({"status": "silent"}, [5]),
        ({"fault": "any"}, [6, 5]),
        ({"fault": "silent"}, [5]),
        ({"fault": "sil"}, []),
        ({"client": "other-SKILL"}, [4]),
        ({"client": "nobody"}, []),
        ({"text": "你好"}, [4]),
        ({"text": 'say "你好"'}, [4]),
        ({"text": "100%_"}, [4]),
        ({"text": "100%"}, [4]),
        ({"text": "1__%"}, []),
        ({"text": "Black and WHITE"}, [5]),
        # The names of the fields of an entry are not what anybody looks for.
        ({"text": "request_body"}, []),
        ({"text": "nothing?status"}, [7]),
    ],
)
def test_filters_find_what_they_say(
    journal: Journal, wanted: dict[str, str], ids: list[int]
) -> None:
    assert journal.find(**wanted) == ids


@pytest.mark.parametrize("text", ["'", '"', "%", "\\", "_", "' OR 1=1 --", "\u2028", "x" * 200])
def test_no_text_breaks_the_query(journal: Journal, text: str) -> None:
    assert len(journal.find(text=text)) <= 7
    assert journal.find(client=text, fault=text, session=text, endpoint=text) == []
