"""Patterns of messages that are certainly not edits: other endpoints' tasks, GUI instructions.

A message matches only if it contains nothing else. A client must not be blamed for "don't export
yet" or for a title that says "Export".
"""

import functools
import re
from typing import Literal

from nemolocal_contract.media import normalize_extension

NonChatRoute = Literal["export", "credits", "status", "upload", "file"]

_LONGEST = 200
_POLITE = {"please", "now", "ok", "okay", "then", "and", "just", "can", "could", "you", "me", "hey"}
_FILLER_WORDS = _POLITE | set(
    """
    the a an my our your it this that these to as in at for of with is are am i we have do does
    what what's whats how many much show check tell give let see get want need final finished whole
    edited result results video videos clip clip's file files movie project mp4 hd 4k 1080p 720p
    left remaining current account format quality high all again here
    """.split()
)
_ASKED: dict[NonChatRoute, frozenset[str]] = {
    "export": frozenset(("export", "download", "send")),
    "credits": frozenset(("credits", "credit", "balance")),
    "status": frozenset(("status", "tracks")),
    "upload": frozenset(("upload",)),
}
_CHINESE: dict[NonChatRoute, str] = {
    "export": "导出|下载",
    "credits": "积分|余额",
    "status": "状态",
    "upload": "上传",
}
_FILLER_CHINESE = (
    "请|帮我|现在|一下|视频|我的|它|吧|成片|文件|查看|查询|看看|还有|多少|剩余|显示|的|我|了|？"
)
_WORD = re.compile(r"[a-z0-9']+")
_GUI = re.compile(
    r"\s{0,9}(?:please\s{1,9})?(?:(?:click|tap|press|hit)\b|(?:re)?open\b[^.!?\n]{0,60}?"
    r"\b(?:panel|menu|tab|sidebar|toolbar|settings|editor|dialog)\b|preview\b[^.!?\n]{0,60}?"
    r"\b(?:timeline|editor)\b|点击|打开)",
    re.IGNORECASE,
)


def non_chat_route(message: str) -> NonChatRoute | None:
    """Return the right route of a message; None if the chat may be right."""
    text = message.strip().strip(".!?。！").strip()
    if not text or len(text) > _LONGEST:
        return None
    if _is_file(text):
        return "file"
    words = _WORD.findall(text.lower())
    if words and _WORD.sub("", text.lower()).strip(" ,.!?'") == "":
        return _in_english(words)
    return next((to for to in _CHINESE if _chinese(to).fullmatch(text)), None)


def is_gui_instruction(message: str) -> bool:
    """Whether a message tells somebody to use an editor's GUI (CLI-6)."""
    return _GUI.match(message[:_LONGEST]) is not None


def _in_english(words: list[str]) -> NonChatRoute | None:
    for to, request in _ASKED.items():
        rest = set(words) - request
        if len(rest) < len(set(words)) and rest <= _FILLER_WORDS:
            return _checked(to, words)
    return None


def _checked(to: NonChatRoute, words: list[str]) -> NonChatRoute | None:
    """Accept "send" as a request for the file only if it names it: "send me the video"."""
    if to == "export" and not {"export", "download"} & set(words):
        return to if {"video", "clip", "file", "mp4", "movie"} & set(words) else None
    return to


@functools.cache
def _chinese(to: NonChatRoute) -> re.Pattern[str]:
    return re.compile(f"(?:{_FILLER_CHINESE})*(?:{_CHINESE[to]})(?:{_FILLER_CHINESE})*")


def _is_file(text: str) -> bool:
    """Whether a message is just the name or the URL of a file that can be uploaded."""
    name = text.strip("\"'")
    return " " not in name and normalize_extension(name.partition("?")[0]) is not None
