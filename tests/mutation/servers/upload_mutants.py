"""Server mutants of section 4: uploads."""

from typing import Any

import msgspec

from nemolocal_contract.responses import ResponseCode, failure

from ..mutation_middleware import Memory, WireRequest, WireResponse
from ..server_mutant import request_mutant, response_mutant


def _files(request: WireRequest, response: WireResponse) -> list[dict[str, Any]]:
    """Return the files of a successful upload."""
    if request.endpoint != "upload" or response.code != 0:
        return []
    return list(response.json["data"]["files"])


def _refused(request: WireRequest, response: WireResponse, code: ResponseCode) -> bool:
    return request.endpoint == "upload" and response.code == code


def _accepted(response: WireResponse) -> WireResponse:
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
    return response.with_json({"code": 0, "data": data}, 200)


@response_mutant("upload.first-only", "UPL-1", "UPL-2", kills="upload.multipart.many")
def first_only(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """An upload of several files returns only the first."""
    files = _files(request, response)
    return response.with_data(files=files[:1]) if len(files) > 1 else None


@response_mutant("upload.no-hash", "UPL-2", kills="upload.reply.fields")
def no_hash(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A file has no hash."""
    files = _files(request, response)
    for file in files:
        del file["hash"]
    return response.with_data(files=files) if files else None


@response_mutant(
    "upload.renamed", "UPL-2", "UPL-1", kills="upload.multipart.one upload.multipart.many"
)
def renamed(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A file is reported under another name."""
    files = [{**file, "filename": "file_1.mp4"} for file in _files(request, response)]
    return response.with_data(files=files) if files else None


@response_mutant("upload.not-applied", "UPL-2", kills="upload.reply.applied")
def not_applied(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """`session_state_applied` is false."""
    files = _files(request, response)
    return response.with_data(session_state_applied=False) if files else None


@response_mutant("upload.milliseconds", "UPL-2", kills="upload.figures.video upload.figures.sound")
def milliseconds(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The duration of a file is in milliseconds."""
    files = [{**file, "duration": file["duration"] * 1000} for file in _files(request, response)]
    return response.with_data(files=files) if files else None


@response_mutant("upload.turned", "UPL-2", "UPL-6", kills="upload.figures.video")
def turned(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """Width and height of a file are swapped."""
    files = _files(request, response)
    turned = [{**file, "width": file["height"], "height": file["width"]} for file in files]
    return response.with_data(files=turned) if files else None


@response_mutant("upload.all-video", "UPL-2", kills="upload.figures.picture upload.figures.sound")
def all_video(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """Every file is reported as a video."""
    files = [{**file, "file_type": "video"} for file in _files(request, response)]
    return response.with_data(files=files) if files else None


@response_mutant("upload.hash-by-name", "UPL-2", kills="upload.hash.content")
def hash_by_name(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The hash of a file is that of its name."""
    files = [{**file, "hash": f"{hash(file['filename']):x}"} for file in _files(request, response)]
    return response.with_data(files=files) if files else None


@response_mutant("upload.dead-link", "UPL-2", "UPL-6", kills="upload.cdn.download")
def dead_link(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """The `cdn_url` of a file does not work."""
    files = [{**file, "cdn_url": "/files/nothing"} for file in _files(request, response)]
    return response.with_data(files=files) if files else None


@response_mutant("upload.form-ignored", "UPL-1", "GEN-6", "UPL-2", kills="upload.multipart.none")
def form_ignored(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A form without files is accepted as an upload of no files."""
    if not _refused(request, response, ResponseCode.BAD_REQUEST):
        return None
    data = {"files": [], "session_state_applied": True}
    return response.with_json({"code": 0, "data": data}, 200)


@response_mutant(
    "upload.any-type", "UPL-3", "UPL-6", "UPL-5", kills="upload.type.unknown upload.type.content"
)
def any_type(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A file of any type is accepted."""
    if not _refused(request, response, ResponseCode.UNSUPPORTED_FILE):
        return None
    return _accepted(response)


@response_mutant("upload.list-missing", "UPL-3", "UPL-6", kills="upload.type.listed")
def list_missing(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A 4001 does not list the accepted types."""
    if not _refused(request, response, ResponseCode.UNSUPPORTED_FILE):
        return None
    return response.with_json({**response.json, "message": "Unsupported file"})


@request_mutant("upload.case", "UPL-3", kills="upload.type.case")
def case(request: WireRequest, _memory: Memory) -> WireResponse | None:
    """An extension in upper case is refused."""
    if request.endpoint != "upload" or b"CLIP.MP4" not in request.body:
        return None
    body = b'{"code":4001,"message":"Unsupported file","data":null}'
    return WireResponse(200, {"content-type": "application/json"}, body)


@response_mutant("upload.no-limit", "UPL-4", kills="upload.size.skill")
def no_limit(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A file over the limit is refused for its content, not its size."""
    if not _refused(request, response, ResponseCode.FILE_TOO_LARGE):
        return None
    return response.with_json(failure(ResponseCode.UNSUPPORTED_FILE, "not a film"))


@response_mutant("upload.half", "UPL-5", kills="upload.all-or-nothing")
def half(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """If one file is refused, the others are added."""
    both = request.body.count(b'name="files"') > 1
    refused = _refused(request, response, ResponseCode.UNSUPPORTED_FILE)
    return _accepted(response) if both and refused else None


@request_mutant("upload.any-scheme", "UPL-6", kills="upload.url.scheme")
def any_scheme(request: WireRequest, _memory: Memory) -> WireResponse | None:
    """A URL of any scheme is accepted."""
    if request.endpoint != "upload" or b"file:///etc/passwd" not in request.body:
        return None
    return _accepted(WireResponse(200, {"content-type": "application/json"}, b"{}"))


@request_mutant("upload.any-address", "UPL-6", kills="upload.url.local-addresses")
def any_address(request: WireRequest, _memory: Memory) -> WireResponse | None:
    """A URL of any address is accepted."""
    if request.endpoint != "upload" or b"169.254" not in request.body:
        return None
    return _accepted(WireResponse(200, {"content-type": "application/json"}, b"{}"))


@request_mutant("upload.no-urls", "UPL-6", "UPL-1", kills="upload.url.own")
def no_urls(request: WireRequest, _memory: Memory) -> WireRequest | None:
    """A URL upload fetches another URL."""
    body = request.json
    if request.endpoint != "upload" or not isinstance(body, dict) or "/media/" not in str(body):
        return None
    return msgspec.structs.replace(request, body=request.body.replace(b"/media/", b"/nothing/"))


@response_mutant("upload.no-aac", "UPL-3", kills="upload.type.every")
def no_aac(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A file of the accepted type aac is refused."""
    if request.endpoint != "upload" or b'filename="sample.aac"' not in request.body:
        return None
    return response.with_json(failure(ResponseCode.UNSUPPORTED_FILE, "not this one"))
