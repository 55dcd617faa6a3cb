"""What changed between two drafts, as a person would say it, in both languages (CLI-3)."""

from typing import Any

import pytest

from nemolocal_contract.describe import describe_changes
from nemolocal_contract.draft import Draft, draft_from_wire


def draft(*tracks: dict[str, Any], **rest: Any) -> Draft:
    return draft_from_wire({"t": list(tracks), **rest})


def video(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"tt": 0, "sg": list(segments)}


def clip(name: str, start: float, length: float, **rest: Any) -> dict[str, Any]:
    named = {"id": name, "s": start, "d": length, "src": f"{name}.mp4", "m": {"title": name}}
    return {**named, **rest}


BEACH = clip("beach", 0, 10_000)
CITY = clip("city", 10_000, 5000)
MUSIC = {"id": "m", "s": 0, "d": 10_000, "src": "x", "v": 0.35, "m": {"title": "Lo-fi"}}
LOFI = {"tt": 1, "n": "BGM", "sg": [MUSIC]}
WORDS = {"id": "c", "s": 0, "d": 3000, "txt": "Paradise Found"}
STYLED = {**WORDS, "st": {"color": "white", "pos": "top-center"}}


def title(*segments: dict[str, Any], name: str = "Title") -> dict[str, Any]:
    return {"tt": 7, "n": name, "sg": list(segments)}


def both(before: Draft, after: Draft) -> tuple[list[str], list[str]]:
    return describe_changes(before, after), describe_changes(before, after, "zh-CN")


def test_added_things_are_told_by_what_they_are() -> None:
    reported = both(draft(), draft(video(BEACH), LOFI, title(STYLED), d=10_000))
    assert reported[0] == [
        "Video added: beach (0-10s)",
        "BGM added: Lo-fi (0-10s, 35%)",
        "Title added: 'Paradise Found' (white, top-center, 0-3s)",
    ]
    assert reported[1] == [
        "已添加视频：beach（0-10秒）",
        "已添加背景音乐：Lo-fi（0-10秒，35%）",
        "已添加标题：“Paradise Found”（白色，顶部居中，0-3秒）",
    ]
    faded = title({**WORDS, "fi": 500})
    assert describe_changes(draft(), draft(faded)) == ["Title added: 'Paradise Found' (0-3s)"]


def test_removed_things_are_told() -> None:
    reported = both(draft(video(BEACH), LOFI), draft(video(BEACH)))
    assert reported == (
        ["Removed BGM: Lo-fi (0-10s, 35%)"],
        ["已删除背景音乐：Lo-fi（0-10秒，35%）"],
    )


CHANGED: list[tuple[dict[str, Any], str, str]] = [
    ({"d": 4000, "ss": 2000}, "trimmed to 4s, from 2s of its source",
     "剪短至4秒，从素材的第2秒开始"),
    ({"d": 14_000}, "extended to 14s", "延长至14秒"),
    ({"ss": 500}, "from 0.5s of its source", "从素材的第0.5秒开始"),
    ({"s": 1500}, "now starts at 1.5s", "从1.5秒开始"),
    ({"sp": 2, "d": 5000}, "speed 1x to 2x", "速度由1倍变为2倍"),
    ({"v": 0.5}, "volume 100% to 50%", "音量由100%变为50%"),
    ({"v": 0}, "muted", "已静音"),
    ({"fi": 1000}, "fade in 1s", "淡入1秒"),
    ({"fo": 500}, "fade out 0.5s", "淡出0.5秒"),
    ({"tr": {"type": "crossfade", "d": 1000}}, "crossfade into the next clip (1s)",
     "以叠化转到下一段（1秒）"),
    ({"fx": [{"type": "brightness", "amount": 0.25}]}, "brightness +25 %", "亮度 +25 %"),
    ({"fx": [{"type": "contrast", "amount": -0.1}]}, "contrast -10 %", "对比度 -10 %"),
    ({"fx": [{"type": "saturation", "amount": 0.5}]}, "saturation +50 %", "饱和度 +50 %"),
    ({"fx": [{"type": "warmth", "amount": 0.2}]}, "warmth +20 %", "色温 +20 %"),
    ({"fx": [{"type": "grayscale"}]}, "black and white", "黑白"),
    ({"fx": [{"type": "sepia"}]}, "sepia", "怀旧色调"),
    ({"fx": [{"type": "blur"}]}, "blur 50 %", "模糊 50 %"),
    ({"fx": [{"type": "sharpen", "amount": 0.9}]}, "sharpening 90 %", "锐化 90 %"),
    ({"fx": [{"type": "vignette"}]}, "vignette 50 %", "暗角 50 %"),
    ({"fx": [{"type": "rotate", "degrees": 90}]}, "rotated 90°", "旋转90°"),
    ({"fx": [{"type": "flip"}]}, "mirrored left to right", "左右镜像"),
    ({"fx": [{"type": "flip", "axis": "vertical"}]}, "flipped upside down", "上下翻转"),
    ({"fx": [{"type": "reverse"}]}, "played backwards", "倒放"),
    ({"fx": [{"type": "zoom"}]}, "zoom from 100 % to 125 %", "从100 %缩放到125 %"),
    ({"fx": [{"type": "crop", "width": 0.8, "height": 0.5}]},
     "cropped to 80 % x 50 % of the picture", "裁切到画面的80 % x 50 %"),
    ({"fx": [{"type": "duck"}]}, "70 % quieter under the clips' sound", "有人声时降低70 %"),
    ({"fx": [{"type": "rotate", "degrees": 45}]}, "rotation", "旋转"),
    ({"fx": [{"type": "glitter"}]}, 'effect "glitter"', "效果“glitter”"),
]  # fmt: skip


