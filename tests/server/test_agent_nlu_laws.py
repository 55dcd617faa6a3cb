"""Laws of the parser: changes of a message that do not change its meaning."""

import itertools
import string
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, strategies as st

from nemolocal_agent.intents import AddTitle, Edit, Selector
from nemolocal_agent.nlu import parse_message
from nemolocal_agent.understanding import NoEdit

COMMANDS = [
    "trim to 10 seconds",
    "remove the first 5 seconds",
    "delete the second clip",
    "move the last clip to the start",
    "split the video at 5 seconds",
    "speed up the first clip",
    "mute the video",
    "add calm music at 20%",
    "remove the music",
    "fade out at the end",
    "make the title bigger",
    "make it vertical with black bars",
    "make it black and white",
    "brighten the last clip a bit",
    "rotate it 90 degrees",
    "add a crossfade between all clips",
    "add a watermark in the bottom right",
    "compress the video to 10 MB",
    "undo the last two edits",
    "generate a 10-second sunset timelapse",
]
CHINESE = [
    "剪到10秒",
    "去掉开头5秒",
    "删除第二个片段",
    "2倍速播放",
    "静音",
    "加一段轻松的背景音乐",
    "音乐淡出",
    "改成竖屏",
    "变成黑白",
    "撤销",
]
# One command of each kind for every run; the deep run has all others.
EVERY_RUN = {
    "remove the first 5 seconds",
    "speed up the first clip",
    "make it vertical with black bars",
    "剪到10秒",
}
OF_A_CLIP = {"speed up the first clip": 1, "brighten the last clip a bit": -1}
OF_WHAT_WAS_NAMED = ("make it black and white", "rotate it 90 degrees")
english = st.sampled_from(COMMANDS)
# A word of a command that may have a typo, and the message around it.
TYPED = [
    ("seconds", "trim to 10 {}"),
    ("brighten", "{} the video"),
    ("compress", "{} the video"),
    ("watermark", "add a {}"),
    ("background", "add {} music"),
    ("vertical", "make it {}"),
    ("transition", "add a {}"),
    ("backwards", "play it {}"),
]
WORDS_OF_THEIR_OWN = {"remote"}


def mostly_deep(commands: list[str]) -> list[Any]:
    """The commands as parameters, all but a few of them slow."""
    return [
        command if command in EVERY_RUN else pytest.param(command, marks=pytest.mark.slow)
        for command in commands
    ]


def done(message: str) -> tuple[Edit, ...]:
    """The edits of a message that must be understood."""
    heard = parse_message(message)
    assert not isinstance(heard, NoEdit), (message, heard)
    return heard


@pytest.mark.slow
@given(st.text(max_size=200))
def test_any_text_is_parsed(message: str) -> None:
    parse_message(message)


@pytest.mark.slow
@given(st.lists(st.sampled_from([*" ".join(COMMANDS).split(), *CHINESE, "and", ",", "'", "5s"])))
def test_any_words_of_commands_are_parsed(words: list[str]) -> None:
    parse_message(" ".join(words))


@pytest.mark.slow
@pytest.mark.parametrize("command", mostly_deep([*COMMANDS, *CHINESE]))
def test_politeness_and_punctuation_change_nothing(command: str) -> None:
    before = ["", "please ", "could you please ", "hey, ", "I'd like you to ", "请", "  "]
    behind = ["", " please", ".", "!", "...", "  ", ", thanks!", "，谢谢", " 🙏"]
    wanted = done(command)
    for polite in itertools.product(before, [command], behind):
        assert done("".join(polite)) == wanted, polite


@pytest.mark.slow
@given(english.filter(lambda command: "generate" not in command), st.randoms())
def test_case_and_white_space_change_nothing(command: str, random: object) -> None:
    pick = random.choice  # type: ignore[attr-defined]
    typed = "".join(pick((c.upper(), c.lower())) + (" " if c == " " else "") for c in command)
    assert done(typed) == done(command)


@pytest.mark.slow
@pytest.mark.parametrize("one", mostly_deep([*COMMANDS, *CHINESE]))
def test_two_commands_are_two_edits_in_order(one: str) -> None:
    first = done(one)
    for other in (*COMMANDS, *CHINESE):
        second = done(other)
        if one in OF_A_CLIP and other in OF_WHAT_WAS_NAMED:
            # The last thing that was named, a clip here.
            which = Selector(number=OF_A_CLIP[one])
            second = tuple(msgspec.structs.replace(edit, selector=which) for edit in second)
        for link in (" and then ", ", then ", "，然后", ". ", "\n", "; "):
            assert done(one + link + other) == first + second, (link, other)


words = st.text(
    st.characters(codec="utf-8", exclude_characters="\"“”'‘’「」", exclude_categories=["Cc", "Cs"]),
    min_size=1,
    max_size=40,
).filter(str.strip)


@pytest.mark.slow
@given(st.one_of(words, st.sampled_from(COMMANDS), st.sampled_from(["don't", "how?", "a, then b"])))
@example("²\\")
@example("\\")
def test_quoted_text_is_never_a_command(text: str) -> None:
    assert done(f'add a title "{text}" at the top') == (AddTitle(text, None, None, "top-center"),)
    assert done(f"加标题“{text}”，然后静音") == (AddTitle(text), *done("静音"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("word", "message"),
    [*TYPED[:2], *(pytest.param(*row, marks=pytest.mark.slow) for row in TYPED[2:])],
)
def test_typo_in_a_command_changes_nothing(word: str, message: str) -> None:
    wanted = done(message.format(word))
    for typed in mistyped(word) - WORDS_OF_THEIR_OWN:
        assert done(message.format(typed)) == wanted, typed


def mistyped(word: str) -> set[str]:
    """The word with one letter missing, added, wrong, or swapped with the next one."""
    found = set()
    for place in range(1, len(word) - 1):
        found.add(word[:place] + word[place + 1 :])
        found.add(word[:place] + word[place + 1] + word[place] + word[place + 2 :])
        for letter in string.ascii_lowercase:
            found.add(word[:place] + letter + word[place:])
            found.add(word[:place] + letter + word[place + 1 :])
    return found
