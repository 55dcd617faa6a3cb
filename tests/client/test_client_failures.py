"""All styles of failure are read, and every error is one line that says the way out."""

import json
from typing import Any

import pytest

from nemolocal_client import (
    BadReply,
    BadRequest,
    BadToken,
    ExportBlocked,
    FileTooLarge,
    NemoError,
    OutOfCredits,
    RateLimited,
    SessionNotFound,
    UnsupportedFile,
    errors,
)
from nemolocal_client.operations import DownloadResult, HttpResponse, Secret, StreamOpened
from nemolocal_client.response_errors import data_of, error_of, render_status_of, stream_error_of
from nemolocal_contract.responses import Balance

BY_CODE = [
    (1001, 401, BadToken),
    (1002, 404, SessionNotFound),
    (2001, 402, OutOfCredits),
    (4001, 415, UnsupportedFile),
    (4002, 413, FileTooLarge),
    (400, 400, BadRequest),
    (402, 402, ExportBlocked),
    (429, 429, RateLimited),
]


def reply(body: Any, status: int = 200, call: str = "GET /x", location: str = "") -> HttpResponse:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpResponse(call, status, content, location)


@pytest.mark.parametrize(("code", "status", "kind"), BY_CODE)
def test_envelope_style_is_read_at_http_200_and_at_the_fitting_status(
    code: int, status: int, kind: type[NemoError]
) -> None:
    body = {"code": code, "message": "why", "data": None}
    for shown in (200, status):
        failure = error_of(reply(body, shown))
        assert type(failure) is kind
        assert failure.code == code


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, {"detail": "Session not found: 123"}, SessionNotFound),
        (422, {"detail": [{"loc": ["body", "session_id"], "msg": "required"}]}, BadRequest),
        (422, {"detail": ["odd", {"msg": "bad"}]}, BadRequest),
        (404, {"detail": "Not Found"}, BadReply),
    ],
)
def test_adk_style_is_read(status: int, body: Any, kind: type[NemoError]) -> None:
    assert type(error_of(reply(body, status))) is kind


def test_adk_complaints_name_the_field() -> None:
    body = {"detail": [{"loc": ["body", "session_id"], "msg": "required"}]}
    assert "body.session_id required" in str(error_of(reply(body, 422)))


def test_bare_402_is_the_plan_on_export_and_the_balance_elsewhere() -> None:
    assert type(error_of(reply(b"", 402, "POST /api/render/proxy/lambda"))) is ExportBlocked
    assert type(error_of(reply(b"", 402, "POST /run_sse"))) is OutOfCredits


def test_proxy_that_refuses_a_large_body_is_read_as_too_large() -> None:
    assert type(error_of(reply(b"<html>", 413))) is FileTooLarge


@pytest.mark.parametrize("status", [200, 500, 502])
def test_html_is_an_unreadable_reply(status: int) -> None:
    failure = error_of(reply(b"<html>oops</html>", status))
    assert type(failure) is BadReply
    assert f"HTTP {status} without JSON" in str(failure)


def test_code_that_the_contract_does_not_know_is_kept() -> None:
    failure = error_of(reply({"code": 7777, "message": "odd"}))
    assert type(failure) is BadReply
    assert failure.code == 7777
    assert "odd" in str(failure)


def test_redirect_names_the_new_address() -> None:
    failure = error_of(reply(b"", 301, location="https://new.example/x"))
    assert "use https://new.example/x instead" in str(failure)


def test_success_and_what_is_no_whole_reply_are_no_failure() -> None:
    assert error_of(reply({"code": 0, "data": {}})) is None
    assert error_of(reply({"id": "render_1", "status": "failed"})) is None
    assert error_of(StreamOpened()) is None
    assert error_of(DownloadResult(1, True)) is None


def test_code_0_at_an_error_status_is_a_failure() -> None:
    assert type(error_of(reply({"code": 0, "data": {}}, 500))) is BadReply


def test_deeply_nested_reply_is_unreadable_and_not_a_crash() -> None:
    assert type(error_of(reply(b"[" * 100_000))) is BadReply


def test_anonymous_user_without_credits_gets_the_registration_link() -> None:
    said = "No credits. Register: https://nemo.example/register?bind=anon_7."
    failure = error_of(reply({"code": 2001, "message": said}))
    assert isinstance(failure, OutOfCredits)
    assert failure.registration_url == "https://nemo.example/register?bind=anon_7"
    assert str(failure) == f"not enough credits: register at {failure.registration_url}"


def test_anonymous_user_gets_the_bind_id_even_if_the_backend_gives_no_link() -> None:
    failure = error_of(reply({"code": 2001, "message": "no"}), user_id="anon_7")
    assert "?bind=anon_7" in str(failure)


def test_registered_user_without_credits_is_told_to_top_up() -> None:
    failure = error_of(reply({"code": 2001, "message": "no"}), user_id="user_7")
    assert str(failure) == "not enough credits: top up credits in your account"


def test_4001_lists_what_is_accepted_once() -> None:
    assert "use one of mp4, mov," in str(UnsupportedFile("x.txt is text"))
    listed = f"Unsupported. Accepted: {UnsupportedFile.remedy.removeprefix('use one of ')}"
    assert str(UnsupportedFile(listed)).count("mp4") == 1


def test_4002_suggests_to_compress_or_trim() -> None:
    assert "compress or trim" in str(FileTooLarge())


def test_402_speaks_of_the_plan_and_never_of_credits() -> None:
    failure = error_of(reply({"code": 402, "message": "not enough credits"}, 402))
    assert str(failure) == (
        "export is blocked on this plan: register or upgrade your plan to unlock export"
    )


def test_tokens_in_the_words_of_the_backend_are_not_repeated() -> None:
    said = "bad nmv_usr_abc.def-1 or clm_abc or Bearer xyz or hidden-token"
    failure = error_of(reply({"code": 1001, "message": said}), secret=Secret("hidden-token"))
    for leak in ("abc", "def", "xyz", "hidden-token"):
        assert leak not in str(failure)


def test_every_error_is_one_short_line_with_a_way_out() -> None:
    kinds = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, NemoError)]
    assert len(kinds) > 15
    for kind in kinds:
        error = kind("a\nb " + "x" * 1000)
        assert "\n" not in str(error)
        assert len(str(error)) < 700
        assert error.remedy


def test_error_in_a_stream_is_read() -> None:
    assert type(stream_error_of('{"code":2001,"message":"no"}')) is OutOfCredits
    for harmless in ('{"code":0}', "nonsense", "[]", '{"content":{}}', '{"code":"x"}', "[" * 99999):
        assert stream_error_of(harmless) is None


def test_data_outside_the_contract_names_the_field() -> None:
    with pytest.raises(BadReply, match=r"\$\.available"):
        data_of(reply({"code": 0, "data": {"available": "many"}}), Balance)
    with pytest.raises(BadReply, match="returned no data"):
        data_of(reply({"code": 0}), Balance)
    with pytest.raises(BadReply, match="Opened"):
        data_of(StreamOpened(), Balance)


def test_figures_written_as_text_or_with_a_point_are_read() -> None:
    body = {"code": 0, "data": {"available": "5", "frozen": 1.0, "total": 6}}
    assert data_of(reply(body), Balance) == Balance(5, 1, 6)


def test_render_outside_the_contract_is_unreadable() -> None:
    with pytest.raises(BadReply, match="outside the contract"):
        render_status_of(reply({"id": "x", "status": "odd"}))
