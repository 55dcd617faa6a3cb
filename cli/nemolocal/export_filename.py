"""The output file that a message names: `export big.mp4`, `trim it and save it as a.mp4`.

Only the command reads it, for the person who types there. A bot must never write to a path from a
message.
"""

import re

from nemolocal_client import steps

_ENDINGS = "mp4|m4v|mov|mkv|webm|avi|gif"
_QUOTED = re.compile(r"[\"'“「]([^\"'”」\n]+)[\"'”」][\s.!。！]*$")
# The words that may precede the name; the last one counts.
_BEFORE = re.compile(
    r"^.*\b(?:to|as|into|in|under|named|called)\s+|^.*(?:导出|下载|保存)(?:到|为|成|至)?\s*"
    r"|^\s*(?:please\s+|and\s+|then\s+)*(?:export|download|save|send\s+me)\s+"
    r"(?:(?:it|this|that|all|everything|the|video|film|clip|file|result|timeline)\s+)*",
    re.IGNORECASE,
)
_AFTER = re.compile(r"(?:\s*,?\s*(?:please|now|thanks|thank you))*[\s.!。！]*$", re.IGNORECASE)
_NAME = re.compile(rf"[^\s].*\.(?:{_ENDINGS})", re.IGNORECASE)


def find_export_filename(message: str) -> str:
    """Return the file name, or "" if the message has none."""
    for step in steps(message):
        if step.route == "export":
            return _name_in(step.text)
    return ""


def _name_in(text: str) -> str:
    text = _AFTER.sub("", text, count=1)
    quoted = _QUOTED.search(text)
    if quoted:
        return quoted[1].strip() if _NAME.fullmatch(quoted[1].strip()) else ""
    before = _BEFORE.match(text)
    name = text[before.end() :].strip() if before else ""
    return name if _NAME.fullmatch(name) else ""
