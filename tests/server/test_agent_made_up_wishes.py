"""Wishes of words that the agent does not know: nothing is taken away by a guess."""

import pytest

from nemolocal_agent.nlu import parse_message
from nemolocal_agent.understanding import NoEdit
from tests.support.made_up_wishes import (
    KNOWN_NOUNS,
    KNOWN_VERBS,
    UNKNOWN_NOUNS,
    UNKNOWN_VERBS,
    made_up_wishes,
)
from tests.support.tables import check_rows


def check_no_edit(wish: str) -> None:
    heard = parse_message(wish)
    assert isinstance(heard, NoEdit), heard


@pytest.mark.parametrize("count", [300, pytest.param(5000, marks=pytest.mark.slow)])
def test_word_that_is_not_explained_makes_no_edit(count: int, subtests: pytest.Subtests) -> None:
    wishes = [(wish,) for wish, known in made_up_wishes(count) if not known]
    check_rows(subtests, wishes, check_no_edit)


@pytest.mark.slow
def test_made_up_wishes_are_of_different_words() -> None:
    for words in (KNOWN_VERBS, UNKNOWN_VERBS, KNOWN_NOUNS, UNKNOWN_NOUNS):
        assert len(words) == len(set(words)) == 50


CHINESE_VERBS = "删掉 去掉 撤销 重做 重置 清空 生成 剪掉 保留 抛光 腌制 按摩 编织".split()
CHINESE_NOUNS = "河马 雨伞 皱纹 秋千 贝壳 邻居 三明治 咳嗽 反光 所有蜡烛 全部静默".split()


def test_chinese_word_that_is_not_explained_makes_no_edit(subtests: pytest.Subtests) -> None:
    wishes = [
        (form.format(verb=verb, noun=noun),)
        for verb in CHINESE_VERBS
        for noun in CHINESE_NOUNS
        for form in ("{verb}{noun}", "把{noun}{verb}", "5秒处{verb}{noun}")
    ]
    check_rows(subtests, wishes, check_no_edit)


GUESSES = [
    "lose all the violin",
    "reset the jazz",
    "cut the best part",
    "undo all the silences",
    "hum the echo",
    "raise the hum",
    "reset the captions",
    "change the captions",
    "remove clips longer than 5 seconds",
    "remove all the ukuleles",
    "undo the hamster",
    "undo the trim",
    "remove filler words",
    "take frames 0 to 90 off the start",
    "dup the lamp",
    "remave the second clip",
    "undi that",
    "redu it",
    "strt over please",
    "delete the clip at 0:05",
    "polish the watermark",
    "flibber the music",
    "generate the vocals",
    "generate a cat",
    "remove everything before he starts talking",
    "clear everything but the hamster",
    "start over and tickle it",
    "undo that and bake a cake",
    "if it is too loud, mute it",
    "remove everything not tickled",
    "add a hamster to the second clip and make it bigger",
    "remove the first clip, translate the second, and the third",
]


def test_destructive_command_accounts_for_every_word(subtests: pytest.Subtests) -> None:
    def check(message: str) -> None:
        if message.startswith("remove the first clip"):
            assert len(parse_message(message)) == 1  # type: ignore[arg-type]
        else:
            check_no_edit(message)

    check_rows(subtests, [(message,) for message in GUESSES], check)


VERBS_WITHOUT_OBJECT = [
    "stop all the clips",
    "hiding all the clips",
    "roll back the second clip",
    "stop all the timeline",
    "undo all the scenes",
    "undo all the uploads",
    "hide all the footage",
    "停掉所有片段",
    "撤销所有片段",
    "关闭全部视频",
    "crop the picture at 0:05",
    "raise the ending at 0:05",
    "keep the saturation",
    "keep the sepia",
    "reduce the blur",
    "lower all the vignette",
    "replace the blur",
    "rotate the contrast",
    "flip all the saturation",
    "reverse the vignette",
    "zoom the brightness",
    "fade the saturation",
    "brighten all the sepia",
    "mirror all the size",
    "reverse the crossfade",
    "cut crossfade at 0:05",
    "erase the slideshow",
    "crop the slideshow",
    "darken slideshow at 0:05",
    "generate slideshow at 0:05",
    "split the bars",
    "play the bars",
    "merge the ending",
    "merge the size",
    "reset subtitles at 0:05",
    "reverse text at 0:05",
    "move all the crossfade",
    "sharpen all the middle",
    "brighten the part",
    "fade the part",
    "add a beat drop",
]


def test_verb_that_its_object_cannot_have_makes_no_edit(subtests: pytest.Subtests) -> None:
    check_rows(subtests, [(wish,) for wish in VERBS_WITHOUT_OBJECT], check_no_edit)


VERBS_WITH_OBJECT = [
    "stop the sound",
    "stop all the captions",
    "undo the vignette",
    "undo the captions",
    "hide the logo",
    "crop the video to 5 seconds",
    "raise the brightness",
    "lower the contrast",
    "darken the brightness",
    "fade the ending",
    "rotate all the pictures",
    "zoom into the middle",
    "brighten the intro",
    "make a slideshow of 20 seconds",
    "merge all the photos",
    "remove the second clip",
    "show the slideshow",
    "reduce the blur by 50%",
]


def test_verb_that_its_object_can_have_makes_an_edit(subtests: pytest.Subtests) -> None:
    def check(wish: str) -> None:
        assert not isinstance(parse_message(wish), NoEdit)

    check_rows(subtests, [(wish,) for wish in VERBS_WITH_OBJECT], check)
