"""Replies when there is nothing to edit or an edit is rejected (SSE-10)."""

import re
from typing import get_args

import pytest

from nemolocal_agent.nlu import parse_message
from nemolocal_agent.replies import write_failure_reply, write_no_edit_reply
from nemolocal_agent.understanding import NoEdit, Topic
from nemolocal_client.gui_translation import translate

TOPICS: dict[Topic, tuple[str, str]] = {
    "hello": ("Drag and drop", "拖拽"),
    "how": ("open the [Edit] panel", "打开"),
    "declined": ("Nothing was charged", "没有扣除积分"),
    "unknown": ("charged nothing", "没有扣除积分"),
    "export": ("Export button", "导出"),
    "credits": ("check your account/billing", "查看您的账户/账单"),
    "status": ("preview in timeline", "时间线中预览"),
    "upload": ("drag and drop", "拖拽"),
}


def test_every_topic_has_a_reply() -> None:
    assert set(TOPICS) == set(get_args(Topic))


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("message", ["well, then", "那么好吧"])
@pytest.mark.rule("SSE-10")
def test_reply_is_in_the_language_of_the_session(topic: Topic, message: str) -> None:
    english, chinese = (
        write_no_edit_reply(NoEdit(topic), language, message) for language in ("en", "zh-CN")
    )
    assert TOPICS[topic][0] in english
    assert TOPICS[topic][1] in chinese
    assert not re.search(r"[\u4e00-\u9fff]", english.replace(message, ""))


def test_reply_to_a_question_has_an_example_of_its_subject() -> None:
    asked = [
        ("how do I add music?", "add lo-fi background music", "添加Lo-fi背景音乐"),
        ("怎么加水印？", "add my logo in the bottom right", "在右下角加水印"),
        ("how does this work?", "trim to the first 10 seconds", "只保留前10秒"),
    ]
    for message, english, chinese in asked:
        assert f'"{english}"' in write_no_edit_reply(NoEdit("how"), "en", message)
        assert f"“{chinese}”" in write_no_edit_reply(NoEdit("how"), "zh", message)


ABOUT = (
    "title music volume speed transition fade split merge vertical compress brighter watermark "
    "undo generate order trim"
).split()


@pytest.mark.parametrize("about", ABOUT)
def test_examples_in_replies_are_understood(about: str) -> None:
    for language, marks in (("en", '""'), ("zh", "“”")):
        said = write_no_edit_reply(NoEdit("how"), language, f"how about {about}?")
        example = said[said.index(marks[0]) + 1 : said.rindex(marks[1])]
        assert not isinstance(parse_message(example), NoEdit), example


def test_unknown_words_are_quoted_truncated_on_one_line() -> None:
    said = write_no_edit_reply(NoEdit("unknown", "make\nit pop"), "en", "trim it and make it pop")
    assert said.startswith('I did not understand "make it pop". So I changed nothing')
    assert '"make it pop"' in write_no_edit_reply(NoEdit("unknown"), "en", "make it pop")
    assert len(write_no_edit_reply(NoEdit("unknown", "x" * 5000), "zh", "")) < 300


def test_failure_reply_has_the_reason() -> None:
    assert write_failure_reply("there is no clip 9.", "en") == (
        "I could not do that: there is no clip 9. Nothing was changed and nothing was charged."
    )
    assert write_failure_reply("没有第9个片段。", "zh") == (
        "无法完成：没有第9个片段。没有做任何修改，也没有扣除积分。"
    )


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_reply_without_gui_mentions_neither_gui_nor_charges(topic: Topic, language: str) -> None:
    said = write_no_edit_reply(NoEdit(topic), language, "hm", gui=False)
    assert translate([said]).actions == frozenset()
    assert "[" not in said
    assert not re.search(r"charged nothing|was charged|积分", said)
    failed = write_failure_reply("there is no clip 9", language, gui=False)
    assert not re.search("charged|积分", failed)
