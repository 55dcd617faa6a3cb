"""What `output` has besides what is known is accepted, left aside and named in the journal."""

from typing import Any

import pytest

from tests.support import patient_http
from tests.support.http_caller import HttpCaller

JOURNAL = "/__nemolocal__/journal"


def submit(caller: HttpCaller, output: Any) -> dict[str, Any]:
    body = {
        "id": "render_1", "sessionId": caller.session, "draft": caller.draft(), "output": output,
    }  # fmt: skip
    return caller.post("/api/render/proxy/lambda", json=body)


def last_entry(caller: HttpCaller) -> dict[str, Any]:
    entry: dict[str, Any] = caller.get(JOURNAL)["entries"][-1]
    assert entry["endpoint"] == "render"
    return entry


@pytest.mark.slow
@pytest.mark.rule("REN-1")
def test_unknown_keys_are_accepted_and_named_in_every_format(edited: HttpCaller) -> None:
    output = {"format": "mp4", "quality": "low", "codec": "h265", "crf": 18, "a": {"b": [1]}}
    assert submit(edited, output)["status"] == "pending"
    assert last_entry(edited)["unknown"] == ["output.codec", "output.crf", "output.a"]
    har = patient_http.get(f"{edited.http.base_url}{JOURNAL}?format=har").json()
    reported = har["log"]["entries"][-1]["_nemolocal"]["unknown"]
    assert reported == ["output.codec", "output.crf", "output.a"]


@pytest.mark.slow
@pytest.mark.parametrize("output", [{}, {"format": "mp4", "quality": "high", "fps": 24}])
def test_where_all_is_known_nothing_is_named(edited: HttpCaller, output: dict[str, Any]) -> None:
    submit(edited, output)
    assert last_entry(edited)["unknown"] == []


@pytest.mark.slow
def test_what_is_known_and_wrong_is_refused_by_its_path(edited: HttpCaller) -> None:
    reply = submit(edited, {"crf": 18, "fps": 900})
    assert reply["code"] == 400
    assert "$.output.fps" in reply["message"]


@pytest.mark.slow
def test_names_without_end_and_tokens_among_them_are_not_kept(edited: HttpCaller) -> None:
    token = edited.http.headers["Authorization"].removeprefix("Bearer ")
    submit(edited, {token: 1, "x" * 5000: 1, **{f"key{n}": n for n in range(500)}})
    named = last_entry(edited)["unknown"]
    assert named[0] == "output.[token]"
    assert (len(named), max(map(len, named))) == (20, 100)
