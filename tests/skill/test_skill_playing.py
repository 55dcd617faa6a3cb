"""Documents played against an answering machine: whatever they say, nothing is raised."""

import contextlib
from pathlib import Path

import httpx
import pytest
from hypothesis import given, strategies as st

from nemolocal_client import BadAttribution
from nemolocal_contract.clock import ManualClock
from nemolocal_skill import SkillCallResult, SkillRunTarget, parse_skill, run_skill

SKILLS = Path(__file__).parents[2] / "fixtures" / "skills"
CLEAN = (SKILLS / "clean.md").read_bytes()
GOOD = {
    "code": 0,
    "data": {
        "token": "nmv_usr_1", "credits": 100, "session_id": "1", "task_id": "t", "id": "render_1",
        "status": "completed", "url": "https://h/x", "cdn_url": "https://h/y", "file_type": "video",
        "available": 1, "frozen": 0, "total": 1, "video_infos": [], "generated_media": [],
        "draft": {"t": [{"tt": 0, "sg": [{"id": "a"}]}]},
    },
}  # fmt: skip


def play(
    content: bytes, *replies: httpx.Response
) -> tuple[list[SkillCallResult], list[httpx.Request]]:
    """The answers to a document, and the requests; the last reply is given to all the rest."""
    left, asked = list(replies or [httpx.Response(200, json=GOOD)]), []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        reply = left.pop(0) if len(left) > 1 else left[0]
        return httpx.Response(reply.status_code, headers=reply.headers, content=reply.content)

    transport = httpx.MockTransport(answer)
    with httpx.Client(base_url="http://127.0.0.1:1", transport=transport) as http:
        stage = SkillRunTarget(
            http, SKILLS / "clean.md", "http://127.0.0.1:1/f", ManualClock(), lambda: ()
        )
        return list(run_skill(parse_skill(content, Path("SKILL.md")), stage)), asked


def script(*lines: str) -> bytes:
    return "\n".join(("```sh", *lines, "```")).encode()


@pytest.mark.slow
@given(st.integers(0, len(CLEAN)), st.integers(0, 60), st.binary(max_size=6))
def test_any_damage_to_a_document_is_played(at: int, length: int, put: bytes) -> None:
    # A name that no header can carry is told before anything is sent.
    with contextlib.suppress(BadAttribution):
        play(CLEAN[:at] + put + CLEAN[at + length :])


SCRAPS = st.sampled_from(
    [" ", "-H ", "-d ", "-F ", "-X ", '"', "'", "A: ", "é", "$TOKEN", "$A", "<sid>", "{", "}", ":",
     "$(date)", "https://h/", "$API/api/x", "/run_sse", "files=@a", "\t", "@", "\\", "\n", "A=$A$B"]
)  # fmt: skip


@pytest.mark.slow
@given(st.lists(SCRAPS, max_size=12), st.sampled_from([200, 204, 302, 404, 500]))
def test_any_scraps_of_commands_are_played(scraps: list[str], status: int) -> None:
    reply = httpx.Response(status, content=b"<html>")
    play(script("A=1", "curl $API/api/credits/balance/simple " + "".join(scraps)), reply)


def test_values_that_name_values_neither_nest_nor_grow_without_bound() -> None:
    doubling = [f"A{n}=$A{n + 1}$A{n + 1}" for n in range(100)]
    answers, asked = play(script(*doubling, "A100=x", 'curl "$API/api/x?a=$A0&b=$A90"'))
    assert len(answers) == 1
    assert asked[0].url.params["b"] == "x" * 1024
    loop = script("A=$B", "B=$A", "curl $API/api/x/$A")
    assert play(loop)[1][0].url.path == "/api/x/"


def test_headers_of_any_alphabet_are_sent_as_they_are() -> None:
    _, (_, request) = play(script("curl $API/api/x -H 'X-U: ä' -H \"A: $TOKEN\""))
    assert (b"X-U", b"\xc3\xa4") in request.headers.raw
    assert request.headers["a"] == "nmv_usr_1"


