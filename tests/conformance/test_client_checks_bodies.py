"""Checks of request bodies: what passes, what fails, and what a journal cannot show."""

from typing import Any

import pytest

from nemolocal_conformance.client_checks import request_bodies
from tests.support.journal_builder import DRAFT, SESSION, JournalBuilder, VerdictOf, check_ids

PARTS = {"parts": [{"text": "trim"}]}
CHAT = {"session_id": SESSION, "new_message": PARTS}
RENDER = {"id": "render_1", "sessionId": SESSION, "draft": DRAFT}
CLAIM = {"task_id": "task", "session_id": SESSION}
URLS = {"urls": ["https://example.com/a.mp4"], "source_type": "url"}
# By check: the endpoint, bodies that pass, and bodies that fail.
CASES: dict[str, tuple[str, list[Any], list[Any]]] = {
    "client.body.session": (
        "session",
        [{"task_name": "project"}, {"task_name": "project", "language": None}],
        [{}, {"name": "project"}, {"task_name": ""}, {"task_name": "project", "language": 7}],
    ),
    "client.body.upload": (
        "upload",
        [URLS, "<multipart/form-data: 300 bytes>"],
        ["<video/mp4: 300 bytes>", {**URLS, "urls": []}, {**URLS, "urls": [1]}, {"urls": ["x"]}],
    ),
    "client.body.chat": (
        "chat",
        [CHAT, {**CHAT, "app_name": "nemo_agent", "user_id": "me"}],
        [
            {"new_message": PARTS}, {"session_id": SESSION, "message": "trim"},
            {**CHAT, "new_message": {"parts": [{"text": ""}]}}, {**CHAT, "app_name": "another"},
            {**CHAT, "new_message": {"parts": ["trim"]}}, {**CHAT, "user_id": 7}, ["trim"],
        ],
    ),
    "client.body.render": (
        "render",
        [RENDER, {**RENDER, "output": {}}, {**RENDER, "output": {"format": "mp4", "crf": 20}}],
        [
            {**RENDER, "id": ""}, {"id": "render_1", "session_id": SESSION, "draft": DRAFT},
            {**RENDER, "draft": None}, {**RENDER, "output": "mp4"},
            {**RENDER, "output": {"format": "mov"}}, {**RENDER, "output": {"quality": 1}},
        ],
    ),
    "client.body.claim": ("claim_token", [CLAIM], [{"task_id": "task"}, {"session_id": SESSION}]),
}  # fmt: skip


@pytest.mark.rule("SES-1", "UPL-1", "SSE-1", "REN-1", "AUTH-7")
@pytest.mark.parametrize("check", CASES)
def test_body_is_checked_field_by_field(check: str, verdict: VerdictOf) -> None:
    endpoint, good, bad = CASES[check]
    for body in good:
        assert verdict(check, JournalBuilder().request(endpoint, body=body)).outcome == "passed"
    for body in bad:
        found = verdict(check, JournalBuilder().request(endpoint, body=body))
        assert found.outcome == "failed", body
        assert found.expected


def test_every_check_of_bodies_has_cases() -> None:
    assert set(CASES) == check_ids(request_bodies)


@pytest.mark.parametrize("check", CASES)
def test_body_that_was_not_read_is_not_judged(
    check: str, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    """The server refuses a request by its headers alone, or the connection breaks."""
    builder.request(CASES[check][0], code=1001)
    assert verdict(check, builder).outcome == "not applicable"


@pytest.mark.parametrize("check", CASES)
def test_body_that_the_journal_cuts_off_is_inconclusive(
    check: str, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.request(CASES[check][0], body='{"id": "cut o')
    assert verdict(check, builder).outcome == "not judgeable"


@pytest.mark.parametrize("check", CASES)
def test_body_of_an_odd_media_type_is_inconclusive(
    check: str, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    """No rule names the media type of JSON; the journal keeps the text of the usual ones only."""
    builder.request(CASES[check][0], body="<application/octet-stream: 39 bytes>")
    assert verdict(check, builder).outcome == "not judgeable"


@pytest.mark.parametrize("check", CASES)
def test_missing_body_fails_unless_an_archive_left_it_out(
    check: str, builder: JournalBuilder, verdict: VerdictOf
) -> None:
    builder.request(CASES[check][0])
    assert verdict(check, builder).outcome == "failed"
    assert verdict(check, builder.journal(has_endings=False)).outcome == "not applicable"
    builder.replace_last(request_headers={"content-length": "300"})
    assert verdict(check, builder).outcome == "not applicable"