def test_a_change_of_a_clip_is_told_by_what_it_is_now(subtests: pytest.Subtests) -> None:
    for change, english, chinese in CHANGED:
        with subtests.test(change=change, english=english, chinese=chinese):
            reported = both(draft(video(BEACH)), draft(video({**BEACH, **change})))
            assert reported == ([f"Video beach: {english}"], [f"视频beach：{chinese}"])


TAKEN_BACK: list[tuple[dict[str, Any], str, str]] = [
    ({"v": 0}, "volume 0% to 100%", "音量由0%变为100%"),
    ({"fi": 1000}, "fade in removed", "已去掉淡入"),
    ({"fx": [{"type": "blur"}]}, "blur removed", "已去掉模糊"),
    ({"tr": {"type": "circle", "d": 1000}}, "hard cut into the next clip", "与下一段之间无转场"),
]


@pytest.mark.parametrize(("change", "english", "chinese"), TAKEN_BACK)
def test_what_is_taken_back_is_told_as_gone(
    change: dict[str, Any], english: str, chinese: str
) -> None:
    reported = both(draft(video({**BEACH, **change})), draft(video(BEACH)))
    assert reported == ([f"Video beach: {english}"], [f"视频beach：{chinese}"])


def test_an_effect_that_gets_another_amount_is_not_told_as_removed() -> None:
    looks: list[Any] = [[{"type": "blur", "amount": amount}] for amount in (0.5, 0.9)]
    before, after = (draft(video({**BEACH, "fx": fx})) for fx in looks)
    assert describe_changes(before, after) == ["Video beach: blur 90 %"]


def test_several_changes_of_one_clip_are_one_sentence() -> None:
    after = {**BEACH, "d": 4000, "v": 0.1, "fx": [{"type": "sepia"}]}
    assert describe_changes(draft(video(BEACH), d=10_000), draft(video(after), d=4000)) == [
        "Video beach: trimmed to 4s; volume 100% to 10%; sepia",
        "Total length changed from 10s to 4s",
    ]


def test_the_same_change_of_several_clips_is_told_once() -> None:
    clips = [clip(name, n * 1000, 1000) for n, name in enumerate("abcd")]
    gray = [{**one, "fx": [{"type": "grayscale"}]} for one in clips]
    before = draft(video(*clips))
    assert both(before, draft(video(*gray))) == (
        ["Video (all 4): black and white"],
        ["视频（全部4段）：黑白"],
    )
    assert both(before, draft(video(*gray[:2], *clips[2:]))) == (
        ["Video a, b: black and white"],
        ["视频a、b：黑白"],
    )


def test_clips_that_only_move_along_are_not_told() -> None:
    trimmed = video({**BEACH, "d": 4000}, {**CITY, "s": 4000})
    assert describe_changes(draft(video(BEACH, CITY)), draft(trimmed)) == [
        "Video beach: trimmed to 4s"
    ]


