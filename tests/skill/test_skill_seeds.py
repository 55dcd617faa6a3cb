"""The two published documents, read whole: every figure, table and endpoint that they state."""

from pathlib import Path

import pytest

from nemolocal_contract.endpoints import CLOUD_BASE_URL
from nemolocal_contract.media import ACCEPTED_EXTENSIONS
from nemolocal_skill import Skill, check_skill, parse_skill, read_skill
from nemolocal_skill.model import SkillLimits

SEEDS = Path(__file__).parents[2] / "fixtures" / "seeds"
NAMES = ("ai-rtk-compressor", "4k-with-session")
SIZES = {"ai-rtk-compressor": 2_000_000_000, "4k-with-session": 500_000_000}


@pytest.fixture(params=NAMES)
def skill(request: pytest.FixtureRequest) -> Skill:
    return seed(request.param)


def seed(name: str) -> Skill:
    return read_skill(SEEDS / f"{name}.txt")


def test_name_and_address_are_those_of_the_text(skill: Skill) -> None:
    assert skill.name == Path(skill.path).stem
    assert (skill.version, skill.is_flattened) == ("", True)
    assert skill.base_url == CLOUD_BASE_URL
    assert skill.raw_findings == ()


@pytest.mark.slow
def test_limits_are_those_of_the_text(skill: Skill) -> None:
    assert skill.limits == SkillLimits(
        upload_bytes=SIZES[skill.name],
        formats=tuple(ACCEPTED_EXTENSIONS),
        poll_seconds=30,
        poll_tries=None,
        turn_seconds=900,
        token_days=7,
        credits=100,
        resolution=1080,
    )


@pytest.mark.slow
def test_words_are_routed_to_their_sections(skill: Skill) -> None:
    assert [(row.words[0], row.target, row.section) for row in skill.routing] == [
        ("export", "export", "3.5"),
        ("credits", "credits", "3.3"),
        ("status", "state", "3.4"),
        ("upload", "upload", "3.2"),
        ("Everything else (generate, edit, add BGM…)", "chat", "3.1"),
    ]
    assert skill.routing[0].words == ("export", "导出", "download", "send me the video")


@pytest.mark.slow
def test_column_that_the_page_lost_is_unknown_and_not_guessed() -> None:
    ticks = [row.skips_sse for row in seed("ai-rtk-compressor").routing]
    assert ticks == [True, True, True, True, False]
    assert {row.skips_sse for row in seed("4k-with-session").routing} == {None}


@pytest.mark.slow
def test_codes_are_read_from_a_table_and_from_a_list(skill: Skill) -> None:
    rows = {row.code: row.text for row in skill.errors}
    assert list(rows) == [0, 1001, 1002, 2001, 4001, 4002, 400, 402, 429]
    assert "?bind=<id>" in rows[2001]
    assert "once" in rows[429]


@pytest.mark.slow
def test_gui_phrases_and_their_translations(skill: Skill) -> None:
    assert [(row.says, row.action) for row in skill.gui] == [
        ('"click [button]" / "点击"', "Execute via API"),
        ('"open [panel]" / "打开"', "Query session state"),
        ('"drag/drop" / "拖拽"', "Send edit via SSE"),
        ('"preview in timeline"', "Show track summary"),
        ('"Export button" / "导出"', "Execute export workflow"),
    ]


@pytest.mark.slow
def test_cells_that_stick_together_come_apart() -> None:
    assert [(row.event, row.action) for row in seed("4k-with-session").events] == [
        ("Text response", "Apply GUI translation (§4), present to user"),
        ("Tool call/result", "Process internally, don't forward"),
        ("heartbeat / empty data:", 'Keep waiting. Every 2 min: "⏳ Still working..."'),
        ("Stream closes", "Process final response"),
    ]
    assert seed("ai-rtk-compressor").events == ()


