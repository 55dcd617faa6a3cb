"""Planted faults are found on their line, each of them alone, and the clean twin has none."""

import runpy
import tomllib
from pathlib import Path

import pytest

from nemolocal_contract.rules import rules
from nemolocal_skill import SkillFinding, check_catalogue, check_skill, parse_skill, read_skill

ROOT = Path(__file__).parents[2]
SKILLS = ROOT / "fixtures" / "skills"
CLEAN = (SKILLS / "clean.md").read_text(encoding="utf-8")
PLANTED = tomllib.loads((SKILLS / "planted.toml").read_text(encoding="utf-8"))["planted"]
PAIRED = [
    finding
    for file in (SKILLS / "pairs" / "faulty").glob("*/expected.toml")
    for finding in tomllib.loads(file.read_text(encoding="utf-8"))["finding"]
]
FAULTS = tomllib.loads((SKILLS / "faults.toml").read_text(encoding="utf-8"))["fault"]


def check(text: str | bytes, name: str = "SKILL.md") -> list[tuple[str, int]]:
    """The findings in a text by id and line."""
    content = text.encode() if isinstance(text, str) else text
    return [(found.id, found.line) for found in check_skill(parse_skill(content, Path(name)))]


def with_fault(old: str, new: str) -> str:
    assert CLEAN.count(old) == 1
    return CLEAN.replace(old, new)


@pytest.mark.slow
def test_clean_document_has_no_finding() -> None:
    assert check_skill(read_skill(SKILLS / "clean.md")) == ()


@pytest.mark.slow
@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted["file"])
def test_planted_fault_is_found_on_its_line_and_nothing_else(planted: dict[str, object]) -> None:
    skill = read_skill(SKILLS / "planted" / str(planted["file"]))
    found = [(finding.id, finding.line) for finding in check_skill(skill)]
    assert found == [(planted["id"], planted["line"])]


def test_every_planted_document_has_its_line_in_the_table() -> None:
    files = {path.name for path in (SKILLS / "planted").iterdir()}
    assert files == {planted["file"] for planted in PLANTED}
    assert len(files) >= 20


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["id"])
def test_fault_is_found_where_it_was_put(fault: dict[str, str]) -> None:
    text = with_fault(fault["old"], fault["new"])
    line = text[: text.index(fault["at"])].count("\n") + 1 if fault["at"] else 0
    assert check(text) == [(fault["id"], line)]


MORE = {
    "skill.text.encoding": (CLEAN.encode().replace(b"Send footage", b"Send foot\xe9ge"), 19),
    "skill.text.too-long": (CLEAN.encode() + b" " * 300_000, 1),
    "skill.frontmatter.missing": (CLEAN.partition("---\n\n")[2].encode(), 1),
    "skill.frontmatter.invalid": (CLEAN.replace("homepage: ", "homepage: a: ").encode(), 6),
    "skill.attribution.unstated": (CLEAN.replace("X-Skill-Platform", "X-Platform").encode(), 0),
    "skill.turn.silence": (CLEAN.replace("without any text", "at times").encode(), 63),
    "skill.endpoint.missing": (CLEAN.replace("lambda/<id>", "lambda/<id>/cancel").encode(), 0),
    "skill.page.flattened": (b"A page about something else.", 1),
}


@pytest.mark.slow
@pytest.mark.parametrize("check_id", MORE)
def test_fault_of_the_whole_document_is_found(check_id: str) -> None:
    content, line = MORE[check_id]
    name = "page.txt" if check_id == "skill.page.flattened" else "SKILL.md"
    assert (check_id, line) in check(content, name)


def test_every_check_of_the_catalogue_is_shown_to_find_something() -> None:
    shown = {entry["id"] for entry in [*PLANTED, *FAULTS, *PAIRED]} | set(MORE)
    assert shown == set(check_catalogue())


@pytest.mark.slow
def test_finding_says_rule_grade_source_and_way_out() -> None:
    text = CLEAN.replace("every 30s, up to", "every 5s, up to")
    (finding,) = check_skill(parse_skill(text.encode(), Path("SKILL.md")))
    rule = rules()["CLI-8"]
    assert finding == SkillFinding(
        "skill.poll.interval",
        "error",
        116,
        1,
        '"Poll the status every 5s": the contract polls every 30 seconds',
        "CLI-8",
        rule.grade,
        rule.source,
        "Poll every 30 seconds.",
    )


def test_rules_of_the_catalogue_are_rules_of_the_contract() -> None:
    assert {check.rule for check in check_catalogue().values()} - {""} <= set(rules())
    assert all(check_id == check.id for check_id, check in check_catalogue().items())


@pytest.mark.slow
def test_message_never_repeats_a_token() -> None:
    skill = read_skill(SKILLS / "planted" / "hard-coded-token.md")
    assert "Zk81" not in "".join(finding.message for finding in check_skill(skill))


@pytest.mark.slow
def test_one_mistake_a_thousand_times_is_told_twenty_times() -> None:
    text = CLEAN + "nmv_usr_Zk81mPq0aa7RtVe2\n" * 1000
    found = [check_id for check_id, _ in check(text)]
    assert found.count("skill.auth.hard-coded-token") == 20


