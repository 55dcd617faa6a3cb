"""Heads of documents in every shape that is published, and damaged ones."""

from pathlib import Path
from typing import Any

import pytest

from nemolocal_skill import Skill, parse_skill

BODY = "\n# Title\n\nText.\n"


def read(text: str | bytes, path: str = "SKILL.md") -> Skill:
    return parse_skill(text.encode() if isinstance(text, str) else text, Path(path))


def remarks(skill: Skill) -> list[tuple[str, int]]:
    return [(remark.check, remark.line) for remark in skill.raw_findings]


ZOO: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("name: a-skill\nversion: 1.2.3\ndescription: Does it.", {}),
    "quoted": ('name: \'a-skill\'\nversion: "1.2.3"\ndescription: "Does it."', {}),
    "json metadata": (
        'name: a-skill\nversion: 1.2.3\ndescription: Does it.\nmetadata: {"openclaw":{"requires":'
        '{"env":["NEMO_TOKEN"]},"emoji":"🎬"}}',
        {"openclaw": {"requires": {"env": ["NEMO_TOKEN"]}, "emoji": "🎬"}},
    ),
    "nested metadata": (
        "name: a-skill\nversion: 1.2.3\ndescription: Does it.\nmetadata:\n  openclaw:\n"
        "    requires:\n      env:\n        - NEMO_TOKEN\n",
        {"openclaw": {"requires": {"env": ["NEMO_TOKEN"]}}},
    ),
    "dotted keys": (
        "name: a-skill\nversion: 1.2.3\ndescription: Does it.\n"
        "metadata.openclaw.requires.env: [NEMO_TOKEN]",
        {"openclaw": {"requires": {"env": ["NEMO_TOKEN"]}}},
    ),
    "folded description": ("name: a-skill\nversion: 1.2.3\ndescription: >-\n  Does\n  it.", {}),
    "version in the metadata": (
        "name: a-skill\ndescription: Does it.\nmetadata:\n  version: 1.2.3",
        {"version": "1.2.3"},
    ),
    "comments and empty lines": (
        "# about\n\nname: a-skill # it\n\nversion: 1.2.3\ndescription: Does it.",
        {},
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("shape", ZOO)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_head_is_read_in_every_published_shape(shape: str, ending: str) -> None:
    head, metadata = ZOO[shape]
    text = f"---\n{head}\n---\n{BODY}".replace("\n", ending)
    skill = read(text)
    assert (skill.name, skill.version, skill.description) == ("a-skill", "1.2.3", "Does it.")
    assert skill.frontmatter.values.get("metadata", {}) == metadata
    assert remarks(skill) == []
    assert skill.lines[skill.body_line - 1 :] == tuple(BODY.split("\n"))


def test_byte_order_mark_and_empty_lines_before_the_head_are_nothing() -> None:
    skill = read(b"\xef\xbb\xbf\n\n---\nname: a-skill\n---\n")
    assert (skill.name, skill.frontmatter.start, skill.frontmatter.end) == ("a-skill", 3, 5)


def test_version_stays_the_text_that_it_is() -> None:
    skill = read("---\nname: a\nversion: 1.10\n---\n")
    assert skill.version == "1.10"
    assert remarks(skill) == [("skill.frontmatter.unquoted-version", 3)]
    assert read("---\nversion: 1.2.10\n---\n").raw_findings == ()


NAMED = "---\nname: a-skill\nversion: 1.0.0\n"


@pytest.mark.parametrize(
    ("text", "check", "line"),
    [
        (f"{NAMED}\n# Title\n", "unclosed", 1),
        (f"{NAMED}Text without", "unclosed", 1),
        (NAMED, "unclosed", 1),
        (f"{NAMED}x: a: b\n---\n", "invalid", 4),
        (f"{NAMED}x: [1\n---\n", "invalid", 4),
        (f"{NAMED}x: @y\n---\n", "invalid", 4),
        (f"{NAMED}x: &y 1\nz: *y\n---\n", "invalid", 5),
        (f'{NAMED}x: "\\UFFFFFFFF"\n---\n', "invalid", 2),
        (f"{NAMED}x: \x85\ufffe\n---\n", "characters", 4),
        (f"{NAMED}x: {'[' * 90}\n---\n", "invalid", 4),
        (f"{NAMED}x: {'y' * 40_000}\n---\n", "invalid", 2),
        (f"{NAMED}name: a-skill\n---\n", "doubled-key", 4),
        (f"{NAMED}m:\n  a: 1\n  a: 2\n---\n", "doubled-key", 6),
        (f"{NAMED}m:\n\ta: 1\n---\n", "tab", 5),
        (f"{NAMED}m:\n  b: 1\n\t a: 1\n---\n", "tab", 6),
    ],
)
def test_damaged_head_is_told_and_still_gives_name_and_version(
    text: str, check: str, line: int
) -> None:
    skill = read(text)
    assert remarks(skill) == [(f"skill.frontmatter.{check}", line)]
    assert (skill.name, skill.version) == ("a-skill", "1.0.0")


def test_head_that_is_a_list_is_no_head() -> None:
    assert remarks(read("---\n- name\n- version\n---\n")) == [("skill.frontmatter.invalid", 2)]


def test_empty_head_is_a_head() -> None:
    skill = read("---\n---\n")
    assert (skill.name, skill.frontmatter.start, skill.frontmatter.values) == ("", 1, {})


@pytest.mark.parametrize(
    ("head", "values"),
    [
        ("a.b: 1\na.c: 2", {"a": {"b": "1", "c": "2"}}),
        ("a: 1\na.b: 2", {"a": "1"}),
        ("a:\n  b: 1\na.b: 2", {"a": {"b": "1"}}),
        ("a.: 1", {"a.": "1"}),
        ("1: 2\n[x]: 3", {"1": "2", "?": "3"}),
    ],
)
def test_dotted_key_never_replaces_what_is_there(head: str, values: object) -> None:
    assert read(f"---\n{head}\n---\n").frontmatter.values == values


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "found", "line"),
    [
        (b"One.\nCaf\xe9.\n", [("skill.text.encoding", 2)], "Café."),
        ("One.\nTwo – “three”.\n".encode("cp1252"), [("skill.text.encoding", 2)], "Two – “three”."),
        ("One.\nTwo.".encode("utf-16"), [("skill.text.encoding", 1)], "Two."),
        ("One.\nCafÃ©.\n".encode(), [("skill.text.mojibake", 2)], "CafÃ©."),
        ("One.\nâ€œHiâ€\x9d\n".encode(), [("skill.text.mojibake", 2)], "â€œHiâ€\x9d"),
        ("One.\nå¯¼å‡º\n".encode(), [("skill.text.mojibake", 2)], "å¯¼å‡º"),
        (b"One.\nTw\x00o.\n", [("skill.text.control-character", 2)], "Tw o."),
        ("One.\n导出 naïve Київ façade – “x”\n".encode(), [], "导出 naïve Київ façade – “x”"),
    ],
)
def test_damaged_text_is_told_once_and_read_as_well_as_it_can_be(
    content: bytes, found: list[tuple[str, int]], line: str
) -> None:
    skill = read(content)
    assert remarks(skill) == found
    assert skill.lines[1] == line


