"""Laws of the translation: no GUI is left over, no description is lost, content is content."""

import re

import pytest
from hypothesis import given, strategies as st

from nemolocal_client import gui_translation
from nemolocal_client.gui_translation import Translator, translate

NAMES = st.sampled_from("Export Play Media Effects Undo Timeline 导出 播放 素材 特效".split())
CONTROLS = st.sampled_from("button menu panel tab icon dialog toolbar sidebar settings".split())
DONE = st.sampled_from(
    [
        "I trimmed the clip to 2.5 s",
        "The title is in, white and centred",
        "Done! The music plays at 35% volume",
        "I could not find a second clip",
        'I added the title "Click here. Drag me"',
        "The open sea is calmer now",
    ]
)
DONE_ZH = st.sampled_from(
    ["我把视频剪到了10秒", "标题已添加", "背景音乐音量为35%", "添加了标题“点击这里。拖拽我”"]
)


@st.composite
def gui_sentences(draw: st.DrawFn) -> str:
    name, control = draw(NAMES), draw(CONTROLS)
    lead = draw(st.sampled_from(["", "To go on, ", "You can ", "Please ", "When you are happy, "]))
    action = draw(
        st.sampled_from(
            [
                f"click [{name}]",
                f"click the {name} {control} to see it",
                f"open the [{name}] panel",
                f"open the {name} {control} and adjust it",
                "drag and drop the clip to another place",
                "drag it to the start",
                "preview in timeline",
                "preview it in the timeline",
                "use the Export button",
                "check your account/billing",
                "check the billing page",
                f"press the {name} {control}",
                f"select a style in the [{name}] {control}",
            ]
        )
    )
    sentence = f"{lead}{action}"
    return sentence[0].upper() + sentence[1:]


@st.composite
def gui_sentences_zh(draw: st.DrawFn) -> str:
    name = draw(NAMES)
    lead = draw(st.sampled_from(["", "请", "您可以", "满意后请", "如需调整，"]))
    action = draw(
        st.sampled_from(
            [
                f"点击【{name}】",
                f"打开【{name}】面板进行微调",
                "拖拽片段到开头",
                "在时间线中预览",
                "使用导出按钮",
                "查看您的账户/账单",
                f"单击{name}按钮",
            ]
        )
    )
    return f"{lead}{action}"


GUI_WORDS = re.compile(
    r"\b(?:click|drag|drop|panel|button|toolbar|sidebar|dialog|icon|preview|billing|open the)\b"
    r"|\[|点击|打开|拖|导出|按钮|面板|预览|账单|单击|【",
    re.IGNORECASE,
)
INSTEAD = {phrase.replacement for phrase in gui_translation.phrases()}


def left_over(texts: tuple[str, ...]) -> list[str]:
    """GUI words in what is shown, outside of quotation marks and of the client's own words."""
    shown = [re.sub(r"\"[^\"]*\"|“[^”]*”", "", text) for text in texts if text not in INSTEAD]
    return [text for text in shown if GUI_WORDS.search(text)]


@pytest.mark.slow
@pytest.mark.rule("CLI-6", "SSE-10")
@given(st.lists(DONE, min_size=1, max_size=3), st.lists(gui_sentences(), max_size=3))
def test_descriptions_stay_and_gui_actions_go(done: list[str], tips: list[str]) -> None:
    translation = translate([". ".join([*done, *tips]) + "."])
    assert not left_over(translation.texts)
    for description in done:
        assert description in translation.texts[0]
    assert bool(translation.actions) == bool(tips)


@pytest.mark.slow
@given(DONE, gui_sentences(), st.sampled_from([", and ", "; ", " — ", ", then ", ", so "]))
def test_gui_action_in_the_same_sentence_goes_and_the_description_stays(
    done: str, tip: str, between: str
) -> None:
    translation = translate([f"{done}{between}{tip[0].lower()}{tip[1:]}."])
    assert not left_over(translation.texts)
    assert done in translation.texts[0]


@pytest.mark.slow
@given(st.lists(DONE_ZH, min_size=1, max_size=3), st.lists(gui_sentences_zh(), max_size=3))
def test_chinese_descriptions_stay_and_gui_actions_go(done: list[str], tips: list[str]) -> None:
    translation = translate(["。".join([*done, *tips]) + "。"])
    assert not left_over(translation.texts)
    for description in done:
        assert description in translation.texts[0]


@pytest.mark.slow
@given(st.lists(st.one_of(DONE, DONE_ZH), min_size=1, max_size=4))
def test_what_points_at_no_gui_is_not_touched(done: list[str]) -> None:
    text = ".\n".join(done)
    assert translate([text]).texts == (text,)


@pytest.mark.slow
@given(st.lists(st.one_of(st.text(max_size=80), gui_sentences(), DONE, gui_sentences_zh())))
def test_texts_one_by_one_come_to_the_same_as_all_at_once(texts: list[str]) -> None:
    translator = Translator()
    shown = [kept for text in texts if (kept := translator.feed(text))]
    assert (*shown, *translator.hints) == translate(texts).texts


@pytest.mark.slow
@given(st.text(max_size=200))
def test_no_text_is_too_odd(text: str) -> None:
    translation = translate([text])
    assert all(kept.strip() for kept in translation.texts)


def test_titles_and_files_that_are_named_like_the_gui_are_content() -> None:
    summary = (
        'Timeline (2 tracks): 1. Video: drag race [Export] panel (0-4s) 2. Title: "Click!" (0-1s)'
    )
    said = f'Done! I added the title "Click!". {summary}. Open the [Text] panel to style it.'
    assert translate([said]).texts == (f'Done! I added the title "Click!". {summary}.',)
    chinese = "完成！时间线（1条轨道）：1. 视频：点击（0-4秒）。点击【播放】即可试听。"
    assert translate([chinese]).texts == ("完成！ 时间线（1条轨道）：1. 视频：点击（0-4秒）。",)


@pytest.mark.slow
def test_long_text_of_one_sentence_is_translated_at_once() -> None:
    said = "preview the export and open a " * 3000
    assert translate([said]).actions or translate([said]).texts


def test_table_covers_what_the_rule_lists() -> None:
    listed = {
        "Click [X].": "click",
        "Open the [X] panel.": "timeline",
        "Drag it.": "edit",
        "Preview in timeline.": "timeline",
        "Use the Export button.": "export",
        "Check account/billing.": "balance",
        "点击【X】。": "click",
        "打开【X】面板。": "timeline",
        "拖拽。": "edit",
        "导出。": "export",
    }
    for said, action in listed.items():
        translation = translate([said])
        assert translation.actions == {action}, said
        assert not left_over(translation.texts), said


def screens() -> list[tuple[str, str]]:
    """Every way in which the local server points at its screen, in both languages."""
    screen = pytest.importorskip("nemolocal_agent.replies.gui_hints")
    tables = [value for value in vars(screen).values() if isinstance(value, tuple)]
    return [pair for table in tables for pair in table]


def test_nothing_of_the_local_servers_screen_is_left_over() -> None:
    found = screens()
    assert found
    for english, chinese in found:
        for said in (english, chinese):
            translation = translate([said])
            assert translation.actions, said
            assert set(translation.texts) <= INSTEAD, said
