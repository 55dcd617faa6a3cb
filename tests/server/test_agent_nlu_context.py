"""What a command takes from its context, and words that no edit covers."""

import pytest

from nemolocal_agent.intents import (
    AddCountdown,
    AddMusic,
    AddTitle,
    AddTransition,
    ApplyEffect,
    Edit,
    KeepSpan,
    RemoveClip,
    RemoveSpan,
    RemoveTransitions,
    Selector,
    SetVolume,
    StartOver,
    TimelinePoint,
    TimelineSpan,
    first_span,
    last_span,
    span_between,
)
from nemolocal_agent.nlu import parse_message
from nemolocal_agent.understanding import NoEdit
from nemolocal_contract.effects import Blur, Brightness
from tests.support.tables import check_rows

SECOND = Selector(number=2)

POINTED: list[tuple[str, tuple[Edit, ...]]] = [
    ("the first six seconds are boring, get rid of them", (RemoveSpan(first_span(6000)),)),
    ("The first six seconds are boring. Get rid of them.", (RemoveSpan(first_span(6000)),)),
    ("开头那六秒太无聊了，删掉", (RemoveSpan(first_span(6000)),)),
    (
        "add a countdown from 5 at the end",
        (AddCountdown(5, TimelinePoint(5000, before_end=True)),),
    ),
    ("最后3秒没意思，不要了", (RemoveSpan(last_span(3000)),)),
    ("I don't need the last 7 seconds, remove them", (RemoveSpan(last_span(7000)),)),
    ("the second clip is too long, trim it to 6 seconds", (KeepSpan(first_span(6000), SECOND),)),
    ("the second clip is too dark, brighten it", (ApplyEffect(Brightness(0.25), SECOND),)),
    (
        "the first 5 seconds are too dark, brighten them",
        (ApplyEffect(Brightness(0.25), Selector(span=first_span(5000))),),
    ),
    ("the second clip is too long, add calm music", (AddMusic("calm"),)),
    ("the music is too loud, turn it down", (SetVolume(change=0.6, target="music"),)),
    ("keep 5s to 10s, get rid of everything else", (KeepSpan(span_between(5000, 10000)),)),
    ("drop the rest, keep 5s to 10s", (KeepSpan(span_between(5000, 10000)),)),
    ("start at 0:03 and end at 0:13", (KeepSpan(span_between(3000, 13000)),)),
    ("hard cuts only, remove the crossfades", (RemoveTransitions(),)),
    ("clear the timeline, start over", (StartOver(),)),
    (
        "add calm music and set the volume to 30%",
        (AddMusic("calm"), SetVolume(0.3, target="music")),
    ),
]


def test_pronoun_refers_to_the_last_object(subtests: pytest.Subtests) -> None:
    def check(message: str, edits: tuple[Edit, ...]) -> None:
        assert parse_message(message) == edits

    check_rows(subtests, POINTED, check)


APART: list[tuple[str, tuple[Edit, ...]]] = [
    (
        "remove the crossfades. Then remove the crossfades",
        (RemoveTransitions(), RemoveTransitions()),
    ),
    (
        "keep the first 20 seconds, then end it at 0:13",
        (KeepSpan(first_span(20_000)), KeepSpan(first_span(13_000))),
    ),
    ("add music. Volume to 30%", (AddMusic(), SetVolume(0.3))),
    ("remove the transitions and the titles are fine", (RemoveTransitions(),)),
]


def test_separate_commands_stay_separate(subtests: pytest.Subtests) -> None:
    def check(message: str, edits: tuple[Edit, ...]) -> None:
        assert parse_message(message) == edits

    check_rows(subtests, APART, check)


UNEXPLAINED = [
    "make the ocean brighter",
    "blur the trees",
    "mute the rain",
    "remove the clouds",
    "把天空变亮",
    "把山去掉",
    "shrink the second clip",
    "trim the music to 10 seconds",
    "speed up the music",
    "rotate the title",
    "blur the logo",
    "sharpen the music",
    "compress it to 10 seconds",
    "make the background brighter",
    "remove the background",
    "检测水印",
    "the dog in the second clip is ugly, remove it",
    "there's a man in the second clip, remove it",
    "the people from 5s to 10s, remove them",
    "drop the rest",
    "the party can go on for 5 hours",
    "add a dissolve between clip 1 and 3",
    "split it into 10%",
    "undo everything",
    "keep it throughout",
    "keep 2s to 4s and 8s to 10s",
    "放视频导出",
    "5 --> 6 mute it",
]


def test_words_that_no_edit_covers_make_the_message_unknown(subtests: pytest.Subtests) -> None:
    """ "Make the ocean brighter" must not brighten everything."""

    def check(message: str) -> None:
        heard = parse_message(message)
        assert isinstance(heard, NoEdit), heard
        assert heard.topic in ("unknown", "export")

    check_rows(subtests, [(message,) for message in UNEXPLAINED], check)


@pytest.mark.slow
@pytest.mark.parametrize("percent", [7, 14, 28, 29, 35, 55, 56, 57, 58])
def test_percentages_have_no_rounding_errors(percent: int) -> None:
    """35 * 0.01 would be 0.35000000000000003."""
    share = percent / 100
    assert parse_message(f"volume at {percent}%") == (SetVolume(share),)
    assert parse_message(f"add calm music at {percent}%") == (AddMusic("calm", share),)
    assert parse_message(f"blur it by {percent}%") == (ApplyEffect(Blur(share)),)
    assert parse_message(f"keep the first {percent}%") == (
        KeepSpan(TimelineSpan(end=TimelinePoint(share=share))),
    )


SAME = [
    ("fade ot at the end", "fade out at the end"),
    ("fade ni", "fade in"),
    ("加个背静音乐", "加个背景音乐"),
    ("结尾谈出", "结尾淡出"),
    ("wipe from left to right", "wipe to the right"),
    ("slide in from the right", "slide to the left"),
    ("标题放到顶部去", "标题放到顶部"),
    ("去水印", "去掉水印"),
    ("delete掉标题", "删掉标题"),
]


@pytest.mark.slow
def test_synonyms_are_the_same_edit(subtests: pytest.Subtests) -> None:
    def check(message: str, edit: str) -> None:
        assert isinstance(parse_message(edit), tuple)
        assert parse_message(message) == parse_message(edit)

    check_rows(subtests, SAME, check)


def test_placed_text_is_new_unless_it_is_definite() -> None:
    (added,) = parse_message("标题“别慌”放在顶部")  # type: ignore[misc]
    assert added == AddTitle("别慌", position="top-center")
    (changed,) = parse_message("把标题“别慌”放在顶部")  # type: ignore[misc]
    assert not isinstance(changed, AddTitle)


def test_clip_range_selects_all_its_clips() -> None:
    gone = tuple(RemoveClip(Selector(number=number)) for number in (2, 3, 4))
    assert parse_message("delete clips 2 to 4") == gone
    assert parse_message("删掉第二到第四段") == gone
    assert parse_message("crossfade from clip 2 to clip 3") == (AddTransition(selector=SECOND),)