def test_long_document_is_cut_even_inside_a_character() -> None:
    skill = read("é".encode() * 200_000 + b"x")
    assert remarks(skill) == [("skill.text.too-long", 1)]
    assert skill.lines == ("é" * 150_000,)
    assert remarks(read(b"x" + "é".encode() * 200_000)) == [("skill.text.too-long", 1)]


@pytest.mark.rule("CLI-1")
@pytest.mark.parametrize(
    ("path", "platform"),
    [
        ("/home/me/.clawhub/skills/a-skill/SKILL.md", "clawhub"),
        ("/home/me/.cursor/skills/a-skill/SKILL.md", "cursor"),
        ("/home/me/.cursor/rules/skills/SKILL.md", "unknown"),
        ("/home/me/skills/SKILL.md", "unknown"),
        ("SKILL.md", "unknown"),
        ("/srv/.clawhub", "unknown"),
    ],
)
def test_platform_comes_from_the_path(path: str, platform: str) -> None:
    assert read("---\nname: a\n---\n", path).platform == platform


def test_name_without_a_head_is_what_the_text_says() -> None:
    assert read("X-Skill-Source is `my-skill`, …").name == "my-skill"
    assert read("| X-Skill-Source | my-skill |").name == "my-skill"
    assert read("openclaw skills install my-skill").name == "my-skill"
    assert read("X-Skill-Source is the name, X-Skill-Source: <name>, $NAME").name == ""
    assert read("X-Skill-Source is the name").attribution({}).source == "unknown"
