"""Bodies as the journal keeps them: text up to 64 KB, anything else described in a few words."""

import re

from .redaction import MAX_ESCAPED_TOKEN_LENGTH, Redactor

MAX_BODY = 64 * 1024
_TEXT = re.compile(
    r"text/|application/(?:[\w.-]+\+)?(?:json|xml)\b|application/x-www-form-urlencoded",
    re.IGNORECASE,
)
_FILENAME = re.compile(rb'filename="([^"\r\n]{1,200})"')
_MOST_NAMES = 10


class BodyCapture:
    """The head of a body, and how long all of it is."""

    __slots__ = ("_head", "size")

    def __init__(self) -> None:
        self.size = 0
        self._head = bytearray()

    @property
    def captured_size(self) -> int:
        """How many bytes of it are here."""
        return len(self._head)

    def add(self, chunk: bytes) -> None:
        """The next bytes."""
        self.size += len(chunk)
        room = MAX_BODY + MAX_ESCAPED_TOKEN_LENGTH - len(self._head)
        if room > 0:
            self._head += chunk[:room]

    def text(self, content_type: str, redactor: Redactor) -> str:
        """The body as it is kept: at most `MAX_BODY` bytes of text without tokens."""
        if not self.size:
            return ""
        if content_type.startswith("multipart/"):
            return redactor.text(self._describe_form(content_type))
        if not _is_text(content_type, self._head):
            kind = content_type.partition(";")[0].strip() or "binary"
            return f"<{kind}: {self.size} bytes>"
        text = self._head.decode(errors="replace")
        clean = redactor.json(text) if "json" in content_type else redactor.text(text)
        return clean.encode()[:MAX_BODY].decode(errors="ignore")

    def _describe_form(self, content_type: str) -> str:
        names = [name.decode(errors="replace") for name in _FILENAME.findall(self._head)]
        kind = content_type.partition(";")[0].strip()
        files = f", files {', '.join(map(repr, names[:_MOST_NAMES]))}" if names else ""
        return f"<{kind}: {self.size} bytes{files}>"


def _is_text(content_type: str, head: bytearray) -> bool:
    return bool(_TEXT.match(content_type)) if content_type else b"\0" not in head
