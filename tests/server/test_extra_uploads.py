"""LUT and subtitle files: refused as in the contract, accepted where a setting says so."""

from pathlib import Path
from typing import Any

import pytest

from nemolocal_contract.media import ExtraExtension
from nemolocal_contract.turn_events import Text
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

EXTRA: tuple[ExtraExtension, ...] = ("cube", "srt", "vtt")
LUT = "LUT_3D_SIZE 2\n" + "0 0 0\n" * 8
SRT = (
    "1\n00:00:00,000 --> 00:00:00,500\nHello <b>you</b>\n\n"
    "2\n00:00:00,400 --> 00:00:01,000\nAgain\n\n3\n01:00:00,000 --> 01:00:01,000\nNever\n"
)


def post(caller: HttpCaller, *files: tuple[str, str | bytes]) -> dict[str, Any]:
    """Upload files with these names and contents."""
    return caller.post(
        f"/api/upload-video/nemo_agent/me/{caller.session}",
        files=[
            ("files", (name, text if isinstance(text, bytes) else text.encode()))
            for name, text in files
        ],
    )


def answer(caller: HttpCaller, message: str) -> str:
    """The text of a turn."""
    return "".join(event.text for event in caller.say(message) if isinstance(event, Text))


@pytest.fixture
def extra_caller(servers: ServerFactory, new_caller: NewCaller) -> HttpCaller:
    """A caller of a server that accepts all of them."""
    return new_caller(servers.start(extra_uploads=EXTRA)).connect()


@pytest.mark.rule("UPL-3")
def test_without_the_setting_they_are_refused_like_any_other_type(caller: HttpCaller) -> None:
    for name, text in (("a.cube", LUT), ("a.srt", SRT), ("a.vtt", f"WEBVTT\n\n{SRT}")):
        reply = post(caller, (name, text))
        assert reply["code"] == 4001
        assert f"the type of '{name}' is not accepted. Accepted: mp4, " in reply["message"]
        assert reply["message"].endswith("wav, m4a, aac")


def test_only_the_types_of_the_setting_are_accepted(
    servers: ServerFactory, new_caller: NewCaller
) -> None:
    caller = new_caller(servers.start(extra_uploads=("srt",))).connect()
    data = post(caller, ("Subs.SRT", SRT))["data"]
    (file,) = data["files"]
    assert (file["filename"], file["file_type"], file["duration"]) == ("Subs.SRT", "subtitles", 0)
    assert caller.http.get(file["cdn_url"]).text == SRT
    refused = post(caller, ("a.cube", LUT))
    assert refused["code"] == 4001
    assert refused["message"].endswith("m4a, aac, srt")


def test_what_is_wrong_in_them_is_4001_with_the_line(extra_caller: HttpCaller) -> None:
    wrong: dict[tuple[str, str | bytes], str] = {
        ("a.cube", "LUT_3D_SIZE 2\n0 0 nan\n"): "'a.cube': line 2 of the LUT has 'nan'",
        ("a.cube", b"\x89PNG\r\n\x1a\n\xff"): "'a.cube': the file is not text",
        ("a.srt", "1\n00:01 --> soon\nA\n"): "'a.srt': line 2 has no times like",
        ("a.vtt", SRT): "'a.vtt': line 1 is not WEBVTT",
        ("a.srt", b""): "'a.srt': the file has no subtitles",
    }
    for file, reason in wrong.items():
        reply = post(extra_caller, ("b.srt", SRT), file)
        assert reply["code"] == 4001
        assert reason in reply["message"]
        assert reply["message"].endswith("m4a, aac, cube, srt, vtt")
    assert extra_caller.state()["state"]["video_infos"] == []  # all or none


@pytest.mark.slow
def test_uploaded_subtitles_and_luts_are_used_by_messages(
    extra_caller: HttpCaller, sample: Path
) -> None:
    extra_caller.upload(sample)
    files = post(extra_caller, ("teal.cube", LUT), ("subs.srt", SRT))["data"]["files"]
    assert [file["file_type"] for file in files] == ["lut", "subtitles"]
    said = answer(extra_caller, "add captions from subs.srt")
    assert 'added 2 subtitles from "subs.srt" (0-1s)' in said
    assert "left out 1 that comes after the end" in said
    texts = [
        (segment["s"], segment["d"], segment["txt"])
        for track in extra_caller.draft()["t"]
        if track["tt"] == 7
        for segment in track["sg"]
    ]
    assert texts == [(0, 500, "Hello <b>you</b>"), (400, 600, "Again")]
    assert "applied the LUT to the video (50 %)" in answer(
        extra_caller, "apply my LUT at half strength"
    )
    (clip,) = extra_caller.draft()["t"][0]["sg"]
    asset = files[0]["cdn_url"].rpartition("/")[2].removesuffix(".cube")
    assert clip["fx"] == [{"type": "lut", "source": asset, "amount": 0.5}]
    # They are no clips: nothing but the video is on the timeline, or can be put there.
    assert "on the timeline already" in answer(extra_caller, "add all my uploads")
    assert "removed" in answer(extra_caller, "remove the LUT")
    post(extra_caller, ("noir.cube", LUT))
    assert "which one do you mean: teal.cube, noir.cube?" in answer(extra_caller, "apply my LUT")
    answer(extra_caller, "apply noir.cube")
    assert extra_caller.draft()["t"][0]["sg"][0]["fx"][0]["source"] != asset
    assert "no upload has that name" in answer(extra_caller, "apply x.cube")
