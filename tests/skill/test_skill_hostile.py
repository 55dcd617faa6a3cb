"""Anything at all may stand in a document: it is read, judged and reported; nothing is raised."""

import random
from pathlib import Path

import pytest
from hypothesis import example, given, strategies as st

from nemolocal_skill import (
    CheckedDocument,
    as_json,
    as_sarif,
    as_text,
    check_skill,
    parse_skill,
)

SKILLS = Path(__file__).parents[2] / "fixtures" / "skills"
CLEAN = (SKILLS / "clean.md").read_bytes()
# What documents are made of, so that chance makes something like one.
SCRAPS = [
    "---\n", "name: a\n", "version: 1.0\n", "metadata: {", "}", "\t", "\r\n", "\ufeff", "```bash\n",
    "```\n", "curl ", "-H ", '"', "'", "\\\n", "\\ \n", "$TOKEN", "${A:-", "$(", ")", "`", "<sid>",
    "-d ", "-F ", "@", "=", "AUTH=(", '"${AUTH[@]}"', "https://h/api/x", "/api/state",
    "/run_sse", "POST ", '{"session_id":', '"draft":', "| User says | Action | Skip SSE? |\n",
    "| a | b |\n", "User says...ActionSkip SSE?\n", "→ §3.5 Export", "Backend saysYou do\n",
    "EventAction\n", "• 402 — ", "\n", "|", "| Code |\n", "poll every 5s ", "up to 3GB ", "4K MP4",
    "1080x1920", "formats: mp4, flv", "nmv_usr_0123456789ab", "?token=", "é", "导出", "…", "\x00",
]  # fmt: skip


def judge(content: bytes) -> None:
    """Everything that is done with a document."""
    skill = parse_skill(content, Path("SKILL.md"))
    findings = check_skill(skill)
    assert skill.limits is not None
    assert all(0 <= finding.line <= len(skill.lines) for finding in findings)
    checked = [CheckedDocument(skill.path, skill.name, skill.version, findings)]
    assert as_text(checked)
    assert as_json(checked)
    assert as_sarif(checked, "1")


@given(st.binary(max_size=300))
@example(b"\xff\xfe\x00")
@example(b"\xfe\xff")
@example(b"---")
@example(b"---\n---")
@example(b"---\n%YAML 9" + b"9" * 5000 + b"\n---\n")
def test_any_bytes_are_read_and_judged(content: bytes) -> None:
    judge(content)


@given(st.lists(st.sampled_from(SCRAPS), max_size=40))
def test_any_scraps_of_documents_are_read_and_judged(scraps: list[str]) -> None:
    judge("".join(scraps).encode())


@pytest.mark.slow
@given(st.integers(0, len(CLEAN)), st.integers(0, 80), st.binary(max_size=8))
def test_any_damage_to_a_document_is_read_and_judged(at: int, length: int, put: bytes) -> None:
    judge(CLEAN[:at] + put + CLEAN[at + length :])


@pytest.mark.slow
@pytest.mark.parametrize("length", [200, pytest.param(20_000, marks=pytest.mark.nightly)])
def test_one_scrap_a_great_many_times_is_read_and_judged(
    subtests: pytest.Subtests, length: int
) -> None:
    for scrap in [*SCRAPS, "{", "[", "(", "-", " ", ":", "_", "1", "a"]:
        with subtests.test(scrap=scrap):
            for head in ("", "---\n", "```sh\ncurl ", '/run_sse {"a":"'):
                judge((head + scrap * (length // len(scrap))).encode())


@pytest.mark.slow
def test_lines_in_any_order_are_read_and_judged() -> None:
    lines = CLEAN.splitlines(keepends=True)
    for seed in range(20):
        random.Random(seed).shuffle(lines)
        judge(b"".join(lines))
