"""Uploaded text files: read within a limit, as UTF-8 or UTF-16."""

import codecs
from pathlib import Path

from .media import MediaRejected

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_text_file(path: Path, most: int) -> str:
    r"""Return the text of a file of at most `most` bytes, with `\n` at the ends of lines.

    Raises MediaRejected for a file that is larger, or not text in UTF-8 or in UTF-16 with its byte
    order mark.
    """
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise MediaRejected("the file cannot be opened") from error
    if len(data) > most:
        raise MediaRejected(f"the file has more than {most / 1e6:.3g} MB")
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise MediaRejected("the file is not text in UTF-8 or UTF-16: save it as UTF-8") from error
    if "\0" in text:
        raise MediaRejected("the file is not text: save it as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")
