"""Envelopes, headers, endpoints, media and replies: the small parts of the wire."""

import msgspec
import pytest

from nemolocal_contract import endpoints
from nemolocal_contract.endpoints import (
    Attribution,
    ChatRequest,
    RenderRequest,
    bearer_header,
    missing_attribution,
    parse_bearer_token,
)
from nemolocal_contract.media import ACCEPTED_EXTENSIONS, normalize_extension, skill_profile
from nemolocal_contract.responses import (
    Envelope,
    RenderOutput,
    RenderStatus,
    ResponseCode,
    decode_json,
    decode_render,
    encode_json,
    encode_render,
    failure,
    http_status,
    success,
)


def test_envelopes_read_back_as_what_they_say() -> None:
    good = decode_json(encode_json(success({"a": 1})), type=Envelope)
    bad = decode_json(encode_json(failure(ResponseCode.BAD_TOKEN, "no")), type=Envelope)
    assert (good.code, good.data) == (0, {"a": 1})
    assert (bad.code, bad.data, bad.message) == (1001, None, "no")


@pytest.mark.parametrize(
    ("code", "envelope", "http"),
    [
        (ResponseCode.OK, 200, 200),
        (ResponseCode.BAD_TOKEN, 200, 401),
        (ResponseCode.SESSION_NOT_FOUND, 200, 404),
        (ResponseCode.NO_CREDITS, 200, 402),
        (ResponseCode.UNSUPPORTED_FILE, 200, 415),
        (ResponseCode.FILE_TOO_LARGE, 200, 413),
        (ResponseCode.BAD_REQUEST, 400, 400),
        (ResponseCode.EXPORT_BLOCKED, 402, 402),
        (ResponseCode.RATE_LIMITED, 429, 429),
    ],
)
def test_http_status_of_a_code_in_both_styles(code: ResponseCode, envelope: int, http: int) -> None:
    assert (http_status(code), http_status(code, "http")) == (envelope, http)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic abc", "Bearer a b"])
def test_a_malformed_authorization_has_no_token(header: str | None) -> None:
    assert parse_bearer_token(header) is None


def test_a_bearer_token_is_read_as_it_was_written() -> None:
    assert parse_bearer_token(bearer_header("nmv_usr_x")["Authorization"]) == "nmv_usr_x"
    assert parse_bearer_token("bearer nmv_usr_x") == "nmv_usr_x"


def test_missing_attribution_counts_empty_headers_and_ignores_case() -> None:
    headers = Attribution("skill", "1.0").headers()
    assert missing_attribution(headers) == []
    assert missing_attribution({name.lower(): v for name, v in headers.items()}) == []
    assert missing_attribution({**headers, "X-Skill-Version": " "}) == ["X-Skill-Version"]


def test_paths_quote_what_is_put_into_them() -> None:
    path = endpoints.UPLOAD.path(user="me", session="../a b?c")
    assert path == "/api/upload-video/nemo_agent/me/..%2Fa%20b%3Fc"
    assert endpoints.RENDER_STATUS.path(render="..") == "/api/render/proxy/lambda/%2E%2E"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.MP4", "mp4"), ("a.jpeg", "jpg"), ("a.b.wav", "wav"), ("mp4", None), ("a.exe", None)],
)
def test_extension_is_one_of_the_accepted_ones_or_none(name: str, expected: str | None) -> None:
    assert normalize_extension(name) == expected
    assert len(ACCEPTED_EXTENSIONS) == 13


def test_skills_have_their_documented_limits() -> None:
    assert skill_profile("ai-rtk-compressor").upload_limit == 2_000_000_000
    assert skill_profile("4K-with-session").upload_limit == 500_000_000
    assert skill_profile("4k-with-session").resolution == "4k"
    assert skill_profile("someone-else").upload_limit == 2_000_000_000


DONE = RenderStatus("r", "completed", 100, RenderOutput("http://x/y.mp4", 2.5, 10))


def test_a_render_reply_reads_back_in_both_dialects() -> None:
    assert decode_render(encode_render(DONE, "flat")) == DONE
    nested = decode_render(encode_render(DONE, "nested"))
    assert nested == msgspec.structs.replace(DONE, output=RenderOutput("http://x/y.mp4"))


def test_a_failed_render_says_why_in_both_dialects() -> None:
    failed = RenderStatus("r", "failed", 40, error="disk full")
    assert encode_render(failed, "flat") == {
        "id": "r",
        "status": "failed",
        "progress": 40,
        "error": "disk full",
    }
    nested = encode_render(failed, "nested")
    assert nested["success"] is False
    assert decode_render(nested) == failed


def test_a_reply_that_is_no_render_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_render({"status": "completed"})


def test_requests_take_what_the_documents_send() -> None:
    chat = decode_json(
        b'{"app_name":"nemo_agent","user_id":"me","session_id":"1",'
        b'"new_message":{"parts":[{"text":"a"},{"text":"b"}]}}',
        type=ChatRequest,
    )
    assert chat.new_message.text == "a\nb"
    render = decode_json(b'{"id":"render_1","sessionId":"1","draft":{}}', type=RenderRequest)
    assert (render.session_id, render.output.quality) == ("1", "high")
    with pytest.raises(msgspec.ValidationError, match="sessionId"):
        decode_json(b'{"id":"render_1","session_id":"1","draft":{}}', type=RenderRequest)