def test_another_order_is_told_by_the_new_order() -> None:
    one, two, three = clip("a", 0, 1000), clip("b", 1000, 1000), clip("c", 2000, 1000)
    swapped = video({**two, "s": 0}, {**one, "s": 1000}, three)
    reversed_ = video({**three, "s": 0}, two, {**one, "s": 2000})
    before = draft(video(one, two, three))
    assert both(before, draft(swapped)) == (["Order changed: b, a, c"], ["片段的新顺序：b、a、c"])
    assert both(before, draft(reversed_)) == (
        ["Order reversed: c, b, a"],
        ["片段顺序已反转：c、b、a"],
    )


def test_one_clip_in_two_is_split_and_nothing_is_removed() -> None:
    parts = video({**BEACH, "d": 4000}, clip("n", 4000, 6000, src="beach.mp4", ss=4000))
    assert both(draft(video(BEACH)), draft(parts)) == (
        ["Video beach: split into 2 (0-4s, 4-10s)"],
        ["视频beach：分成2段（0-4秒、4-10秒）"],
    )


def test_a_piece_cut_out_of_the_middle_is_told_by_its_length() -> None:
    parts = video({**BEACH, "d": 3000}, clip("n", 3000, 5000, src="beach.mp4", ss=5000))
    assert both(draft(video(BEACH), d=10_000), draft(parts, d=8000)) == (
        [
            "Video beach: split into 2 (0-3s, 3-8s), 2s cut out",
            "Total length changed from 10s to 8s",
        ],
        ["视频beach：分成2段（0-3秒、3-8秒），剪掉2秒", "总时长由10秒变为8秒"],
    )


def test_a_look_of_a_part_of_a_clip_is_told_with_its_place() -> None:
    blurred = {**BEACH, "d": 3000, "fx": [{"type": "blur"}]}
    rest = clip("n", 3000, 7000, src="beach.mp4", ss=3000, m={"title": "beach"})
    assert both(draft(video(BEACH)), draft(video(blurred, rest))) == (
        ["Video beach: split into 2 (0-3s, 3-10s)", "Video beach (0-3s): blur 50 %"],
        ["视频beach：分成2段（0-3秒、3-10秒）", "视频beach（0-3秒）：模糊 50 %"],
    )


def test_a_loop_is_told_as_a_repetition() -> None:
    again = [clip(f"n{n}", n * 10_000, 10_000, src="beach.mp4") for n in (1, 2)]
    assert both(draft(video(BEACH)), draft(video(BEACH, *again))) == (
        ["Video beach: repeated, now 3 times (0-10s, 10-20s, 20-30s)"],
        ["视频beach：重复播放，现在共3次（0-10秒、10-20秒、20-30秒）"],
    )


def test_clips_with_other_ids_are_known_by_their_source() -> None:
    renamed = [{**BEACH, "id": "x"}, {**CITY, "id": "y", "v": 0.5}]
    assert describe_changes(draft(video(BEACH, CITY)), draft(video(*renamed))) == [
        "Video city: volume 100% to 50%"
    ]
    again = title({**WORDS, "id": "z", "st": {"color": "red"}})
    assert describe_changes(draft(title(WORDS)), draft(again)) == ['Title "Paradise Found": red']


def test_another_part_of_the_same_source_is_another_clip() -> None:
    other = clip("n", 0, 2000, src="beach.mp4", ss=20_000)
    assert describe_changes(draft(video(BEACH)), draft(video(other))) == [
        "Removed Video: beach (0-10s)",
        "Video added: n (0-2s)",
    ]


def test_segments_without_ids_are_told_apart_by_place_and_source() -> None:
    one, two = {"s": 0, "d": 1000, "src": "p"}, {"s": 1000, "d": 1000, "src": "q"}
    assert describe_changes(draft(video(one)), draft(video(one, two))) == ["Video added: q (1-2s)"]
    assert describe_changes(draft(video(one, two)), draft(video({**two, "s": 0}))) == [
        "Removed Video: p (0-1s)"
    ]


