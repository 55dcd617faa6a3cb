"""Server mutants of section 4: several files or URLs, and where each can be fetched."""

from typing import Any
from urllib.parse import urlsplit

import msgspec

from nemolocal_contract.responses import ResponseCode, encode_json

from ..mutation_middleware import Memory, WireRequest, WireResponse
from ..server_mutant import request_mutant, response_mutant


def _files(request: WireRequest, response: WireResponse) -> list[dict[str, Any]]:
    """Return the files of a successful upload."""
    if request.endpoint != "upload" or response.code != 0:
        return []
    return list(response.json["data"]["files"])


def _urls(request: WireRequest) -> list[str]:
    """Return the URLs of an upload."""
    body = request.json if request.endpoint == "upload" else None
    urls = body.get("urls") if isinstance(body, dict) else None
    return list(urls) if isinstance(urls, list) else []


def _with_urls(request: WireRequest, urls: list[str]) -> WireRequest:
    body = encode_json({**request.json, "urls": urls})
    return msgspec.structs.replace(request, body=body)


def _with_infos(request: WireRequest, response: WireResponse, shown: slice) -> WireResponse | None:
    """Show a part of `video_infos` where it has several."""
    if request.endpoint != "state" or response.code != 0:
        return None
    state = response.json["data"]["state"]
    if len(state["video_infos"]) < 2:
        return None
    return response.with_data(state={**state, "video_infos": state["video_infos"][shown]})


@request_mutant("upload.first-url", "UPL-1", "UPL-5", "UPL-6", kills="upload.url.many")
def first_url(request: WireRequest, _memory: Memory) -> WireRequest | None:
    """Of several URLs only the first is fetched."""
    urls = _urls(request)
    return _with_urls(request, urls[:1]) if len(urls) > 1 else None


@response_mutant("upload.urls-turned", "UPL-1", "UPL-6", kills="upload.url.many")
def urls_turned(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """Files from several URLs are returned in another order."""
    files = _files(request, response)
    several = len(_urls(request)) > 1 and len(files) > 1
    return response.with_data(files=files[::-1]) if several else None


@request_mutant("upload.good-urls", "UPL-5", "UPL-6", kills="upload.url.all-or-nothing")
def good_urls(request: WireRequest, _memory: Memory) -> WireRequest | None:
    """A request with one refused URL adds the others."""
    urls = _urls(request)
    good = [url for url in urls if url.startswith("http")]
    return _with_urls(request, good) if good and len(good) < len(urls) else None


@response_mutant("upload.bad-url-kept", "UPL-5", "UPL-6", kills="upload.url.all-or-nothing")
def bad_url_kept(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """A refused URL upload adds the file of its good URL."""
    parts = request.path.split("/")
    if len(_urls(request)) > 1 and response.code == ResponseCode.UNSUPPORTED_FILE:
        memory[parts[5]] = True
    if request.endpoint != "state" or response.code != 0 or parts[5] not in memory:
        return None
    state = response.json["data"]["state"]
    return response.with_data(state={**state, "video_infos": [{"filename": "picture.png"}]})


@response_mutant("upload.cdn-relative", "UPL-2", kills="upload.cdn.absolute")
def relative_cdn_url(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """`cdn_url` is a path without a host."""
    files = _files(request, response)
    changed = [{**file, "cdn_url": urlsplit(file["cdn_url"]).path} for file in files]
    return response.with_data(files=changed) if files else None


@response_mutant("upload.cdn-first", "UPL-2", "UPL-6", kills="upload.cdn.each")
def first_cdn_url(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """All files of an upload have the `cdn_url` of the first."""
    files = _files(request, response)
    changed = [{**file, "cdn_url": files[0]["cdn_url"]} for file in files]
    return response.with_data(files=changed) if len(files) > 1 else None


@response_mutant("upload.figures-turned", "UPL-2", "UPL-1", kills="upload.figures.many")
def figures_turned(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """Each file of an upload has the type of the next one."""
    files = _files(request, response)
    types = [file["file_type"] for file in (*files[1:], *files[:1])]
    changed = [{**file, "file_type": kind} for file, kind in zip(files, types, strict=True)]
    return response.with_data(files=changed) if len(files) > 1 else None


@response_mutant("upload.same-hash", "UPL-2", kills="upload.figures.many")
def same_hash(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """All files of an upload have the hash of the first."""
    files = _files(request, response)
    changed = [{**file, "hash": files[0]["hash"]} for file in files]
    return response.with_data(files=changed) if len(files) > 1 else None


@response_mutant(
    "upload.state-first",
    *("STA-1", "STA-4", "UPL-1", "UPL-2", "UPL-6"),
    kills="upload.figures.many state.uploads.more",
)
def first_in_state(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The state lists only the first of several uploads."""
    return _with_infos(request, response, slice(1))


@response_mutant(
    "upload.replaces", *("STA-1", "STA-4", "UPL-1", "UPL-2", "UPL-6"), kills="state.uploads.more"
)
def later_replaces(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The state lists only the last of several uploads."""
    return _with_infos(request, response, slice(-1, None))


@response_mutant("upload.url-reasonless", "UPL-6", kills="upload.url.reason")
def reasonless(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A URL is refused without a reason."""
    if not _urls(request) or response.code != ResponseCode.UNSUPPORTED_FILE:
        return None
    return response.with_json({**response.json, "message": "Unsupported. Accepted: mp4, mov"})


@response_mutant("upload.refused-kept", "UPL-3", "UPL-5", kills="upload.refused.unchanged")
def refused_kept(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """A refused file is added to the session."""
    parts = request.path.split("/")
    if request.endpoint == "upload" and b'"film.mp4"' in request.body:
        memory[parts[5]] = True
    if request.endpoint != "state" or response.code != 0 or parts[5] not in memory:
        return None
    state = response.json["data"]["state"]
    infos = [*state["video_infos"], {"filename": "film.mp4"}]
    return response.with_data(state={**state, "video_infos": infos})
