"""Segmentation of messages: clauses, ellipsis, spans, and what is not a command."""

import pytest

from nemolocal_agent.intents import (
    AddMusic,
    AddOverlay,
    AddSubtitles,
    AddTitle,
    ApplyEffect,
    ChangeTitle,
    Compress,
    Cue,
    Edit,
    Fade,
    KeepSpan,
    MoveClip,
    RemoveClip,
    RemoveMusic,
    RemoveSpan,
    RemoveTitle,
    Selector,
    SetAspect,
    SetSpeed,
    SetVolume,
    SwapClips,
    TimelinePoint,
    TimelineSpan,
    first_span,
    last_span,
    span_after,
    span_between,
)
from nemolocal_agent.nlu import parse_message
from nemolocal_agent.timeline import resolve_point
from nemolocal_agent.understanding import NoEdit, Topic
from nemolocal_contract.effects import Blur, Brightness, Grayscale, Saturation
from tests.support.tables import check_rows

FIRST_10 = KeepSpan(first_span(10_000))
SECOND = Selector(number=2)
MUTE = SetVolume(0.0)

CLAUSES: list[tuple[str, tuple[Edit, ...]]] = [
    (
        'Trim to the first 10 seconds, then add a title "A, and then B." '
        "and add lo-fi music at 20%. Compress it.",
        (FIRST_10, AddTitle("A, and then B."), AddMusic("lofi", 0.2), Compress()),
    ),
    ("add a title 'A' and a watermark", (AddTitle("A"), AddOverlay("watermark"))),
    (
        "trim the second clip to 4 seconds and the third to 5",
        (KeepSpan(first_span(4000), SECOND), KeepSpan(first_span(5000), Selector(number=3))),
    ),
    (
        "brighten the first clip and the last one",
        tuple(ApplyEffect(Brightness(0.25), Selector(number=n)) for n in (1, -1)),
    ),
    ("remove the title and the music", (RemoveTitle(), RemoveMusic())),
    (
        "take the second clip and make it black and white",
        (ApplyEffect(Grayscale(), SECOND),),
    ),
    (
        "make the second clip brighter and more vivid",
        (ApplyEffect(Brightness(0.25), SECOND), ApplyEffect(Saturation(0.25), SECOND)),
    ),
    ("for the second clip, blur it a lot", (ApplyEffect(Blur(0.9), SECOND),)),
    ("add a title 'A' and make it red", (AddTitle("A"), ChangeTitle(color="red"))),
    ("add music and lower it to 20%", (AddMusic(), SetVolume(0.2, target="music"))),
    ("add sad music, but keep it under the voice", (AddMusic("sad", duck=True),)),
    ("add a title 'A', in red, at the top", (AddTitle("A", None, "red", "top-center"),)),
    ("put the text 'A' up, show it for 5 seconds", (AddTitle("A", first_span(5000)),)),
    ("swap the first and the last clip", (SwapClips(Selector(number=1), Selector(number=-1)),)),
    ("mute clips 1 and 3", tuple(SetVolume(0.0, None, "video", Selector(number=n)) for n in (1,
    3))),
    ("trim to 10s add calm music", (FIRST_10, AddMusic("calm"))),
    ("剪到10秒加一段轻松的音乐", (FIRST_10, AddMusic("calm"))),
    ("把第一段调亮，第二段调暗", (
        ApplyEffect(Brightness(0.25), Selector(number=1)), ApplyEffect(Brightness(-0.25), SECOND),
    )),
    ("先静音，再剪到10秒，最后淡出", (SetVolume(0.0), FIRST_10, Fade("out"))),
    ("1. trim to 10s\n2) mute it\n- fade out", (FIRST_10, SetVolume(0.0), Fade("out"))),
    ("把视频trim到10秒 and then 静音", (FIRST_10, SetVolume(0.0))),
    ("cut the first 5 seconds to make it shorter", (RemoveSpan(first_span(5000)),)),
    ("make it vertical so that I can post it and add friends", (SetAspect(9, 16),)),
    ("make it square but don't crop it", (SetAspect(1, 1, "pad"),)),
    ("move clip 1 after clip 3", (MoveClip(Selector(number=1), to=3),)),
    ("move clip 3 after clip 1", (MoveClip(Selector(number=3), to=2),)),
    ("move clip 1 before clip 3", (MoveClip(Selector(number=1), to=2),)),
]  # fmt: skip


def test_later_clauses_inherit_what_they_leave_out(subtests: pytest.Subtests) -> None:
    def check(message: str, edits: tuple[Edit, ...]) -> None:
        assert parse_message(message) == edits

    check_rows(subtests, CLAUSES, check)