def test_a_title_is_told_by_what_is_different_of_it() -> None:
    styles: list[tuple[dict[str, Any], list[str]]] = [
        ({"txt": "Other"}, ["Title \"Other\": text was 'Paradise Found'"]),
        ({"s": 2000, "d": 5000}, ['Title "Paradise Found": now shown 2-7s']),
        ({"s": 2000}, ['Title "Paradise Found": now starts at 2s']),
        (
            {"st": {"size": 96, "color": "#ff0000", "pos": "center", "font": "Serif"}},
            ['Title "Paradise Found": #ff0000; center; size 96; font Serif'],
        ),
    ]
    for change, reported in styles:
        assert describe_changes(draft(title(WORDS)), draft(title({**WORDS, **change}))) == reported
    green = {**WORDS, "s": 1000, "d": 5000, "st": {"size": 96, "color": "green", "font": "Serif"}}
    assert describe_changes(draft(title(WORDS)), draft(title(green)), "zh") == [
        "标题“Paradise Found”：显示时间为1-6秒；绿色；字号96；字体Serif"
    ]
    assert describe_changes(draft(title(green)), draft(title(WORDS)), "zh")[0].endswith(
        "字号默认；字体None"
    )


def test_subtitles_are_counted() -> None:
    cues = [{"id": f"q{n}", "s": n * 2000, "d": 1500, "txt": f"line {n}"} for n in range(40)]
    many = draft(video(BEACH), title(*cues, name="Subtitles"))
    one = draft(video(BEACH), title(cues[0], name="Subtitles"))
    assert both(draft(video(BEACH)), many) == (
        ["Subtitles added: 40 lines (0-79.5s)"],
        ["已添加字幕：40条（0-79.5秒）"],
    )
    assert both(many, draft(video(BEACH))) == (
        ["Subtitles removed: 40 lines (0-79.5s)"],
        ["已删除字幕：40条（0-79.5秒）"],
    )
    assert describe_changes(draft(video(BEACH)), one) == ["Subtitles added: 'line 0' (0-1.5s)"]


def test_other_music_is_an_exchange() -> None:
    calm = {**LOFI, "sg": [{**MUSIC, "id": "n", "src": "y", "m": {"title": "Calm"}}]}
    assert both(draft(LOFI), draft(calm)) == (
        ["BGM changed: Calm (0-10s, 35%) instead of Lo-fi"],
        ["背景音乐已更换：Calm（0-10秒，35%），原来是Lo-fi"],
    )


def test_a_clip_that_becomes_a_picture_in_the_picture_is_told_as_moved() -> None:
    small = {**CITY, "s": 0, "fx": [{"type": "overlay"}]}
    assert both(draft(video(BEACH, CITY)), draft(video(BEACH), video(small))) == (
        ["Overlay city: moved from Video to Overlay; top-right, 30 % wide"],
        ["画中画city：由视频改为画中画；右上角，宽30 %"],
    )


def test_a_picture_in_the_picture_is_told_with_its_place_and_size() -> None:
    small = clip("logo", 0, 10_000, fx=[{"type": "overlay", "width": 0.2, "opacity": 0.5}])
    assert both(draft(video(BEACH)), draft(video(BEACH), video(small))) == (
        ["Overlay added: logo (top-right, 20 % wide, 50 % opaque, 0-10s)"],
        ["已添加画中画：logo（右上角，宽20 %，不透明度50 %，0-10秒）"],
    )


def test_very_many_changes_are_told_by_the_first_dozen() -> None:
    clips = [clip(f"c{n}", n * 1000, 1000) for n in range(24)]
    reported = both(draft(), draft(video(*clips)))
    assert reported[0][-2:] == ["Video added: c11 (11-12s)", "… and 12 more"]
    assert reported[1][-1] == "……另有12处改动"
    moved = video(*[{**one, "s": 0} for one in reversed(clips)])
    assert "c16 … and 16 more" in describe_changes(draft(video(*clips)), draft(moved))[0]
    assert "等共24个" in describe_changes(draft(video(*clips)), draft(moved), "zh")[0]


def test_a_change_that_no_sentence_fits_is_told_in_general() -> None:
    other = video({**BEACH, "glow": 1})
    assert both(draft(video(BEACH)), draft(other)) == (
        ["Details of the project changed"],
        ["项目的细节有改动"],
    )
