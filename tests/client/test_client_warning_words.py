"""Warnings name what a person knows: a title by its words, never a path in the draft."""

import pytest
from hypothesis import given, strategies as st

from nemolocal_client.warning_text import describe_warning
from nemolocal_contract.draft import draft_from_wire

DRAFT = draft_from_wire(
    {
        "t": [
            {"tt": 0, "sg": [{"s": 0, "d": 2000, "src": "x", "m": {"title": "beach"}}]},
            {"tt": 7, "sg": [{"s": 0, "d": 1500, "txt": "你好 🎬"}]},
        ]
    }
)


@pytest.mark.parametrize(
    ("warning", "said", "chinese"),
    [
        ("draft.t[1].sg[0].txt: no font", 'Title "你好 🎬" (0-1.5s): no font',
         "标题“你好 🎬”（0-1.5秒）: no font"),
        ("draft.t[0].sg[0].src: has no sound", "Video beach (0-2s): has no sound",
         "视频beach（0-2秒）: has no sound"),
        ("draft.t[1].tt: odd", "Title: odd", "标题: odd"),
        ("draft.m.fps: 25 is 30", "Frame rate: 25 is 30", "帧率: 25 is 30"),
        ("draft.m.width: odd", "Picture size: odd", "画面尺寸: odd"),
        ("draft.d: the segments end", "Length: the segments end", "时长: the segments end"),
        # What nobody knows is told as it came.
        ("draft.t[9].sg[0].txt: no font", "draft.t[9].sg[0].txt: no font",
         "draft.t[9].sg[0].txt: no font"),
        ("draft.t[0].sg[7].txt: no font", "draft.t[0].sg[7].txt: no font",
         "draft.t[0].sg[7].txt: no font"),
        ("draft.m.mood: odd", "draft.m.mood: odd", "draft.m.mood: odd"),
        ("the disk is nearly full", "the disk is nearly full", "the disk is nearly full"),
    ],
)  # fmt: skip
def test_path_becomes_what_it_stands_for(warning: str, said: str, chinese: str) -> None:
    assert describe_warning(warning, DRAFT) == said
    assert describe_warning(warning, DRAFT, "zh-CN") == chinese


@pytest.mark.slow
@given(st.text(max_size=60).map(lambda rest: f"draft.t[{rest}") | st.text(max_size=60))
def test_any_warning_keeps_what_it_says(warning: str) -> None:
    said = describe_warning(warning, DRAFT)
    assert said.endswith(warning.partition(": ")[2])