SPANS: list[tuple[str, TimelineSpan]] = [
    ("keep the first 1m20s", first_span(80_000)),
    ("keep the first minute and a half", first_span(90_000)),
    ("keep the first one and a half minutes", first_span(90_000)),
    ("keep the first 2 minutes and 5 seconds", first_span(125_000)),
    ("keep the first half a minute", first_span(30_000)),
    ("keep the first twenty-five seconds", first_span(25_000)),
    ("keep the first hour and 2 minutes", first_span(3_720_000)),
    ("keep the last 1:02:03.5", last_span(3_723_500)),
    ("keep the last half second", last_span(500)),
    ("keep the first second", first_span(1000)),
    ("keep 2-4 seconds", span_between(2000, 4000)),
    ("keep from 0:05 until 0:15", span_between(5000, 15_000)),
    ("keep everything after 3 seconds", span_after(3000)),
    ("keep everything before 3 seconds", first_span(3000)),
    ("keep from 10% to 50%", TimelineSpan(TimelinePoint(share=0.1), TimelinePoint(share=0.5))),
    ("keep the second half", TimelineSpan(TimelinePoint(share=0.5))),
    ("keep the last two thirds", TimelineSpan(TimelinePoint(before_end=True, share=2 / 3))),
    ("keep it from 5s before the end to the end", last_span(5000)),
    ("keep it from halfway to the end", TimelineSpan(TimelinePoint(share=0.5))),
    ("delete everything except the first 10 seconds", first_span(10_000)),
    ("start the video at 0:05", span_after(5000)),
    ("end it at 0:20", first_span(20_000)),
    ("keep it from second 5 to second 8", span_between(5000, 8000)),
    ("保留前一分半", first_span(90_000)),
    ("保留前1分20秒", first_span(80_000)),
    ("保留前1分20", first_span(80_000)),
    ("保留前二十五秒", first_span(25_000)),
    ("保留前十秒半", first_span(10_500)),
    ("保留最后半分钟", last_span(30_000)),
    ("保留第5秒到第8秒", span_between(5000, 8000)),
    ("保留5秒以后的部分", span_after(5000)),
    ("保留百分之十到百分之五十", TimelineSpan(TimelinePoint(share=0.1), TimelinePoint(share=0.5))),
]


def test_spans_are_parsed_in_many_notations(subtests: pytest.Subtests) -> None:
    def check(message: str, span: TimelineSpan) -> None:
        heard = parse_message(message)
        assert isinstance(heard, tuple), heard
        (edit,) = heard
        assert isinstance(edit, KeepSpan)
        assert resolve_point(edit.span.start, 60_000) == resolve_point(span.start, 60_000)
        assert resolve_point(edit.span.end, 60_000) == resolve_point(span.end, 60_000)

    check_rows(subtests, SPANS, check)


TYPOS = [
    ("tirm to 10s", "trim to 10s"),
    ("remvoe the frist 5 seconds", "remove the first 5 seconds"),
    ("delete the first 5 secnds", "delete the first 5 seconds"),
    ("add a titel 'A'", "add a title 'A'"),
    ("make it blakc and white", "make it black and white"),
    ("add upbeet musci", "add upbeat music"),
    ("comprss the vidoe", "compress the video"),
    ("rotatee it", "rotate it"),
    ("add a crosfade between the clips", "add a crossfade between the clips"),
]


@pytest.mark.slow
def test_one_typo_is_corrected(subtests: pytest.Subtests) -> None:
    def check(typed: str, meant: str) -> None:
        assert isinstance(parse_message(meant), tuple)
        assert parse_message(typed) == parse_message(meant)

    check_rows(subtests, TYPOS, check)


TALK: list[tuple[str, Topic]] = [
    ("hello", "hello"),
    ("thanks!", "hello"),
    ("Great work, thank you so much!", "hello"),
    ("how do I trim a video?", "how"),
    ("What can you do", "how"),
    ("could you tell me how to add music?", "how"),
    ("can I add music?", "how"),
    ("怎么加音乐？", "how"),
    ("这个视频有声音吗", "how"),
    ("don't add music", "declined"),
    ("please do not trim it to 10 seconds", "declined"),
    ("don't add music and titles", "declined"),
    ("不要加音乐", "declined"),
    ("never mind", "declined"),
    ("make it look better", "unknown"),
    ("trim it", "unknown"),
    ("bake a cake", "unknown"),
    ("trim from 10s to 5s", "unknown"),
    ("trim it to 10s, never mind", "declined"),
    ("trim it to 10s. Never mind.", "declined"),
    ("bake a cake, not a pie", "unknown"),
    ("add a title", "unknown"),
    ("if it is longer than 10s, trim it to 10s", "unknown"),
    ("blur the faces", "unknown"),
    ("remove the background people", "unknown"),
    ("remove all clips except the first", "unknown"),
    ("把人脸模糊", "unknown"),
    ("...", "unknown"),
    ("", "unknown"),
    ("\x010\x01", "unknown"),
    ("download it", "export"),
    ("how many credits do I have left?", "credits"),
    ("show tracks", "status"),
    ("upload a file", "upload"),
]


