"""Servers that break section 4: uploads."""

from typing import Any

import msgspec

from nemolocal_contract.codes import Code
from nemolocal_contract.envelope import failure

from ..mutant import replies, requests
from ..wire import Answered, Asked, Memory


def _files(asked: Asked, answered: Answered) -> list[dict[str, Any]]:
    """The files of an upload that went well."""
    if asked.endpoint != "upload" or answered.code != 0:
        return []
    return list(answered.json["data"]["files"])


def _refused(asked: Asked, answered: Answered, code: Code) -> bool:
    return asked.endpoint == "upload" and answered.code == code


def _accepted(answered: Answered) -> Answered:
    file = {
        "filename": "clip.mp4",
        "file_type": "video",
        "cdn_url": "/nothing",
        "duration": 1.0,
        "width": 1,
        "height": 1,
        "fps": 1.0,
        "hash": "0",
    }
    data = {"files": [file], "session_state_applied": True}
    return answered.saying({"code": 0, "data": data}, 200)


@replies("upload.first-only", "UPL-1", "UPL-2", kills="upload.multipart.many")
def first_only(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """Of several files only the first is answered."""
    files = _files(asked, answered)
    return answered.having(files=files[:1]) if len(files) > 1 else None


@replies("upload.no-hash", "UPL-2", kills="upload.reply.fields")
def no_hash(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A file has no hash."""
    files = _files(asked, answered)
    for file in files:
        del file["hash"]
    return answered.having(files=files) if files else None


@replies("upload.renamed", "UPL-2", "UPL-1", kills="upload.multipart.one upload.multipart.many")
def renamed(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A file comes back under another name."""
    files = [{**file, "filename": "file_1.mp4"} for file in _files(asked, answered)]
    return answered.having(files=files) if files else None


@replies("upload.not-applied", "UPL-2", kills="upload.reply.applied")
def not_applied(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """`session_state_applied` is false."""
    files = _files(asked, answered)
    return answered.having(session_state_applied=False) if files else None


@replies("upload.milliseconds", "UPL-2", kills="upload.figures.video upload.figures.sound")
def milliseconds(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """The duration of a file is in milliseconds."""
    files = [{**file, "duration": file["duration"] * 1000} for file in _files(asked, answered)]
    return answered.having(files=files) if files else None


@replies("upload.turned", "UPL-2", "UPL-6", kills="upload.figures.video")
def turned(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """Width and height of a file are exchanged."""
    files = _files(asked, answered)
    turned = [{**file, "width": file["height"], "height": file["width"]} for file in files]
    return answered.having(files=turned) if files else None


@replies("upload.all-video", "UPL-2", kills="upload.figures.picture upload.figures.sound")
def all_video(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """Every file is a video."""
    files = [{**file, "file_type": "video"} for file in _files(asked, answered)]
    return answered.having(files=files) if files else None


@replies("upload.hash-by-name", "UPL-2", kills="upload.hash.content")
def hash_by_name(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """The hash of a file is that of its name."""
    files = [{**file, "hash": f"{hash(file['filename']):x}"} for file in _files(asked, answered)]
    return answered.having(files=files) if files else None


@replies("upload.dead-link", "UPL-2", "UPL-6", kills="upload.cdn.download")
def dead_link(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """The `cdn_url` of a file leads nowhere."""
    files = [{**file, "cdn_url": "/files/nothing"} for file in _files(asked, answered)]
    return answered.having(files=files) if files else None


@replies("upload.form-ignored", "UPL-1", "GEN-6", kills="upload.multipart.none")
def form_ignored(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A form without files is an upload of none."""
    if not _refused(asked, answered, Code.BAD_REQUEST):
        return None
    data = {"files": [], "session_state_applied": True}
    return answered.saying({"code": 0, "data": data}, 200)


@replies(
    "upload.any-type", "UPL-3", "UPL-6", "UPL-5", kills="upload.type.unknown upload.type.content"
)
def any_type(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A file of any type is taken."""
    if not _refused(asked, answered, Code.UNSUPPORTED_FILE):
        return None
    return _accepted(answered)


@replies("upload.list-missing", "UPL-3", kills="upload.type.listed")
def list_missing(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A 4001 does not list what is accepted."""
    if not _refused(asked, answered, Code.UNSUPPORTED_FILE):
        return None
    return answered.saying({**answered.json, "message": "Unsupported file"})


@requests("upload.case", "UPL-3", kills="upload.type.case")
def case(asked: Asked, _memory: Memory) -> Answered | None:
    """A name in capitals is refused."""
    if asked.endpoint != "upload" or b"CLIP.MP4" not in asked.body:
        return None
    body = b'{"code":4001,"message":"Unsupported file","data":null}'
    return Answered(200, {"content-type": "application/json"}, body)


@replies("upload.no-limit", "UPL-4", kills="upload.size.skill")
def no_limit(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A file over the limit is refused for its content, not its size."""
    if not _refused(asked, answered, Code.FILE_TOO_LARGE):
        return None
    return answered.saying(failure(Code.UNSUPPORTED_FILE, "not a film"))


@replies("upload.half", "UPL-5", kills="upload.all-or-nothing")
def half(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """Where one file is bad, the good ones are answered."""
    both = asked.body.count(b'name="files"') > 1
    refused = _refused(asked, answered, Code.UNSUPPORTED_FILE)
    return _accepted(answered) if both and refused else None


@requests("upload.any-scheme", "UPL-6", kills="upload.url.scheme")
def any_scheme(asked: Asked, _memory: Memory) -> Answered | None:
    """A URL of any scheme is taken."""
    if asked.endpoint != "upload" or b"file:///etc/passwd" not in asked.body:
        return None
    return _accepted(Answered(200, {"content-type": "application/json"}, b"{}"))


@requests("upload.any-address", "UPL-6", kills="upload.url.local-addresses")
def any_address(asked: Asked, _memory: Memory) -> Answered | None:
    """A URL of any address is taken."""
    if asked.endpoint != "upload" or b"169.254" not in asked.body:
        return None
    return _accepted(Answered(200, {"content-type": "application/json"}, b"{}"))


@requests("upload.no-urls", "UPL-6", "UPL-1", kills="upload.url.own")
def no_urls(asked: Asked, _memory: Memory) -> Asked | None:
    """A URL is fetched from elsewhere than it says."""
    body = asked.json
    if asked.endpoint != "upload" or not isinstance(body, dict) or "/media/" not in str(body):
        return None
    return msgspec.structs.replace(asked, body=asked.body.replace(b"/media/", b"/nothing/"))


@replies("upload.no-aac", "UPL-3", kills="upload.type.every")
def no_aac(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """An .aac is refused, though the list says that it is accepted."""
    if asked.endpoint != "upload" or b'filename="sample.aac"' not in asked.body:
        return None
    return answered.saying(failure(Code.UNSUPPORTED_FILE, "not this one"))
