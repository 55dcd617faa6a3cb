"""Messages that look like a command that cannot be done: the agent does not guess."""

import pytest

from nemolocal_agent.nlu import parse_message
from nemolocal_agent.understanding import NoEdit
from tests.support.tables import check_rows

TOO_LITTLE = [
    "change the music volume",
    "move the title",
    "move the caption a bit",
    "find silence please brighten",
    "fade to white at the end",
    "set the speed to 0",
    "split it into 2 halves",
    "split the second clip in half",
    "split it into 500 parts",
    "split it",
    "play the video",
    "loop it 1 time",
    "make it 10 to 20 seconds",
    "cut both ends",
    "delete all photos",
    "delete all the photos and clips",
    "keep everything",
    "keep the fifth quarter",
    "keep from 80% to 20%",
    "change the first 10 seconds",
    "swap clip 1, 2 and 3",
    "move the second clip",
    "move clip 1 and clip 2 to the end",
    "make it 0:1",
    "make it 0:00",
    "set it to 1000 fps",
    "compress to 0 MB",
    "make it 17 by 9",
    "make it 3k",
    "rotate it by 45 degrees",
    "crop 60% off each side",
    "crop it",
    "brightness",
    "zoom in 20x",
    "https://example.com/a.mp4",
    "the second is red",
    "1 hour 20 minutes 5 seconds",
    "keep the first 2 minutes and 3 clips",
    "only the first",
    "%",
    "make a wallpaper",
    "make the quality better than low",
    "add a glitch transition",
    "add a picture of a cat",
    "add the second clip",
    "generate a photo of a forest",
    "crop it by 10%",
    "keep from 5s to 5s",
    "make it 000x100",
    "add a title",
    "title text",
    "first second clip",
    "the first two hundred seconds",
    "İstanbul: mute it",
    "for the second clip",
    "can you keep a secret",
    "cut the cake",
    "split the bill",
    "mute swans are birds",
    "remove the blue car",
    "crop rotation is important",
    "black and white photos are beautiful",
    "I trimmed it to 10 seconds already",
    "you already muted it",
    "the music stops at 10 seconds",
    "trim your beard",
    "add the sound of rain",
    "make the title bounce",
    "我剪了10秒",
    "把天空变蓝",
    "remove the people in the background",
]


def test_vague_or_senseless_messages_are_unknown(subtests: pytest.Subtests) -> None:
    def check(message: str) -> None:
        heard = parse_message(message)
        assert isinstance(heard, NoEdit), heard
        assert heard.topic == "unknown"

    check_rows(subtests, [(message,) for message in TOO_LITTLE], check)
