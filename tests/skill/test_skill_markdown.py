"""Fenced blocks and tables of a document, as any reader of Markdown takes them."""

from pathlib import Path

import pytest

from nemolocal_skill import Skill, parse_skill


def read(text: str) -> Skill:
    return parse_skill(text.encode(), Path("SKILL.md"))


def urls(text: str) -> list[str]:
    return [command.url for command in read(text).commands]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (r"`a \| b`", "a | b"),
        (r"a \| b \| c", "a | b | c"),
        (r"\| a", "| a"),
        (r"a \|", "a |"),
        (r"a \\| b", r"a \| b"),
        (r"C:\a", r"C:\a"),
    ],
)
@pytest.mark.parametrize("ruler", ["|---|---|\n", "| :-- | --: |\n", "|---|---|---|\n", ""])
def test_escaped_pipe_stays_in_its_cell(cell: str, text: str, ruler: str) -> None:
    skill = read(f"| Code | Meaning |\n{ruler}| 1001 | {cell} |\n")
    assert [(row.code, row.text) for row in skill.errors] == [(1001, text)]


def test_escaped_pipe_in_the_first_and_the_last_cell_of_a_row_without_outer_bars() -> None:
    skill = read("Backend says | You do\n--- | ---\n`open \\| x` | Read \\| y\n")
    assert [(row.says, row.action) for row in skill.gui] == [("open | x", "Read | y")]


def test_command_in_a_cell_is_piped_and_one_in_a_sentence_is_not() -> None:
    table = "| Step | Command |\n|---|---|\n| 1 | `curl -s a \\| jq .b` |\n"
    (command,) = read(table).commands
    assert [word.text for word in command.words] == ["curl", "-s", "a"]
    assert (command.line, command.column) == (3, 8)
    (command,) = read("Run `curl -s a \\| b`.\n").commands
    assert [word.text for word in command.words] == ["curl", "-s", "a", "|", "b"]


def test_cells_beyond_the_header_are_kept() -> None:
    skill = read("| Code | Meaning |\n|---|---|\n| 402 | a | b |\n")
    assert [row.text for row in skill.errors] == ["a — b"]


@pytest.mark.parametrize("row", ["|", "||", "| |", r"\|", "| 1001"])
def test_row_of_hardly_anything_is_a_row(row: str) -> None:
    table = f"| Code | Meaning |\n|---|---|\n{row}\n| 402 | x |\n"
    assert (402, "x") in [(found.code, found.text) for found in read(table).errors]


def test_text_right_behind_a_table_is_no_row() -> None:
    table = "| Code | Meaning |\n|---|---|\n| 402 | x |\n1001 times already\n"
    assert [row.code for row in read(table).errors] == [402]


def test_sentence_with_bars_right_before_a_table_is_no_header() -> None:
    table = "Say a | b | c:\n| Code | Meaning |\n|---|---|\n| 402 | x |\n"
    assert [(row.code, row.text) for row in read(table).errors] == [(402, "x")]


def test_table_in_a_fenced_block_is_an_example() -> None:
    table = "| Code | Meaning |\n|---|---|\n| 402 | x |\n"
    assert read(f"```text\n{table}```\n").errors == ()


@pytest.mark.slow
@pytest.mark.parametrize("inner", ["```bash", "``` bash", "```bash {.copy}", "~~~", "``", "```` x"])
def test_line_that_opens_a_block_closes_none(inner: str) -> None:
    text = f"```text\n{inner}\ncurl a\n```\n\n```sh\ncurl b\n```\n"
    assert urls(text) == ["b"]


@pytest.mark.slow
@pytest.mark.parametrize("closing", ["```", "`````", "```  ", "   ```"])
def test_fence_of_its_own_kind_and_length_closes_a_block(closing: str) -> None:
    text = f"```text\ncurl a\n{closing}\n\n```sh\ncurl b\n```\n"
    assert urls(text) == ["b"]


@pytest.mark.slow
@pytest.mark.parametrize(("outer", "inner"), [("````", "```"), ("~~~", "```"), ("```", "~~~")])
def test_whole_block_in_a_block_is_an_example(outer: str, inner: str) -> None:
    text = f"{outer}markdown\n{inner}sh\ncurl a\n{inner}\n{outer}\n\n```sh\ncurl b\n```\n"
    assert urls(text) == ["b"]


def test_code_between_three_backticks_within_a_line_is_no_block() -> None:
    assert urls("```curl a```\n\n```sh\ncurl b\n```\n") == ["a", "b"]


@pytest.mark.slow
@pytest.mark.parametrize("indent", ["  ", "   ", "      ", "\t", "          "])
def test_block_of_a_list_may_be_indented_and_its_lines_less(indent: str) -> None:
    text = f"1. Step\n{indent}```bash\n{indent}curl a\ncurl b\n{indent}```\n2. curl c\n"
    skill = read(text)
    assert [(c.url, c.line, c.column) for c in skill.commands] == [
        ("a", 3, len(indent) + 1),
        ("b", 4, 1),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("head", ["", "---\nname: x\n---\n"])
def test_block_that_is_never_closed_reaches_to_the_end(head: str) -> None:
    assert urls(f"{head}```sh\ncurl a\n\ncurl b") == ["a", "b"]
    assert urls(f"{head}```sh") == []


@pytest.mark.parametrize(
    ("info", "shell"),
    [("bash", True), ("Bash", True), (" sh ", True), ("bash copy", True), ("python", False)],
)
def test_language_is_the_first_word_behind_the_fence(info: str, shell: bool) -> None:
    assert urls(f"```{info}\ncurl a\n```\n") == (["a"] if shell else [])