def test_what_is_sent_is_what_curl_would_send() -> None:
    _, asked = play(
        script(
            "curl -X POST $API/run_sse -d 'a=<msg>' -d b",
            'curl $API/api/x --json \'{"a":"\'"$SKILL_NAME"\'","d":<draft>}\'',
            "curl $API/api/x -F files=@/etc/passwd -F 'note=<lang>'",
            "curl $API/api/x -d @/etc/passwd",
            "curl $API/api/x --data-raw @x",
        )
    )
    (plain,) = (request for request in asked if request.url.path == "/run_sse")
    json, form, own, raw = (request for request in asked if request.url.path == "/api/x")
    assert plain.content == b"a=trim to the first 2 seconds&b"
    assert plain.headers["content-type"] == "application/x-www-form-urlencoded"
    assert json.content == b'{"a":"unknown","d":{"t":[{"tt":0,"sg":[{"id":"a"}]}]}}'
    assert json.headers["content-type"] == "application/json"
    assert b'filename="clean.md"' in form.content
    assert b"root:" not in form.content + own.content
    assert form.content.count(b'name="note"\r\n\r\nen\r\n') == 1
    assert own.content == b""
    assert raw.content == b"@x"


def test_render_is_asked_for_until_it_ends() -> None:
    def state(status: str) -> httpx.Response:
        return httpx.Response(200, json={"id": "r", "status": status, "error": "no disk"})

    poll = script(
        "curl -X POST $API/api/render/proxy/lambda", "curl $API/api/render/proxy/lambda/<id>"
    )
    submitted, *polls = (state(s) for s in ("pending", "pending", "processing", "failed"))
    answers, asked = play(poll, submitted, *polls)
    assert len(asked) == 4
    assert [(answer.as_said, answer.summary) for answer in answers] == [
        (True, "id r, status pending"),
        (False, "failed: no disk"),
    ]


@pytest.mark.parametrize(
    ("reply", "reported"),
    [
        (
            httpx.Response(200, json={"code": 0}),
            "the document promises available, but the response lacks it",
        ),
        (httpx.Response(200, json={"code": 2001, "message": "no"}), "no (the document: Pay.)"),
        (httpx.Response(404, json={"detail": "Session not found: 1"}), "Session not found: 1"),
        (httpx.Response(500, text="<html>"), "no message"),
        (httpx.Response(307), "no message"),
    ],
)
def test_answer_that_is_not_as_said_is_told(reply: httpx.Response, reported: str) -> None:
    text = "GET /api/credits/balance/simple — returns available\n\n- 2001 — Pay.\n\n"
    answers, _ = play(text.encode() + script("curl $API/api/credits/balance/simple"), reply)
    assert [(answer.as_said, answer.summary) for answer in answers] == [(False, reported)]