@pytest.mark.slow
@pytest.mark.parametrize(
    "sentence",
    [
        "Never write ?token= as in /api/credits/balance/simple?token=abc.",
        "Poll the state every 60s.",
        "A file at 800MB takes a minute.",
        "Generating costs 100 credits per clip, editing 50 credits once.",
        "Heartbeats alone: timeout after 10 minutes.",
        "Don't resend the message after a stream that closes without text.",
        "Edit this 4K footage as you like.",
        "Write nmv_usr_xxxxxxxx where the token goes.",
        "The shell (`/api/state`) is read first.",
        'The reply is `{"code":0,"data":{"token":"…"}}`.',
        'Send a message: POST /run_sse — returns {"code":0,"data":{}}.',
        'Short: `{"id":"a","sessionId":"b","draft":{},"output":"mp4"}`.',
        'Or 4K: `{"id":"a","sessionId":"b","draft":{…},"output":{"resolution":"4k"}}`.',
        "```sh\ncurl $API/api/credits/balance/simple $H\ncurl $H -X POST $API/run_sse\n```",
        "| Endpoint | Method |\n|---|---|\n| all | any |",
        "**Export does NOT cost credits.** Only generation/editing consumes credits.",
        "**Timeout**: 10 min heartbeats-only → assume timeout.",
        "The web is at `${NEMO_WEB_URL:-https://nemovideo.com}`; API docs: https://docs.example.com.",
        "Or use a local server at http://127.0.0.1:8787/api/credits/balance/simple.",
        "Text → show. Tools → hide. Heartbeat → wait. Close → summarize.",
        "Give the user `$WEB/workspace/claim?ct=<claim_token>`.",
        "Save the file as /workspace/out/film.mp4.",
        "The status page is https://status.example.com/v1/incidents.",
        "```sh\ncurl -L -o clip.mp4 https://files.example.org/v2/clips/42\n```",
        "```sh\nmkdir -p out && echo 'a & b' > out/x 2>&1\npython -m http.server & sleep 1\n```",
        "Convert a WebM to MP4 before you upload it; a GIF is accepted too.",
        "No GIF is exported.",
        "Revoke the token in Settings → API Tokens on nemovideo.com.",
        "When the token expires, request another one; the dashboard is not needed for that.",
        "Two generated clips cost 200 credits.",
        "Wait silently while the backend works.",
        "Choose WebM, MOV or a GIF as the source.",
        "Pick MP4 as the result; a GIF is accepted as footage.",
        "Editing comes to 50 credits for a session, and a clip to 100 credits.",
        "| Cost of an export | 0 credits |",
        "| Token life | 7 days |",
        "| Polls | 30 s |",
        "匿名令牌含 100 积分，编辑收取 50 积分，生成需要 100 积分。",
        "导出为 MP4，不支持 GIF 或 WebM。",
        "```js\nwhile (x < 90) { await sleep(5_000) }\n```",
        "```js\nconst body = {id, sessionId, draft, output: {format, quality: 'high'}}\n```",
    ],
)
def test_harmless_sentence_is_no_finding(sentence: str) -> None:
    assert check(f"{CLEAN}\n{sentence}\n") == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "check_id", "column"),
    [
        ("$API/__nemolocal__/health", "endpoint.unknown", 1),
        ('-d "{\\"taskName\\":1}" $API/api/tasks/me/with-session/nemo_agent', "fields.case", 11),
        ('-d "{\\"url\\\n\\":1}" $API/api/upload-video/nemo_agent/me/x', "fields.case", 0),
        ("-d '{}' $API/api/render/proxy/lambda", "fields.missing", 10),
        ("-d '[]' $API/run_sse", "fields.json", 9),
    ],
)
def test_finding_in_a_command_has_its_column(said: str, check_id: str, column: int) -> None:
    skill = parse_skill(f"{CLEAN}\n```sh\ncurl {said}\n```\n".encode(), Path("SKILL.md"))
    found = [(finding.id, finding.column) for finding in check_skill(skill)]
    assert (f"skill.{check_id}", column) in found


def test_field_in_another_spelling_is_found_on_the_first_line_of_its_body() -> None:
    said = """curl -N $API/run_sse -d '{"session_id":"x",
      "new_message":{"parts":[]}, "\\u0061ppName": 1}'"""
    text = f"{CLEAN}\n```sh\n{said}\n```\n"
    assert ("skill.fields.case", CLEAN.count("\n") + 3) in check(text)


def test_document_that_calls_nothing_is_only_told_so() -> None:
    text = "---\nname: poem\nversion: 1.0.0\ndescription: Writes poems.\n---\n\nWrite a poem.\n"
    assert check(text) == [("skill.endpoint.missing", 0)]


def test_documented_table_of_checks_is_up_to_date() -> None:
    script = runpy.run_path(str(ROOT / "docs" / "write_skill_checks.py"))
    assert script["main"](["--check"]) == 0, "run: python docs/write_skill_checks.py"


@pytest.mark.slow
def test_token_call_without_the_headers_is_found() -> None:
    attributed = ' -H "X-Skill-Source: sunset-cutter" -H "X-Skill-Version: 2.4.10" '
    assert CLEAN.count(f'<uuid>"{attributed}') == 1
    at = CLEAN.index(f'<uuid>"{attributed}')
    line = CLEAN[:at].count("\n")
    bare = CLEAN.replace(f'<uuid>"{attributed}-H "X-Skill-Platform: unknown"', '<uuid>"')
    assert check(bare) == [("skill.attribution.headers", line)]
    one = CLEAN.replace(f'<uuid>"{attributed}', '<uuid>" -H "X-Skill-Version: 2.4.10" ')
    (finding,) = check_skill(parse_skill(one.encode(), Path("SKILL.md")))
    assert "missing: X-Skill-Source" in finding.message
