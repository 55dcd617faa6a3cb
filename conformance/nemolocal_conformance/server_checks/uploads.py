"""Section 4: uploads (UPL-1 to UPL-6)."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from nemolocal_contract import endpoints as wire
from nemolocal_contract.media import ACCEPTED_EXTENSIONS, MB
from nemolocal_contract.responses import ResponseCode

from ..assertions import NotApplicable, expect_equal, expect_true, expect_type, require_field
from ..context import LIMITED_SKILL, CheckContext
from ..error_assertions import error_code, expect_error
from ..samples import (
    CLIP,
    CLIP_FPS,
    CLIP_SECONDS,
    CLIP_SIZE,
    LARGE_UPLOAD_NAME,
    PICTURE,
    PICTURE_SIZE,
    SAMPLE_BY_EXTENSION,
    SOUND,
    SOUND_SECONDS,
    read_sample,
)
from ..server_check import server_check
from ..target import TargetResponse

_NAMES = {
    "filename": (str,),
    "file_type": (str,),
    "cdn_url": (str,),
    "duration": (int, float),
    "width": (int,),
    "height": (int,),
    "fps": (int, float),
    "hash": (str,),
}


_LOCAL_ADDRESSES = {
    "127.0.0.1:1": "http://127.0.0.1:1/a.mp4",
    "169.254.169.254": "http://169.254.169.254/a.mp4",
    "::1": "http://[::1]:1/a.mp4",
}


def _files(response: TargetResponse) -> list[dict[str, Any]]:
    files: list[dict[str, Any]] = expect_type(
        "data.files", require_field("data", response.data, "files"), list
    )
    return files


def _file(response: TargetResponse) -> dict[str, Any]:
    """Return the only file of an upload."""
    files = _files(response)
    expect_equal("number of files", len(files), 1)
    return files[0]


def _send(
    context: CheckContext, session: str, *files: tuple[str, bytes], **rest: Any
) -> TargetResponse:
    context.require_upload_limit(context.target.skill, max(len(body) for _, body in files))
    named = [("files", file) for file in files]
    return context.call(wire.UPLOAD, session=session, files=named, **rest)


def _count(context: CheckContext, session: str) -> int:
    return len(require_field("data", context.read_state(session), "state", "video_infos"))


@server_check("upload.multipart.one", "UPL-1", "UPL-2", prerequisite="session")
def one_file_is_taken(context: CheckContext) -> None:
    """A multipart upload of one file in the field `files` MUST return that file."""
    files = _files(context.upload(context.new_session(), CLIP))
    expect_equal("number of files", len(files), 1)
    expect_equal("filename", require_field("data.files[0]", files[0], "filename"), CLIP)


@server_check("upload.multipart.many", "UPL-1", "UPL-2", prerequisite="session")
def many_files_are_taken(context: CheckContext) -> None:
    """A multipart upload of several files MUST return all of them in the order sent."""
    files = _files(context.upload(context.new_session(), CLIP, PICTURE, SOUND))
    expect_equal("filenames", [file.get("filename") for file in files], [CLIP, PICTURE, SOUND])


@server_check("upload.multipart.none", "UPL-1", "GEN-6", prerequisite="session", assumed=True)
def upload_without_files_is_400(context: CheckContext) -> None:
    """A multipart upload without a file in `files` SHOULD be refused with HTTP 400 and code 400."""
    response = context.call(
        wire.UPLOAD, session=context.session, files=[("other", ("a.mp4", b"x"))]
    )
    expect_equal("the HTTP status", response.status, 400)
    expect_error(context, response, ResponseCode.BAD_REQUEST)


@server_check("upload.reply.fields", "UPL-2", prerequisite="session")
def uploaded_file_is_described(context: CheckContext) -> None:
    """Each item of `data.files` MUST have the eight fields of the contract with their types."""
    file = _file(context.upload(context.new_session(), CLIP))
    for name, kinds in _NAMES.items():
        expect_type(f"data.files[0].{name}", require_field("data.files[0]", file, name), *kinds)


@server_check("upload.reply.applied", "UPL-2", prerequisite="session")
def upload_is_applied_to_the_session(context: CheckContext) -> None:
    """An upload MUST return `data.session_state_applied` true and add the file to the session's
    state.
    """
    session = context.new_session()
    data = context.upload(session, CLIP).data
    expect_equal(
        "data.session_state_applied", require_field("data", data, "session_state_applied"), True
    )
    expect_equal("number of video_infos", _count(context, session), 1)


@server_check("upload.figures.video", "UPL-2", prerequisite="session")
def figures_of_a_video_are_read(context: CheckContext) -> None:
    """A video MUST be reported with its duration, width, height and frame rate."""
    file = _file(context.upload(context.new_session(), CLIP))
    expect_equal("file_type", file.get("file_type"), "video")
    expect_equal("width and height", (file.get("width"), file.get("height")), CLIP_SIZE)
    _expect_near(file, "duration", CLIP_SECONDS)
    _expect_near(file, "fps", CLIP_FPS)


def _expect_near(file: dict[str, Any], name: str, value: float) -> None:
    number = expect_type(name, file.get(name), int, float)
    expect_true(name, abs(number - value) < 0.1, f"{value:g}", number)


@server_check("upload.figures.picture", "UPL-2", prerequisite="session")
def figures_of_a_picture_are_read(context: CheckContext) -> None:
    """A picture MUST be reported as an image with its width and height."""
    file = _file(context.upload(context.new_session(), PICTURE))
    expect_equal("file_type", file.get("file_type"), "image")
    expect_equal("width and height", (file.get("width"), file.get("height")), PICTURE_SIZE)


@server_check("upload.figures.sound", "UPL-2", prerequisite="session")
def figures_of_a_sound_are_read(context: CheckContext) -> None:
    """A sound MUST be reported as audio with its duration."""
    file = _file(context.upload(context.new_session(), SOUND))
    expect_equal("file_type", file.get("file_type"), "audio")
    _expect_near(file, "duration", SOUND_SECONDS)


@server_check("upload.hash.content", "UPL-2", prerequisite="session", assumed=True)
def hash_depends_on_the_content(context: CheckContext) -> None:
    """Equal bytes SHOULD have the same `hash` under any name, and other bytes another."""
    session = context.new_session()
    one = _file(context.upload(session, CLIP))
    same = _file(_send(context, session, ("b.mp4", read_sample(CLIP))))
    other = _file(context.upload(session, PICTURE))
    expect_equal("hash of the same bytes", same.get("hash"), one.get("hash"))
    expect_true(
        "hash of other bytes", other.get("hash") != one.get("hash"), "another", one.get("hash")
    )


@server_check("upload.cdn.download", "UPL-2", prerequisite="session", assumed=True)
def cdn_url_gives_the_file_back(context: CheckContext) -> None:
    """`cdn_url` SHOULD return the bytes that were uploaded."""
    file = _file(context.upload(context.new_session(), PICTURE))
    response = context.fetch(str(require_field("data.files[0]", file, "cdn_url")))
    expect_equal("the HTTP status", response.status, 200)
    expect_true(
        "the body", response.body == read_sample(PICTURE), "the bytes sent", len(response.body)
    )


@server_check("upload.type.unknown", "UPL-3", prerequisite="session")
def unknown_type_is_refused(context: CheckContext) -> None:
    """A file of a type that is not accepted MUST be refused with 4001."""
    for name in ("notes.txt", "film.wmv", "clip.mp4.exe", "noextension"):
        response = _send(context, context.session, (name, b"some bytes"))
        expect_error(context, response, ResponseCode.UNSUPPORTED_FILE)


@server_check("upload.type.listed", "UPL-3", prerequisite="session")
def refusal_lists_what_is_accepted(context: CheckContext) -> None:
    """The message of 4001 MUST list every accepted type."""
    response = _send(context, context.session, ("notes.txt", b"some bytes"))
    message = expect_error(context, response, ResponseCode.UNSUPPORTED_FILE).lower()
    missing = [kind for kind in ACCEPTED_EXTENSIONS if kind not in message]
    expect_equal("accepted types missing from the message", missing, [])


@server_check("upload.type.every", "UPL-3", prerequisite="session")
def every_accepted_type_is_taken(context: CheckContext) -> None:
    """A file of each accepted type MUST be accepted, and jpeg like jpg."""
    session = context.new_session()
    for extension, name in SAMPLE_BY_EXTENSION.items():
        response = _send(context, session, (f"sample.{extension}", read_sample(f"kinds/{name}")))
        expect_equal(f"code for {extension}", error_code(response), 0)


@server_check("upload.type.case", "UPL-3", prerequisite="session", assumed=True)
def extension_may_be_in_capitals(context: CheckContext) -> None:
    """An accepted extension SHOULD also be accepted in upper case."""
    file = _file(_send(context, context.new_session(), ("CLIP.MP4", read_sample(CLIP))))
    expect_equal("file_type", file.get("file_type"), "video")


@server_check("upload.type.content", "UPL-3", prerequisite="session", assumed=True)
def content_must_be_what_the_name_says(context: CheckContext) -> None:
    """A file whose content does not match its extension MUST be refused with 4001."""
    files = [("clip.mp4", b"no film at all"), ("song.mp3", read_sample(PICTURE))]
    if context.settings.sniff == "lenient":
        # An accepted type is taken for what it is.
        files.pop()
    for name, body in files:
        expect_error(
            context, _send(context, context.session, (name, body)), ResponseCode.UNSUPPORTED_FILE
        )


@server_check("upload.size.skill", "UPL-4", prerequisite="session", needs_control=True)
def too_large_file_is_refused(context: CheckContext) -> None:
    """A file over the skill's limit (500 MB for 4k-with-session) MUST be refused with 4002 and a
    message that names the limit.
    """
    limit = context.require_upload_limit(LIMITED_SKILL, 1)
    message = expect_error(context, context.oversized_upload, ResponseCode.FILE_TOO_LARGE)
    named = f"{limit / MB:g} MB"
    expect_true("message", named in message, named, message)
    infos = require_field("data", context.read_state(context.session), "state", "video_infos")
    added = [info for info in infos if info.get("filename") == LARGE_UPLOAD_NAME]
    expect_equal("video_infos of the file that was too large", added, [])


@server_check("upload.all-or-nothing", "UPL-5", prerequisite="session")
def bad_file_fails_the_whole_upload(context: CheckContext) -> None:
    """An upload with one refused file MUST add none of its files."""
    session = context.new_session()
    response = _send(context, session, (CLIP, read_sample(CLIP)), ("notes.txt", b"text"))
    expect_error(context, response, ResponseCode.UNSUPPORTED_FILE)
    expect_equal("number of video_infos", _count(context, session), 0)


@server_check("upload.url.scheme", "UPL-6", prerequisite="session")
def other_schemes_are_refused(context: CheckContext) -> None:
    """A URL that is not http or https MUST be refused with 4001."""
    for url in ("file:///etc/passwd", "ftp://localhost/a.mp4", "concat:a|b"):
        response = context.call(
            wire.UPLOAD, session=context.session, json={"urls": [url], "source_type": "url"}
        )
        expect_error(context, response, ResponseCode.UNSUPPORTED_FILE)


@server_check("upload.url.own", "UPL-6", "UPL-1", prerequisite="session")
def own_url_is_fetched(context: CheckContext) -> None:
    """A URL of the server's own files MUST be fetched and probed."""
    file = _file(context.upload(context.new_session(), CLIP))
    url = str(require_field("data.files[0]", file, "cdn_url"))
    if url.startswith("/"):
        url = context.target.base_url + url
    body = {"urls": [url], "source_type": "url"}
    fetched = _file(context.call(wire.UPLOAD, session=context.new_session(), json=body))
    for name in ("file_type", "duration", "width", "height", "fps"):
        expect_equal(name, fetched.get(name), file.get(name))


@server_check("upload.url.local-addresses", "UPL-6", needs_control=True, prerequisite="session")
def local_addresses_are_refused(context: CheckContext) -> None:
    """A URL of an address that the settings do not allow MUST be refused with 4001."""
    patterns = context.settings.fetch_from
    urls = [url for host, url in _LOCAL_ADDRESSES.items() if not _is_allowed(host, patterns)]
    if not urls:
        raise NotApplicable("this server may fetch from its own addresses (setting `fetch_from`)")
    for url in urls:
        response = context.call(
            wire.UPLOAD, session=context.session, json={"urls": [url], "source_type": "url"}
        )
        expect_error(context, response, ResponseCode.UNSUPPORTED_FILE)


def _is_allowed(host: str, patterns: Iterable[str]) -> bool:
    names = (host, host.removesuffix(":1"))
    return any(fnmatchcase(name, pattern.lower()) for name in names for pattern in patterns)
