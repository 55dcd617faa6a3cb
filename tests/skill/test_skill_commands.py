"""Commands as a shell would read them: words, quotes, places; and what curl would send."""

import shlex
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from nemolocal_skill import Skill, parse_skill
from nemolocal_skill.parse.curl import CurlCommand
from nemolocal_skill.parse.shell_words import WordPart, parse_command


def words(text: str) -> list[str]:
    return [word.text for word in parse_command(text, 0, 1, 1).words]


def read(script: str) -> Skill:
    return parse_skill(f"# T\n\n```bash\n{script}\n```\n".encode(), Path("SKILL.md"))


def one(script: str) -> CurlCommand:
    (curl,) = read(script).commands
    return curl


PLAIN = st.text(st.sampled_from(list("ab \t'\"-:/{}=,\\é")), max_size=30)


@pytest.mark.slow
@given(PLAIN)
def test_words_are_those_of_shlex(text: str) -> None:
    try:
        expected = shlex.split(text)
    except ValueError:
        assert (
            any(word.unclosed_quote for word in parse_command(text, 0, 1, 1).words) or "\\" in text
        )
    else:
        assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a \\\n  b", ["a", "b"]),
        ("a; b", ["a"]),
        ("a | b", ["a"]),
        ("a > b", ["a"]),
        ("a /x/<sid>/y <id>", ["a", "/x/<sid>/y", "<id>"]),
        ("a # b", ["a"]),
        ("a b#c", ["a", "b#c"]),
        ("a '$X' \"$X ${Y:-z}\" $(date +%s)", ["a", "$X", "$X ${Y:-z}", "$(date +%s)"]),
        ('a "$(echo (x))" `y`z `', ["a", "$(echo (x))", "`y`z", "`"]),
        ('a "b\\\nc" $ "$"', ["a", "bc", "$", "$"]),
        ("a '{\"b\":\"'$X'\"}'", ["a", '{"b":"$X"}']),
        ("a b\\\nc", ["a", "b", "c"]),
        ("a 'b\nc' d", ["a", "b\nc", "d"]),
        ("", []),
    ],
)
def test_words_end_where_a_shell_ends_them(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_pieces_know_their_quotes_names_and_places() -> None:
    command = parse_command("curl \\\n -H \"A: $B\"'$C'`d`", 0, 10, 3)
    assert command.words[2].parts == (
        WordPart("", '"', 11, 6),
        WordPart("A: ", '"', 11, 6),
        WordPart("$B", '"', 11, 9, variable="B"),
        WordPart("$C", "'", 11, 13),
        WordPart("`d`", "", 11, 16, substitution="d"),
    )


@pytest.mark.parametrize("text", ["a 'b", 'a "b', "a 'b\nc\nd"])
def test_open_quote_is_known(text: str) -> None:
    assert parse_command(text, 0, 1, 1).words[-1].unclosed_quote == text[2]


@pytest.mark.parametrize(
    ("script", "method"),
    [
        ("curl https://h/api/x", "GET"),
        ("curl https://h/api/x -d a", "POST"),
        ("curl -F files=@a https://h/api/x", "POST"),
        ("curl -G -d a https://h/api/x", "GET"),
        ("curl -I https://h/api/x", "HEAD"),
        ("curl -X put https://h/api/x", "PUT"),
        ("curl -XDELETE https://h/api/x", "DELETE"),
        ("curl -sX POST https://h/api/x", "POST"),
        ("curl --request POST --url https://h/api/x", "POST"),
        ("curl --json '{}' https://h/api/x", "POST"),
        ("curl --data-raw='{}' https://h/api/x", "GET"),
    ],
)
def test_method_and_url_are_those_that_curl_would_use(script: str, method: str) -> None:
    curl = one(script)
    assert (curl.method, curl.url) == (method, "https://h/api/x")


def test_command_over_several_lines_has_one_place() -> None:
    curl = one(
        "\nexport API=https://h\n  curl -sN \\\n  $API/api/x \\\n  -H 'A: b' -H 'C;' -o out | jq ."
    )
    assert (curl.line, curl.last_line, curl.column) == (6, 8, 3)
    assert curl.flags == {"-s", "-N"}
    assert curl.headers == {"a": "b"}
    assert curl.url == "$API/api/x"


@pytest.mark.slow
def test_arrays_of_arrays_are_filled_in_and_never_without_end() -> None:
    curl = one('A=(-H "A: b")\nB=("${A[@]}" -H "C: d")\ncurl "${B[@]}" -H "E: f" u')
    assert curl.headers == {"a": "b", "c": "d", "e": "f"}
    doubled = "\n".join(f'A{n + 1}=("${{A{n}[@]}}" "${{A{n}[@]}}")' for n in range(40))
    bomb = one(f'A0=(-H "A: b")\n{doubled}\ncurl "${{A40[@]}}" "${{A40[@]}}" u')
    assert bomb.headers == {"a": "b"}
    itself = one('A=("${A[@]}" -H "A: b")\ncurl "${A[@]}" u')
    assert itself.headers == {"a": "b"}


def test_attached_values_and_arrays_are_seen() -> None:
    skill = read('AUTH=(-H "A: b" -H "C: $D")\nX=1\nY="a b"\ncurl -d@f "${AUTH[@]}" "${NONE[@]}" u')
    (curl,) = skill.commands
    assert curl.headers == {"a": "b", "c": "$D"}
    assert [given.word.text for given in curl.bodies] == ["@f"]
    assert curl.url == "u"
    assert {name: word.text for name, word in skill.assignments.items()} == {"X": "1", "Y": "a b"}


def test_value_behind_its_option_keeps_its_quotes() -> None:
    (data,) = one('curl -d"$X"y u').bodies
    assert [(piece.text, piece.quote) for piece in data.word.parts] == [("$X", '"'), ("y", "")]


def test_word_of_headers_is_no_url() -> None:
    assert one("curl $HEADERS https://h/x").url == "https://h/x"


@pytest.mark.parametrize(
    "script",
    ["# curl https://h", "libcurl x", "./curl x", "mycurl x", "echo curl-7", "curly x"],
)
def test_what_is_no_curl_is_left_alone(script: str) -> None:
    assert read(script).commands == ()


def test_only_shell_blocks_have_commands() -> None:
    text = "```python\ncurl a\n```\n~~~~\ncurl b\n~~~\n```\n~~~~\n```sh\ncurl c"
    skill = parse_skill(text.encode(), Path("SKILL.md"))
    assert [curl.url for curl in skill.commands] == ["b", "c"]


def test_command_in_a_sentence_is_a_command_with_its_columns() -> None:
    said = "**a)** Submit: `curl -s \"$API/x\" -H 'A: b'`, then `curl $API/y`; `curly`"
    text = f"{said}\n\n```\n`curl z`\n```"
    skill = parse_skill(text.encode(), Path("SKILL.md"))
    assert [(curl.url, curl.line, curl.column) for curl in skill.commands] == [
        ("$API/x", 1, 17), ("$API/y", 1, 52), ("z`", 4, 2),
    ]  # fmt: skip
    assert skill.commands[0].headers == {"a": "b"}


def test_command_in_a_substitution_is_a_command() -> None:
    curl = one("TOKEN=$(curl -s \"$API/api/x\" -H 'A: b' | jq -r .data.token)")
    assert (curl.url, curl.headers) == ("$API/api/x", {"a": "b"})
