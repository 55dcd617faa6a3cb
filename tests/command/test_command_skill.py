"""`nemolocal skill`: check, run and new, with their exit codes."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from nemolocal import skill_run
from nemolocal_client import BadAttribution
from nemolocal_contract.clock import WallClock
from nemolocal_render.ffmpeg_cli import FFmpegFailed
from nemolocal_skill import (
    SkillCallResult,
    SkillRunTarget,
    check_skill,
    parse_skill,
    play_examples,
    run_skill,
)
from tests.support.cli import CommandRunner, ServerStarter

FIXTURES = Path(__file__).parents[2] / "fixtures"
CLEAN = FIXTURES / "skills" / "clean.md"
PLANTED = FIXTURES / "skills" / "planted"
SEEDS = FIXTURES / "seeds"

Play = Callable[[str | Path], list[SkillCallResult]]


@pytest.fixture
def play(serve: ServerStarter, clip: Path) -> Play:
    """Play a document against a server that renders nothing."""
    base_url = serve(seed=1)

    def play_document(document: str | Path) -> list[SkillCallResult]:
        content = document.read_bytes() if isinstance(document, Path) else document.encode()
        path = document if isinstance(document, Path) else Path("SKILL.md")
        skill = parse_skill(content, path)
        with httpx.Client(base_url=base_url, trust_env=False, timeout=600) as http:
            fixture = f"{base_url}/cdn/fixtures/sample.mp4"
            rules = lambda: skill_run._last_request_rules(http)  # noqa: E731
            stage = SkillRunTarget(http, clip, fixture, WallClock(1e6), rules)
            return list(run_skill(skill, stage))

    return play_document


def calls(answers: list[SkillCallResult]) -> list[tuple[int, int | None, bool]]:
    return [(answer.line, answer.code, answer.as_said) for answer in answers]


@pytest.mark.slow
def test_check_of_a_good_document_ends_with_0(run: CommandRunner) -> None:
    outcome = run("skill", "check", CLEAN)
    assert (outcome.status, outcome.lines) == (0, ["1 file: 0 errors, 0 warnings, 0 notes"])


@pytest.mark.slow
def test_check_with_errors_ends_with_1_and_with_warnings_only_with_0(run: CommandRunner) -> None:
    assert run("skill", "check", CLEAN, PLANTED / "token-in-url.md").status == 1
    assert run("skill", "check", PLANTED / "4k-promised.md").status == 0


@pytest.mark.slow
def test_check_of_what_cannot_be_read_ends_with_2_and_judges_the_rest(run: CommandRunner) -> None:
    outcome = run("skill", "check", "none.md", CLEAN, "--format", "json")
    assert outcome.status == 2
    assert outcome.err == (
        "nemolocal: cannot read none.md (no such file or directory): check the path\n"
    )
    assert [document["name"] for document in json.loads(outcome.out)] == ["sunset-cutter"]


def test_folder_without_a_document_is_not_said_to_be_missing(
    run: CommandRunner, tmp_path: Path
) -> None:
    outcome = run("skill", "check", tmp_path)
    assert outcome.status == 2
    assert outcome.err == (
        f"nemolocal: cannot read {tmp_path} (it contains no SKILL.md): check the path\n"
    )


@pytest.mark.slow
def test_check_writes_sarif(run: CommandRunner) -> None:
    outcome = run("skill", "check", PLANTED / "token-in-url.md", "--format", "sarif")
    (result,) = json.loads(outcome.out)["runs"][0]["results"]
    assert result["ruleId"] == "skill.auth.token-in-url"


def test_folder_stands_for_its_document(run: CommandRunner, tmp_path: Path) -> None:
    (tmp_path / "my-skill").mkdir()
    (tmp_path / "my-skill" / "SKILL.md").write_bytes(CLEAN.read_bytes())
    assert run("skill", "check", "my-skill").status == 0


def test_new_document_has_no_finding_and_is_answered_as_it_says(
    run: CommandRunner, play: Play
) -> None:
    outcome = run("skill", "new", "dawn-cutter", "-o", "new.md")
    assert outcome.status == 0
    skill = parse_skill(Path("new.md").read_bytes(), Path("new.md"))
    assert (skill.name, skill.version) == ("dawn-cutter", "1.0.0")
    assert check_skill(skill) == ()
    answers = play(Path("new.md"))
    assert len(answers) == 8
    assert all(answer.as_said and not answer.notes for answer in answers), answers


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("A Skill",), "invalid skill name 'A Skill': use lowercase letters"),
        (("x" * 65,), "invalid skill name 'xxx"),
        (("a",), "SKILL.md already exists: choose another file with -o"),
        (("a", "-o", "none/SKILL.md"), "cannot write none/SKILL.md (no such file"),
    ],
)
def test_new_document_that_cannot_be_is_one_line(
    run: CommandRunner, arguments: tuple[str, ...], said: str
) -> None:
    Path("SKILL.md").write_text("mine")
    outcome = run("skill", "new", *arguments)
    assert outcome.status in (1, 2)  # test_usage_status says which
    assert outcome.err.startswith(f"nemolocal: {said}")
    assert Path("SKILL.md").read_text() == "mine"


@pytest.mark.parametrize("name", ["ai-rtk-compressor", "4k-with-session"])
def test_published_document_is_answered_as_its_text_says(play: Play, name: str) -> None:
    answers = play(SEEDS / f"{name}.txt")
    assert [answer.code for answer in answers] == [0] * 8
    assert all(answer.as_said for answer in answers), answers
    assert [answer.call.split("/")[-1].split("_")[0] for answer in answers][:4] == [
        "anonymous-token", "nemo", answers[2].call.rpartition("/")[2], "run"
    ]  # fmt: skip
    assert answers[7].summary.startswith("status completed")
    notes = [note for answer in answers for note in answer.notes]
    unnamed = "the document does not name this endpoint: using the contract's path"
    assert notes == ([unnamed] if name == "ai-rtk-compressor" else [])


@pytest.mark.slow
def test_commands_that_stand_in_no_order_get_what_they_lack_first(play: Play) -> None:
    answers = play(CLEAN)
    assert all(answer.as_said for answer in answers)
    assert answers[2].notes == ("a clip was uploaded first",)
    export = CLEAN.read_text(encoding="utf-8").partition("### 3.5")[2]
    answers = play(f"---\nname: x\n---\n{export}")
    assert [answer.as_said for answer in answers] == [True, True]
    assert answers[0].notes == (
        "a token was fetched first",
        "a session was opened first",
        "a clip was uploaded first",
        "the clip was put on the timeline first",
    )


FAULTS = {
    "token-in-url": (91, 1001, "GEN-5"),
    "camel-case-session": (63, 400, "GEN-6"),
    "snake-case-render": (109, 400, "GEN-6"),
    "wrong-method": (99, 405, "GEN-6"),
    "export-without-headers": (109, 402, "REN-2"),
    "single-quoted-variable": (63, 1002, "SES-3"),
    "form-without-at": (80, 400, "GEN-6"),
    "wrong-grant": (36, 0, "AUTH-1"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_shows_when_the_document_is_played(play: Play, name: str) -> None:
    line, code, rule = FAULTS[name]
    wrong = [answer for answer in play(PLANTED / f"{name}.md") if not answer.as_said]
    if wrong[1:]:
        assert wrong.pop().summary == "not called: no render was accepted before"
    assert [(answer.line, answer.code) for answer in wrong] == [(line, code)]
    assert rule in wrong[0].rules


@pytest.mark.slow
def test_answer_to_a_failure_has_the_documents_own_words(play: Play) -> None:
    answers = play(PLANTED / "export-without-headers.md")
    reported = next(answer.summary for answer in answers if answer.code == 402)
    assert '(the document: the plan does not export: "Register or upgrade' in reported


SCRIPT = """---
name: x
version: 1.0.0
---
```bash
API=https://example.org/base
CLIENT_ID="${NEMO_CLIENT_ID:-$(cat ~/.config/x/client_id)}"
ID=render_$(date +%s)
SAY=$SAY
TOKEN=$(curl -s -X POST "$NEMO_API_URL/api/auth/anonymous-token" -H "X-Client-Id: $CLIENT_ID")
curl -s $BASE_URL/api/tasks/me/with-session/nemo_agent --json @body.json \\
  -H "Authorization: Bearer $TOKEN"
curl -s https://example.com/install.sh
curl -s "$API/api/credits/balance/simple?x=$SAY&y=$NOBODY" \\
  -H "Authorization: Bearer $(echo token)"
curl -s -X POST <API>/api/upload-video/nemo_agent/me/$SID -H "Authorization: Bearer <token>" \\
  -H "Content-Type: application/json" -d '{"urls":["<url>"],"source_type":"url"}' \\
  -H "Empty:" -H nothing
curl -s "$API/api/unknown" -H "Authorization: Bearer $TOKEN" -d a=1 -d b=2
curl -s -o out.mp4 "$OUTPUT_URL"
```
"""


@pytest.mark.slow
def test_variables_hold_what_the_document_and_its_answers_give(play: Play) -> None:
    answers = play(SCRIPT)
    assert [(answer.call.split(" ")[0], answer.code) for answer in answers] == [
        ("POST", 0), ("POST", 400), ("GET", None), ("GET", 0), ("POST", 0), ("POST", 404),
        ("GET", None),
    ]  # fmt: skip
    assert answers[1].summary.startswith("body is empty")
    assert answers[2].summary == "not called: not a URL of the API"
    assert answers[3].notes == ("NOBODY is not set",)


@pytest.mark.slow
def test_token_shows_in_no_answer(play: Play) -> None:
    shown = "".join(str(answer) for answer in [*play(CLEAN), *play(PLANTED / "token-in-url.md")])
    assert "nmv_usr_" not in shown


@pytest.mark.slow
@pytest.mark.usefixtures("rendered")
def test_run_prints_a_row_for_each_call_and_ends_with_0(run: CommandRunner) -> None:
    outcome = run("skill", "run", CLEAN)
    assert outcome.status == 0, outcome.out
    assert outcome.lines[0] == " 1 ok 200    0  POST /api/auth/anonymous-token"
    assert outcome.lines[-1] == "8 of 8 calls had the documented response"


def test_run_with_a_fault_names_the_rule_and_ends_with_1(
    run: CommandRunner, tmp_path: Path
) -> None:
    token = CLEAN.read_text(encoding="utf-8").partition("## 2.")[0].replace("X-Client-Id", "X-Id")
    (tmp_path / "bad.md").write_text(token, encoding="utf-8")
    outcome = run("skill", "run", "bad.md")
    assert outcome.status == 1
    assert outcome.lines[0] == " 1 NO 400  400  POST /api/auth/anonymous-token"
    assert (
        "      AUTH-2: No X-Client-Id, or an empty one, is HTTP 400 with code 400." in outcome.lines
    )
    assert "      (a token was fetched first)" in outcome.lines
    reported = json.loads(run("skill", "run", "bad.md", "--json").out)
    assert (reported["name"], reported["as_said"], reported["answers"][0]["code"]) == (
        "sunset-cutter",
        False,
        400,
    )


def test_run_without_ffmpeg_says_where_to_look(
    run: CommandRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise FFmpegFailed("no encoder")

    monkeypatch.setattr("nemolocal_render.synthetic.sample_media.make_sample", fail)
    outcome = run("skill", "run", CLEAN)
    assert outcome.status == 1
    assert "cannot generate a clip (no encoder): run `nemolocal doctor`" in outcome.err


def test_run_that_reaches_no_call_of_the_api_is_no_pass(run: CommandRunner, tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("```sh\ncurl -s https://example.com/install.sh\n```\n")
    outcome = run("skill", "run", "other.md")
    assert outcome.status == 1
    assert outcome.lines[-1].startswith("no call reached the API: use its base URL")


EXAMPLES = {
    "trim to the first 2 seconds": "done",
    "make it vertical and turn the sea into lava": "partly",
    "give it a dreamy parallax drift": "simulated",
    "hello": "answered",
    "export 4K MP4": "routed",
}


@pytest.mark.parametrize(
    "phrase",
    [
        phrase if outcome == "simulated" else pytest.param(phrase, marks=pytest.mark.slow)
        for phrase, outcome in EXAMPLES.items()
    ],
)
def test_example_phrase_is_played_and_its_effect_told(
    serve: ServerStarter, clip: Path, phrase: str
) -> None:
    base_url = serve(seed=1, not_understood="try")
    skill = parse_skill(f'Try saying:\n- "{phrase}"\n'.encode(), Path("SKILL.md"))
    with httpx.Client(base_url=base_url, trust_env=False, timeout=600) as http:
        stage = SkillRunTarget(
            http, clip, "", WallClock(), lambda: (), lambda: skill_run._last_understood(http)
        )
        (example,) = play_examples(skill, stage)
    assert (example.line, example.phrase, example.outcome) == (2, phrase, EXAMPLES[phrase])
    assert example.summary


def test_example_phrase_without_a_response_has_failed(clip: Path) -> None:
    def hang_up(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("gone", request=request)

    skill = parse_skill(b'Try saying: "trim it"', Path("SKILL.md"))
    with httpx.Client(base_url="http://x", transport=httpx.MockTransport(hang_up)) as http:
        stage = SkillRunTarget(http, clip, "", WallClock(), lambda: ())
        (example,) = play_examples(skill, stage)
    assert (example.outcome, example.summary) == ("failed", "no response: ReadError")


def test_example_phrase_that_the_server_refuses_has_failed(clip: Path) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        ok = {"code": 0, "data": {"token": "t", "session_id": "1"}}
        failed = {"code": 2001, "message": "no credits", "data": None}
        return httpx.Response(200, json=failed if request.url.path == "/run_sse" else ok)

    skill = parse_skill(b'Try saying: "trim it"', Path("SKILL.md"))
    with httpx.Client(base_url="http://x", transport=httpx.MockTransport(refuse)) as http:
        stage = SkillRunTarget(http, clip, "", WallClock(), lambda: ())
        (example,) = play_examples(skill, stage)
    assert (example.outcome, example.summary) == ("failed", "no credits")


@pytest.mark.slow
@pytest.mark.usefixtures("rendered")
def test_run_prints_the_example_phrases_and_their_count(run: CommandRunner, tmp_path: Path) -> None:
    text = CLEAN.read_text(encoding="utf-8") + '\nTry saying:\n- "trim to the first 2 seconds"\n'
    (tmp_path / "more.md").write_text(text, encoding="utf-8")
    outcome = run("skill", "run", "more.md")
    assert outcome.status == 0, outcome.out
    assert '   done       "trim to the first 2 seconds"' in outcome.lines
    assert outcome.lines[-1] == (
        "8 of 8 calls had the documented response; 1 example phrase: 1 done"
    )


def test_run_of_nothing_says_so(run: CommandRunner, tmp_path: Path) -> None:
    (tmp_path / "poem.md").write_text("A poem.")
    outcome = run("skill", "run", "poem.md")
    assert outcome.status == 2
    assert "poem.md contains no calls: add curl commands" in outcome.err
    assert run("skill", "run", "none.md").status == 2


def test_run_under_a_platform_of_two_lines_names_the_variable(
    run: CommandRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SKILL_SOURCE", "cursor\nclawhub")
    outcome = run("skill", "run", CLEAN)
    assert outcome.status == 2
    assert outcome.err.startswith(
        "nemolocal: SKILL_SOURCE contains a character that is not allowed"
    )


@pytest.mark.slow
def test_run_of_a_document_whose_name_has_two_lines_says_so(play: Play) -> None:
    document = CLEAN.read_text(encoding="utf-8")
    with pytest.raises(BadAttribution, match=r"X-Skill-Source .* a single line of text"):
        play(document.replace("name: sunset-cutter", 'name: "a\\nskill"', 1))
