"""Proxy mutants of section 4: uploads."""

import re
from typing import Any

from .intercepting_proxy import Forward, ObservedTraffic
from .proxy_messages import InterceptedRequest, InterceptedResponse, error_response, json_response
from .proxy_mutant import endpoint_of, on_failure, on_json, proxy_mutant

ACCEPTED = "mp4 mov avi webm mkv jpg jpeg png gif webp mp3 wav m4a aac".split()
_NAME = re.compile(rb'filename="([^"]*)"')


def _names(request: InterceptedRequest) -> list[str]:
    return [name.decode() for name in _NAME.findall(request.body or b"")]


def _kinds(request: InterceptedRequest) -> set[str]:
    return {name.rpartition(".")[2].lower() for name in _names(request)}


def _accepted(*names: str) -> InterceptedResponse:
    files = [
        {"filename": name, "file_type": "video", "cdn_url": f"http://127.0.0.1:9/{name}",
         "duration": 2.0, "width": 1280, "height": 720, "fps": 30.0, "hash": "ab" * 32}
        for name in names
    ]  # fmt: skip
    return json_response({"code": 0, "data": {"files": files, "session_state_applied": True}})


@proxy_mutant("SES-3", also_affects="GEN-7")
async def unknown_session_uploads(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """An upload to an unknown session is answered as if it had worked."""
    reply = await forward(request)
    if endpoint_of(request) == "upload" and reply.code == 1002:
        return _accepted(*_names(request))
    return reply


@proxy_mutant("UPL-1")
@on_json("upload")
def first_file_only(data: Any) -> None:
    """Of several files the reply names the first."""
    del data["files"][1:]


@proxy_mutant("UPL-1", also_affects="UPL-6 GEN-6")
async def no_url_upload(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """URL uploads are refused with 400."""
    if endpoint_of(request) == "upload" and "urls" in request.json:
        return error_response(400, "files is missing", 400)
    return await forward(request)


@proxy_mutant("UPL-2")
@on_json("upload")
def everything_is_video(data: Any) -> None:
    """file_type is always video."""
    for file in data["files"]:
        file["file_type"] = "video"


@proxy_mutant("UPL-2")
@on_json("upload")
def duration_in_ms(data: Any) -> None:
    """The duration of an upload is in milliseconds."""
    for file in data["files"]:
        file["duration"] = (file["duration"] or 0) * 1000


@proxy_mutant("UPL-2")
@on_json("upload")
def sides_swapped(data: Any) -> None:
    """Width and height of an upload are swapped."""
    for file in data["files"]:
        file["width"], file["height"] = file["height"], file["width"]


@proxy_mutant("UPL-2")
@on_json("upload")
def fps_always_25(data: Any) -> None:
    """fps is always 25."""
    for file in data["files"]:
        file["fps"] = 25.0


@proxy_mutant("UPL-2")
@on_json("upload")
def same_hash(data: Any) -> None:
    """Every upload has the same hash."""
    for file in data["files"]:
        file["hash"] = "ab" * 32


@proxy_mutant("UPL-2")
@on_json("upload")
def not_applied(data: Any) -> None:
    """session_state_applied is missing."""
    del data["session_state_applied"]


@proxy_mutant("UPL-2", also_affects="UPL-6")
async def cdn_is_gone(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """What cdn_url names is not there."""
    if request.path.startswith("/cdn/media/"):
        return error_response(404, "gone", 404)
    return await forward(request)


@proxy_mutant("UPL-3")
async def aac_refused(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """aac is refused with 4001."""
    if endpoint_of(request) == "upload" and "aac" in _kinds(request):
        return error_response(4001, "accepted: " + " ".join(ACCEPTED))
    return await forward(request)


@proxy_mutant("UPL-3")
async def jpeg_refused(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A file whose name ends in .jpeg is refused."""
    if endpoint_of(request) == "upload" and "jpeg" in _kinds(request):
        return error_response(4001, "accepted: " + " ".join(ACCEPTED))
    return await forward(request)


@proxy_mutant("UPL-3", also_affects="UPL-6")
@on_failure(4001)
def formats_not_listed(response: InterceptedResponse) -> InterceptedResponse:
    """4001 does not list what is accepted."""
    return response.set_json({**response.json, "message": "This file cannot be used."})


@proxy_mutant("UPL-3", also_affects="UPL-5")
async def text_accepted(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A file of no accepted kind is answered as if it were accepted."""
    reply = await forward(request)
    if reply.code == 4001 and _kinds(request) - set(ACCEPTED):
        return _accepted(*_names(request))
    return reply


@proxy_mutant("UPL-3", also_affects="UPL-5")
async def lying_name_accepted(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A file whose content is not what its name says is answered as if it were accepted."""
    reply = await forward(request)
    if reply.code == 4001 and _names(request) and not _kinds(request) - set(ACCEPTED):
        return _accepted(*_names(request))
    return reply


@proxy_mutant("UPL-4")
@on_failure(4002)
def too_large_is_4001(response: InterceptedResponse) -> InterceptedResponse:
    """Too large is refused with 4001."""
    return response.set_json({**response.json, "code": 4001})


@proxy_mutant("UPL-4")
async def one_limit_for_all(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """Every skill has the limit of ai-rtk-compressor."""
    if endpoint_of(request) == "upload":
        request.headers["X-Skill-Source"] = "ai-rtk-compressor"
    return await forward(request)


@proxy_mutant("UPL-5")
async def good_files_kept(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """Of a request with a bad file the good ones are added."""
    reply = await forward(request)
    if reply.code == 4001 and len(_names(request)) > 1 and request.body:
        mark = b"--" + request.headers["Content-Type"].partition("boundary=")[2].encode()
        for part in request.body.split(mark)[1:-1]:
            request.body = mark + part + mark + b"--\r\n"
            await forward(request)
    return reply


def _fetches(request: InterceptedRequest, *schemes: str) -> bool:
    urls = request.json.get("urls") if isinstance(request.json, dict) else None
    return any(str(url).startswith(schemes) for url in urls or ())


@proxy_mutant("UPL-6")
async def file_url_accepted(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A URL that is neither http nor https is answered as if it were fetched."""
    reply = await forward(request)
    if reply.code == 4001 and _fetches(request, "") and not _fetches(request, "http:", "https:"):
        return _accepted("fetched.mp4")
    return reply


@proxy_mutant("UPL-6")
async def private_url_accepted(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A URL of an address that nobody allowed is answered as if it were fetched."""
    reply = await forward(request)
    if reply.code == 4001 and _fetches(request, "http:", "https:"):
        return _accepted("fetched.mp4")
    return reply


@proxy_mutant("UPL-6")
async def url_refused_with_400(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A URL that is refused has code 400."""
    reply = await forward(request)
    if reply.code == 4001 and _fetches(request, ""):
        return error_response(400, reply.json["message"], 400)
    return reply