def test_message_without_a_request_is_a_topic(subtests: pytest.Subtests) -> None:
    def check(message: str, topic: Topic) -> None:
        heard = parse_message(message)
        assert isinstance(heard, NoEdit), heard
        assert heard.topic == topic

    check_rows(subtests, TALK, check)


def test_reply_quotes_the_unknown_words() -> None:
    heard = parse_message("tickle it, then bake a cake and fry an egg")
    assert heard == NoEdit("unknown", "tickle it; bake a cake; fry an egg")


REQUESTS: list[tuple[str, tuple[Edit, ...]]] = [
    ("how about trimming it to 10s?", (FIRST_10,)),
    ("why don't you trim it to 10s?", (FIRST_10,)),
    ("don't forget to trim it to 10s", (FIRST_10,)),
    ("能不能帮我剪到10秒？", (FIRST_10,)),
    ("don't add music, just trim it to 10s", (FIRST_10,)),
    ("trim it to 10s, not to 5s", (FIRST_10,)),
    ("it's too dark, so trim it to 10s", (FIRST_10,)),
    ("it's too dark", (ApplyEffect(Brightness(0.25)),)),
    ("trim to 5s, no, never mind. Trim to 10s", (FIRST_10,)),
    ("trim to 10s. what a day", (FIRST_10,)),
    ("I love the title, trim to 10s", (FIRST_10,)),
    ("trim it to 10s, but not when I say so", (FIRST_10,)),
    (
        "keep the last 5 seconds and the first 3",
        (RemoveSpan(TimelineSpan(TimelinePoint(3000), TimelinePoint(5000, before_end=True))),),
    ),
    ("add a title that says please come home please", (AddTitle("please come home"),)),
    ("add the title Fin, then trim to 10s", (AddTitle("Fin"), FIRST_10)),
    ("add a title Salt and Pepper and then mute it", (AddTitle("Salt and Pepper"), MUTE)),
    ("stop the music", (RemoveMusic(),)),
    ("drop the first two clips", (RemoveClip(Selector(number=1)), RemoveClip(SECOND))),
    ("delete the beach clip", (RemoveClip(Selector(name="beach")),)),
    ("删除海滩.mp4", (RemoveClip(Selector(name="海滩.mp4")),)),
    ("把影片加速兩倍", (SetSpeed(2.0),)),
    ("請刪除最後五秒", (RemoveSpan(last_span(5000)),)),
]


def test_commands_that_look_like_small_talk_are_edits(subtests: pytest.Subtests) -> None:
    def check(message: str, edits: tuple[Edit, ...]) -> None:
        assert parse_message(message) == edits

    check_rows(subtests, REQUESTS, check)


SLOW_TO_READ = [
    "1", "1s to ", "title ", "edit ", "'a ", '"', "don't ", "so i can ", "reduce ", " ", "，剪",
    "«", "x-", "a.", "第", "clip 1 and ", "trim to 10s ", "00:00:01,000 --> 00:00:02,000\n",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("length", [1000, 3900, 20_000])
def test_adversarial_messages_are_parsed_in_bounded_time(
    length: int, subtests: pytest.Subtests
) -> None:
    """Without bounded patterns some of these take more than twenty seconds."""

    def check(piece: str) -> None:
        parse_message("x" + piece * (length // len(piece)))

    check_rows(subtests, [(piece,) for piece in SLOW_TO_READ], check)


SRT = (
    "1\n00:00:01,000 --> 00:00:02,500\nHello,\nworld\n{gap}"
    "2\n00:00:03.000 --> 00:01:04.000\ntrim to 5s"
)
CUES = AddSubtitles((Cue(1000, 2500, "Hello,\nworld"), Cue(3000, 64_000, "trim to 5s")))


@pytest.mark.parametrize("gap", ["\n", ""])
def test_pasted_subtitles_are_not_parsed_as_commands(gap: str) -> None:
    srt = SRT.format(gap=gap)
    assert parse_message(srt) == (CUES,)
    assert parse_message(f"please add these subtitles:\n{srt}\n\nand then mute it") == (
        CUES,
        SetVolume(0.0),
    )


@pytest.mark.parametrize("text", ["00:05 --> mute it", "mute it\n00:02,000 --> 00:01,000\nHi"])
def test_text_that_is_no_subtitle_is_parsed(text: str) -> None:
    assert parse_message(text) != parse_message(SRT.format(gap="\n"))
