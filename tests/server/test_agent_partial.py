"""Messages of which only a part is understood: that part is done, the answer names the rest."""

import pytest

from nemolocal_agent.intents import (
    AddMusic,
    AddTitle,
    ApplyEffect,
    Edit,
    KeepSpan,
    Selector,
    SetResolution,
    SetVolume,
    first_span,
)
from nemolocal_agent.nlu import parse_message, understand_message
from nemolocal_agent.nlu.unsupported import reason_text
from nemolocal_agent.replies import write_no_edit_reply, write_remarks
from nemolocal_agent.understanding import NoEdit, Note, Understanding
from nemolocal_contract.effects import Brightness, Flip
from tests.support.tables import check_rows

PARTS: list[tuple[str, tuple[Edit, ...], tuple[str, ...]]] = [
    ("add a title 'A', and a bounce", (AddTitle("A"),), ("bounce",)),
    ("flip the clip and rotate the faces", (ApplyEffect(Flip()),), ("rotate the faces",)),
    (
        "make the second clip brighter and flip the car",
        (ApplyEffect(Brightness(0.25), Selector(number=2)),),
        ("flip the car",),
    ),
    (
        "trim to the first 5 seconds and then bake a cake",
        (KeepSpan(first_span(5000)),),
        ("bake a cake",),
    ),
    ("Polish it. Mute the video.", (SetVolume(0.0, target="video"),), ("Polish it",)),
]


def test_part_that_is_understood_is_done(subtests: pytest.Subtests) -> None:
    def check(message: str, edits: tuple[Edit, ...], left_out: tuple[str, ...]) -> None:
        understood = understand_message(message)
        assert understood.edits == edits
        assert understood.left_out == left_out
        assert understood.understood == "part"

    check_rows(subtests, PARTS, check)


def test_understanding_says_how_much() -> None:
    assert understand_message("mute it") == Understanding((SetVolume(0.0),))
    assert understand_message("mute it").understood == "full"
    assert understand_message("thanks!").understood == "full"
    nothing = understand_message("add a voiceover")
    assert nothing.understood == "none"
    assert nothing.intent == NoEdit("unknown", "add a voiceover", "voice")


def test_half_of_a_command_is_not_done() -> None:
    for message in ("keep 2s to 4s and 8s to 10s", "swap clip 1, 2 and 3"):
        assert isinstance(parse_message(message), NoEdit), message


def test_remarks_name_what_was_left_out_and_what_differs() -> None:
    said = write_remarks(("bake\na cake",), (Note("no_such_music", "ukulele"),), "en")
    assert said == (
        ' There is no "ukulele" here, so I chose the nearest.'
        ' I did not understand "bake a cake" and left that out.'
    )
    assert write_remarks((), (), "en") == ""
    chinese = write_remarks(("translate it",), (), "zh")
    assert chinese.startswith("没有理解“translate it”")
    assert reason_text("language", "zh") in chinese


def test_unknown_music_is_named() -> None:
    understood = understand_message("replace the audio track with polka")
    assert understood.edits == (SetVolume(0.0, target="video"), AddMusic())
    assert understood.notes == (Note("no_such_music", "polka"),)


def test_height_that_cannot_be_exported_is_named() -> None:
    understood = understand_message("make it 480p")
    assert understood.edits == (SetResolution("720p"),)
    assert understood.notes == (Note("no_such_resolution", "480p"),)
    assert understand_message("make it HD").edits == (SetResolution("1080p"),)
    assert understand_message("make it HD").notes == ()


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("convert it to a gif", "format"),
        ("convert to mov", "format"),
        ("blur the face", "people"),
        ("translate the subtitles to french", "language"),
        ("font comic sans", "font"),
        ("make the title blink", "animation"),
        ("add text 'Sale' flashing", "animation"),
        ("give me a still at 5 seconds", "format"),
        ("cut out all the umms", "hearing"),
        ("去掉语气词", "hearing"),
        ("add a voice over saying 'Welcome to my channel'", "voice"),
        ("添加配音", "voice"),
        ("record a voiceover", "recording"),
        ("turn this long video into 3 shorts", "several_videos"),
        ("give me a transcript", "transcript"),
        ("lip sync the speaker", "lip_sync"),
        ("swap the LUT", "lut"),
        ("subtitle my vtt in two languages", "srt"),
        ("trim it", "how_much"),
        ("reorder the clips", "which_order"),
        ("polish it", ""),
    ],
)
def test_what_cannot_be_done_is_answered_with_the_reason(message: str, reason: str) -> None:
    assert understand_message(message).no_edit == NoEdit("unknown", message, reason)
    for language in ("en", "zh"):
        said = write_no_edit_reply(NoEdit("unknown", message, reason), language, message)
        assert reason_text(reason, language) in said
        assert message in said
