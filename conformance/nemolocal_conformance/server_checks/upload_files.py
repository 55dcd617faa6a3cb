"""Section 4, files: several files or URLs in one upload, and where each can be fetched."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from nemolocal_contract import endpoints as wire
from nemolocal_contract.responses import ResponseCode

from ..assertions import expect_equal, expect_true, expect_type, require_field
from ..context import CheckContext
from ..error_assertions import expect_error
from ..samples import CLIP, PICTURE, SOUND, read_sample
from ..server_check import server_check
from ..target import TargetResponse

_SAMPLES = (CLIP, PICTURE, SOUND)
# Films are served like renders, whose files other checks judge.
_NO_FILMS = (PICTURE, SOUND)


def _files(response: TargetResponse, count: int) -> list[dict[str, Any]]:
    """Return the files of an upload, which must be so many."""
    data = require_field("data", response.data, "files")
    files: list[dict[str, Any]] = expect_type("data.files", data, list)
    expect_equal("number of files", len(files), count)
    return files


def _urls(context: CheckContext, files: Sequence[dict[str, Any]]) -> list[str]:
    """Return where the files can be fetched, from wherever they are fetched."""
    found = [str(require_field("a file", file, "cdn_url")) for file in files]
    return [context.target.base_url + url if url.startswith("/") else url for url in found]


def _fetch(context: CheckContext, session: str, *urls: str) -> TargetResponse:
    body = {"urls": urls, "source_type": "url"}
    return context.call(wire.UPLOAD, session=session, json=body)


def _count(context: CheckContext, session: str) -> int:
    return len(require_field("data", context.read_state(session), "state", "video_infos"))


@server_check("upload.figures.many", "UPL-2", "UPL-1", prerequisite="session")
def each_of_many_files_has_its_own_figures(context: CheckContext) -> None:
    """Each of several files MUST be reported with its own type and hash, and added to the state."""
    session = context.new_session()
    files = _files(context.upload(session, *_SAMPLES), len(_SAMPLES))
    types = [file.get("file_type") for file in files]
    expect_equal("file types", types, ["video", "image", "audio"])
    hashes = {str(file.get("hash")) for file in files}
    expect_equal("number of different hashes", len(hashes), len(files))
    expect_equal("number of video_infos", _count(context, session), len(files))


@server_check("upload.cdn.absolute", "UPL-2", prerequisite="session", assumed=True)
def cdn_url_has_a_host(context: CheckContext) -> None:
    """`cdn_url` MUST be an absolute http or https URL."""
    (file,) = _files(context.upload(context.new_session(), PICTURE), 1)
    url = urlsplit(str(require_field("data.files[0]", file, "cdn_url")))
    fits = url.scheme in ("http", "https") and bool(url.hostname)
    expect_true("cdn_url", fits, "http://… or https://…", url.geturl())


@server_check("upload.cdn.each", "UPL-2", prerequisite="session", assumed=True)
def each_cdn_url_gives_its_own_file_back(context: CheckContext) -> None:
    """Each `cdn_url` of an upload SHOULD return the bytes of its own file."""
    answered = context.upload(context.new_session(), *_NO_FILMS)
    files = require_field("data", answered.data, "files")
    # Whether all of them are answered is left to another check.
    for name, url in zip(_NO_FILMS, _urls(context, files), strict=False):
        body = context.fetch(url).body
        expect_true(f"the bytes of {name}", body == read_sample(name), "as sent", len(body))


@server_check("upload.url.many", "UPL-1", "UPL-6", prerequisite="session")
def every_url_is_fetched(context: CheckContext) -> None:
    """Several URLs in one request MUST all be fetched and returned in the order sent."""
    sent = _files(context.upload(context.new_session(), CLIP, PICTURE), 2)
    fetched = _files(_fetch(context, context.new_session(), *_urls(context, sent)), 2)
    for name in ("file_type", "width", "height", "duration"):
        expected = [file.get(name) for file in sent]
        expect_equal(name, [file.get(name) for file in fetched], expected)


@server_check("upload.url.all-or-nothing", "UPL-5", "UPL-6", prerequisite="session")
def bad_url_fails_the_whole_upload(context: CheckContext) -> None:
    """A request with one refused URL MUST add none of its URLs."""
    (sent,) = _files(context.upload(context.new_session(), PICTURE), 1)
    session = context.new_session()
    (good,) = _urls(context, [sent])
    for urls in ((good, "file:///etc/passwd"), ("file:///etc/passwd", good)):
        response = _fetch(context, session, *urls)
        expect_error(context, response, ResponseCode.UNSUPPORTED_FILE)
    expect_equal("number of video_infos", _count(context, session), 0)


@server_check("upload.refused.unchanged", "UPL-5", "UPL-3", prerequisite="session")
def refused_upload_adds_nothing(context: CheckContext) -> None:
    """A refused upload MUST NOT change `video_infos`."""
    session = context.new_session()
    _files(context.upload(session, PICTURE), 1)
    before = _count(context, session)
    for field, name in (("files", "notes.txt"), ("files", "film.mp4"), ("other", PICTURE)):
        body = read_sample(PICTURE) if name == PICTURE else b"no film"
        context.call(wire.UPLOAD, session=session, files=[(field, (name, body))])
    expect_equal("number of video_infos", _count(context, session), before)


@server_check("upload.url.reason", "UPL-6", prerequisite="session", assumed=True)
def refused_url_comes_with_a_reason(context: CheckContext) -> None:
    """The 4001 of a URL MUST say what is wrong with the URL, not only list the accepted types."""
    message = expect_error(
        context,
        _fetch(context, context.session, "file:///etc/passwd"),
        ResponseCode.UNSUPPORTED_FILE,
    )
    words = ("http", "scheme", "url", "passwd", "fetch")
    expect_true("message", any(word in message.lower() for word in words), "a reason", message)
