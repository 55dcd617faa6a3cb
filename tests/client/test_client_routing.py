"""Export, credits, status and upload words never go to the chat; everything else does (CLI-2)."""

import pytest

from nemolocal_client import Step, route, steps

ROUTES = {
    "export": [
        "export",
        "Export!",
        "please export the video",
        "export 4K MP4",
        "download",
        "Can you send me the video?",
        "导出",
        "请导出视频",
        "trim it to 10 s and export",
        "don't upload anything, just export",
    ],
    "credits": [
        "credits",
        "how many credits do I have left?",
        "balance",
        "What's my balance",
        "积分",
        "查一下余额",
    ],
    "status": [
        "status",
        "what is the status of my export?",
        "export status",
        "show tracks",
        "Show me the tracks",
        "状态",
        "导出状态",
    ],
    "upload": [
        "upload",
        "I want to upload a clip",
        "上传",
        "我要上传视频",
        "clip.mp4",
        "/home/me/holiday.MOV",
        "https://example.com/a.jpeg?x=1",
    ],
    "chat": [
        "trim to the first 10 seconds",
        "downloaded clips look dark",
        "don't export yet",
        "do not download it, brighten it first",
        "Don’t export.",
        "before you export, add a title",
        "the last export looks dark, brighten it",
        "add a download button graphic",
        'add a title "Export and download credits"',
        "add a title 'upload status'",
        "add rolling credits at the end",
        "put end credits over black",
        "the end credits are too fast",
        "fix the white balance",
        "balance the audio",
        "add a status bar overlay",
        "the uploaded clip is too long",
        "use my upload as the background",
        "exporters are great, make it about them",
        "create a video about airports",
        "先不要导出",
        "导出前加个标题",
        "添加字幕“导出”",
        "在片尾添加积分表",
        "把上传的视频剪短",
        "",
        "see a.mp4 for style",
        "version 2.0",
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("wanted", ROUTES)
def test_message_goes_where_its_words_send_it(subtests: pytest.Subtests, wanted: str) -> None:
    for message in ROUTES[wanted]:
        with subtests.test(message=message):
            assert route(message) == wanted


@pytest.mark.parametrize(
    ("message", "first", "last"),
    [
        ("trim to 10 seconds and export", "trim to 10 seconds", "export"),
        ("add music, then download it", "add music", "download it"),
        ("add a title 'A and export B', then export", "add a title 'A and export B'", "export"),
        ("剪到10秒，然后导出", "剪到10秒", "导出"),
    ],
)
def test_edit_and_export_in_one_message_are_two_steps(message: str, first: str, last: str) -> None:
    assert steps(message) == (Step("chat", first), Step("export", last))


@pytest.mark.parametrize("message", ["export", "export it and then export again", "status"])
def test_any_other_message_is_one_step(message: str) -> None:
    assert steps(message) == (Step(route(message), message),)