def test_server_that_hangs_up_is_told() -> None:
    def hang_up(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("gone", request=request)

    with httpx.Client(
        base_url="http://127.0.0.1:1", transport=httpx.MockTransport(hang_up)
    ) as http:
        stage = SkillRunTarget(http, SKILLS / "clean.md", "", ManualClock(), lambda: ())
        skill = parse_skill(script("curl $API/api/x"), Path("SKILL.md"))
        (answer,) = run_skill(skill, stage)
    assert (answer.status, answer.code, answer.summary) == (0, None, "no response: ReadError")


def test_chat_without_a_stream_is_not_as_said_and_a_silent_one_is() -> None:
    chat = script("curl $API/run_sse -d '{}'")
    assert play(chat)[0][0].summary == "expected an event stream, got application/json"
    kind = {"content-type": "text/event-stream; charset=utf-8"}
    silent = httpx.Response(200, headers=kind, content=b"data:\n\n")
    assert play(chat, silent)[0][0].summary == "no text: the state shows what changed"
    said = httpx.Response(200, headers=kind, content=b'data: {"type":"text","content":"Hi"}\n\n')
    assert play(chat, said)[0][0].summary == "Hi"


def test_text_that_states_nothing_sends_nothing_but_the_contracts_bodies() -> None:
    answers, asked = play(b"POST /run_sse, and GET /api/credits/balance/simple")
    assert len(answers) == 8
    assert all("x-skill-source" not in request.headers for request in asked)
    chat = next(request for request in asked if request.url.path == "/run_sse")
    assert b'"new_message":{"parts":[{"text":"trim' in chat.content
    assert "the document shows no body: sending the contract's" in answers[3].notes
    assert not [request for request in asked if "x-client-id" in request.headers]


@pytest.mark.rule("CLI-1")
def test_attribution_is_right_whatever_a_document_calls_its_variables() -> None:
    head = b"---\nname: my-skill\nversion: 1.2.3\n---\n"
    named = ["NAME", "VERSION", "SOURCE"]
    given = zip(["Source", "Version", "Platform"], named, strict=True)
    options = " ".join(f'-H "X-Skill-{header}: $SKILL_{name}"' for header, name in given)
    _, (request,) = play(head + script(f"curl $API/api/x {options}"))
    sent = [request.headers[f"x-skill-{name}"] for name in ("source", "version", "platform")]
    assert sent == ["my-skill", "1.2.3", "unknown"]
    _, (request,) = play(head + script('curl $API/api/x -H "X-Skill-Source: $SKILL_SOURCE"'))
    assert request.headers["x-skill-source"] == "my-skill"


TOKEN = "curl -X POST $API/api/auth/anonymous-token"


@pytest.mark.rule("AUTH-3")
def test_second_token_call_is_answered_from_the_known_token() -> None:
    answers, asked = play(script(f"{TOKEN} -H 'X-Client-Id: a'", f"{TOKEN} -H 'X-Client-Id: $A'"))
    assert len(asked) == 1
    assert (answers[1].status, answers[1].as_said) == (0, True)
    assert answers[1].summary == "not called again: the token of call 1 is valid for 7 days"
    _, asked = play(script(f"{TOKEN} -H 'X-Client-Id: a'", TOKEN))
    assert len(asked) == 2


def test_token_that_is_fetched_first_is_not_the_one_of_the_document() -> None:
    _, asked = play(
        script('curl $API/api/x -H "A: $TOKEN"', f'{TOKEN} -H "X-Client-Id: <your-uuid>"')
    )
    first, _, own = (request.headers.get("x-client-id") for request in asked)
    assert first != own
    assert own


def test_placeholder_means_what_its_place_means() -> None:
    chat = '{"session_id":"{the_one}","new_message":{"parts":[{"text":"<what they said>"}]}}'
    answers, asked = play(
        script(
            "curl $API/api/state/nemo_agent/<someone>/<whatever>/latest -H 'Authorization: <x>'",
            f"curl -N $API/run_sse -d '{chat}'",
            'curl $API/api/render/proxy/lambda -d \'{"id":"<another>"}\'',
        )
    )
    by_path = {request.url.path: request for request in asked}
    assert by_path["/api/state/nemo_agent/me/1/latest"].headers["authorization"] == "nmv_usr_1"
    assert b'"session_id":"1"' in by_path["/run_sse"].content
    assert b'"text":"trim to the first 2 seconds"' in by_path["/run_sse"].content
    assert b"<" not in by_path["/api/render/proxy/lambda"].content
    assert [answer.notes for answer in answers if "not set" in str(answer.notes)] == []


def test_call_with_a_placeholder_that_means_nothing_is_not_made() -> None:
    answers, asked = play(script('curl "$API/api/x?a=<mystery>&b=<lang>"', "curl $API/api/$B"))
    assert [request.url.path for request in asked] == ["/api/"]
    assert not answers[0].as_said
    assert answers[0].summary == (
        "not called: the document does not say what <mystery> stands for: use the name of the "
        "value, such as <session_id>"
    )
    assert answers[1].notes == ("B is not set",)


def test_what_only_the_text_describes_is_called_behind_the_commands() -> None:
    text = b"GET /api/credits/balance/simple, POST /api/auth/claim-token; Authorization: Bearer\n"
    answers, asked = play(text + script(f"{TOKEN} -H 'X-Client-Id: a'"))
    assert [answer.call for answer in answers] == [
        "POST /api/auth/anonymous-token",
        "GET /api/credits/balance/simple",
        "POST /api/auth/claim-token",
    ]
    assert asked[-1].content == b'{"task_id":"t", "session_id":"1"}'


def test_costs_are_not_the_credits_of_a_token() -> None:
    costs = b"Editing costs 50 credits.\n\nPOST /api/auth/anonymous-token: 100 free credits\n\n"
    answers, _ = play(costs + script(f"{TOKEN} -H 'X-Client-Id: a'"))
    assert [answer.as_said for answer in answers] == [True]
