"""A version of a draft is read as it is stored, whatever was read or written before."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from nemolocal_agent import DraftVersion
from nemolocal_contract.draft import Draft
from nemolocal_server.context import ServerContext, open_context
from nemolocal_server.data.tokens import NewToken
from nemolocal_server.inspection import draft_history
from nemolocal_server.inspection.draft_history import DraftHistory
from nemolocal_server.settings import Settings


def draft(length: int) -> Draft:
    return Draft(tracks=(), duration_ms=length)


@pytest.fixture
def context(tmp_path: Path) -> Iterator[ServerContext]:
    opened = open_context(Settings(data_dir=tmp_path / "data"))
    yield opened
    opened.store.close()


@pytest.fixture
def session(context: ServerContext) -> str:
    with context.store.transaction():
        _, token, _ = context.tokens.create(NewToken(credits=100))
    return context.sessions.create(token, "project", "en").id


def newest_length(context: ServerContext, session: str) -> object:
    return context.sessions.newest_draft(session).duration_ms


def test_version_that_was_rolled_back_is_forgotten(context: ServerContext, session: str) -> None:
    with contextlib.suppress(ZeroDivisionError), context.store.transaction():
        context.sessions.add_version(session, DraftVersion(2, draft(10)))
        assert newest_length(context, session) == 10
        raise ZeroDivisionError
    assert newest_length(context, session) == 0
    context.sessions.add_version(session, DraftVersion(2, draft(20)))
    assert newest_length(context, session) == 20


def test_version_that_loses_a_token_takes_the_place_of_one_that_was_rolled_back(
    context: ServerContext, session: str
) -> None:
    text, _, _ = context.tokens.create(NewToken(token="nmv_usr_0123456789abcdef"))
    with contextlib.suppress(ZeroDivisionError), context.store.transaction():
        context.sessions.add_version(session, DraftVersion(2, draft(10)))
        raise ZeroDivisionError
    named = Draft(tracks=(), duration_ms=20, extra={"note": text})
    context.sessions.add_version(session, DraftVersion(2, named))
    stored = context.sessions.newest_draft(session)
    assert stored.duration_ms == 20
    assert text not in str(stored.extra)


def test_restored_database_is_read_again(
    context: ServerContext, session: str, tmp_path: Path
) -> None:
    context.sessions.add_version(session, DraftVersion(2, draft(10)))
    copy = tmp_path / "copy.sqlite3"
    context.store.back_up(copy)
    context.sessions.add_version(session, DraftVersion(3, draft(30)))
    context.store.restore(copy)
    assert newest_length(context, session) == 10
    context.sessions.add_version(session, DraftVersion(3, draft(40)))
    assert newest_length(context, session) == 40
    context.store.restore(copy)
    assert newest_length(context, session) == 10


def test_the_oldest_comparisons_make_room(
    context: ServerContext, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []

    async def compute(_: object, before: str, after: str, language: str) -> tuple[str, ...]:
        del before, after
        compared.append(language)
        return (f"in {language}",)

    monkeypatch.setattr(draft_history, "_compute", compute)
    monkeypatch.setattr(draft_history, "_MAX_CACHED", 2)
    context.sessions.add_version(session, DraftVersion(2, draft(10)))
    history = DraftHistory(context.store)

    async def describe() -> None:
        for language in ("en", "zh", "zh", "xx", "zh", "en"):
            said = await history.describe(session, 0, 2, language)
            assert said == (f"in {language}",)

    asyncio.run(describe())
    assert compared == ["en", "zh", "xx", "en"]