def test_cells_behind_tabs_come_apart_up_to_the_end_of_the_page() -> None:
    page = 'Backend says\tYou do\n"open"\tRead the state\n\tx\n\nA\tB\n\nEventAction\nText'
    skill = parse_skill(page.encode(), Path("page.txt"))
    assert (skill.gui[0].says, skill.gui[0].action) == ('"open"', "Read the state")
    assert skill.events == ()


@pytest.mark.parametrize(
    ("header", "mark", "skips"),
    [
        ("Skip SSE?", "✅", True),
        ("Skip SSE?", "❌", False),
        ("Via SSE?", "yes", False),
        ("Send to SSE", "no", True),
        ("Without SSE", "是", True),
        ("Skip SSE?", "perhaps", None),
        ("Notes", "✅", None),
    ],
)
def test_column_of_sse_is_read_whichever_way_it_is_put(
    header: str, mark: str, skips: bool | None
) -> None:
    table = f'| User says | Action | {header} |\n|---|---|---|\n| "export" | → §3.5 | {mark} |\n'
    (row,) = parse_skill(table.encode(), Path("SKILL.md")).routing
    assert (row.target, row.skips_sse) == ("export", skips)


@pytest.mark.slow
def test_endpoints_with_their_methods_lines_and_bodies() -> None:
    found = [(use.line, use.method, use.name) for use in seed("4k-with-session").endpoints]
    assert found == [
        (27, "POST", "token"),
        (29, "POST", "session"),
        (62, "POST", "session"),
        (64, "POST", "chat"),
        (66, "POST", "upload"),
        (68, "GET", "balance"),
        (70, "GET", "state"),
        (72, "POST", "render"),
        (72, "GET", "render_status"),
        (79, "", "token"),
    ]
    render = next(use for use in seed("4k-with-session").endpoints if use.name == "render")
    assert render.bodies == (
        '{"id":"render_<ts>","sessionId":"<sid>","draft":<json>,'
        '"output":{"format":"mp4","quality":"high"}}',
    )


def test_endpoints_of_a_table_and_of_a_sentence() -> None:
    found = [(use.line, use.method, use.name) for use in seed("ai-rtk-compressor").endpoints]
    assert found == [
        (7, "", "token"),
        (7, "POST", "session"),
        (24, "POST", "session"),
        (25, "POST", "chat"),
        (26, "POST", "upload"),
        (27, "GET", "balance"),
        (28, "GET", "state"),
        (29, "POST", "render"),
        (45, "", ""),  # /api/state, which is how an endpoint begins
    ]


@pytest.mark.slow
@pytest.mark.rule("CLI-1")
def test_headers_are_the_documents_own_and_the_platform_that_of_the_environment_first(
    skill: Skill,
) -> None:
    own = skill.attribution({})
    assert (own.source, own.version, own.platform) == (skill.name, "0", "unknown")
    reported = {"SKILL_SOURCE": "cursor", "SKILL_NAME": "another", "SKILL_VERSION": "2"}
    assert skill.attribution(reported).headers() == {
        "X-Skill-Source": skill.name,
        "X-Skill-Version": "0",
        "X-Skill-Platform": "cursor",
    }
    assert skill.attribution({"SKILL_SOURCE": " "}) == own


def test_findings_in_ai_rtk_compressor() -> None:
    assert found(seed("ai-rtk-compressor")) == [
        (0, "skill.endpoint.missing"),  # how a render is polled
        (1, "skill.page.flattened"),
        (15, "skill.routing.dead-reference"),
        (29, "skill.poll.endless"),
    ]


def test_findings_in_4k_with_session() -> None:
    assert found(seed("4k-with-session")) == [
        (1, "skill.page.flattened"),
        (5, "skill.resolution.contradiction"),  # 4K, and 1080x1920 on line 54
        (46, "skill.routing.dead-reference"),
        (72, "skill.poll.endless"),
    ]


def found(skill: Skill) -> list[tuple[int, str]]:
    return [(finding.line, finding.id) for finding in check_skill(skill)]
