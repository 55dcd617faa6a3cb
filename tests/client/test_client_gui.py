"""The backend's GUI words become what the client does; descriptions stay (CLI-6)."""

import pytest

from nemolocal_client.gui_translation import hints_for, translate

EXPORT = 'Say "export" to get the file.'
EDIT = "Say what to move and where, and it is done."
CREDITS = 'Say "credits" to see the balance.'
EXPORT_ZH = '回复 "export" 即可获得文件。'
EDIT_ZH = "告诉我要移动什么、移到哪里即可。"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "shown", "actions"),
    [
        ("Click the Export button to download your video.", [EXPORT], {"export"}),
        ("Use the Export menu.", [EXPORT], {"export"}),
        (
            "Trimmed to 10 s. Hit Export when you are ready!",
            ["Trimmed to 10 s.", EXPORT],
            {"export"},
        ),
        ("Click Generate to start.", [], {"click"}),
        ("Double-click the clip to change it.", [], {"click"}),
        ("Select a font in the Style panel.", [], {"click"}),
        ("Open the Audio panel to adjust it.", [], {"timeline"}),
        ("To see more, open Settings.", [], {"timeline"}),
        ("You can preview it in the timeline.", [], {"timeline"}),
        ("The title is in. You can see it in the timeline.", ["The title is in."], {"timeline"}),
        ("Drag the clip to the start.", [EDIT], {"edit"}),
        ("Drop it onto the timeline.", [EDIT], {"edit"}),
        ("Please check your account for details.", [CREDITS], {"balance"}),
        ("点击“导出”按钮下载视频。", [EXPORT_ZH], {"export"}),
        ("标题已添加。请点击生成按钮。", ["标题已添加。"], {"click"}),
        ("打开音频面板进行调整。", [], {"timeline"}),
        ("可以在时间线中预览。", [], {"timeline"}),
        ("把片段拖拽到开头。", [EDIT_ZH], {"edit"}),
        ("请查看您的账户。", ['回复 "credits" 可查看余额。'], {"balance"}),
    ],
)
def test_gui_action_becomes_what_the_client_does(
    said: str, shown: list[str], actions: set[str]
) -> None:
    translation = translate([said])
    assert list(translation.texts) == shown
    assert translation.actions == actions


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("I trimmed the clip to 2.5 s, and you can preview it in the timeline.",
         "I trimmed the clip to 2.5 s."),
        ("I added the title and then open the Text panel to style it.", "I added the title."),
        ("Music added; click the speaker icon, then choose a volume.", "Music added."),
        ("已添加标题，点击播放按钮预览。", "已添加标题。"),
        ("Click [Play] to hear it, the music is in.", "The music is in."),
        ("Open the [Audio] panel; I set the volume to 35%!", "I set the volume to 35%."),
        ("Drag it, then drop it where you like, your way.", ""),
    ],
)  # fmt: skip
def test_description_before_a_gui_action_stays(said: str, shown: str) -> None:
    assert translate([said]).texts[:1] == (shown or EDIT,)


@pytest.mark.slow
@pytest.mark.parametrize(
    "said",
    [
        "A click track was added.",
        "The scene opens with a calm, open sea.",
        "Removed the clicking noise.",
        "The beat drops at 12 s.",
        "Added three tracks:\n1. Video\n2. Music\n\nDone.",
        "I selected the brightest part and dropped the rest.",
        "已添加标题。背景音乐音量为 35%。",
    ],
)
def test_description_is_left_as_it_is(said: str) -> None:
    translation = translate([said])
    assert translation.texts == (said,)
    assert not translation.actions


@pytest.mark.slow
@pytest.mark.parametrize(
    "word",
    [
        "click",
        "drag",
        "open the",
        "preview in timeline",
        "Export button",
        "点击",
        "打开",
        "拖拽",
        "导出",
    ],
)
def test_no_gui_word_of_the_contract_is_shown(word: str) -> None:
    said = f"The sky is blue. Now {word} thing to go on. The end is near."
    shown = " ".join(translate([said]).texts)
    assert word.lower() not in shown.lower()
    assert shown.startswith("The sky is blue. The end is near.")


def test_hint_is_given_once_for_all_texts() -> None:
    texts = translate(["A. Click Export.", "B. Click Export again.", "  "]).texts
    assert texts == ("A.", "B.", EXPORT)


def test_hints_for_an_action_are_those_of_every_language() -> None:
    assert hints_for("export") == {EXPORT, EXPORT_ZH}
    assert hints_for("click") == frozenset()
