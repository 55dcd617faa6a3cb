"""The file arrives whole or not at all, resumed where it can be, and no token goes astray."""

import contextlib
import errno
import os
import socket
from pathlib import Path
from typing import NoReturn

import pytest

from nemolocal_client import BadReply, Client, DownloadFailed, FileProblem, check_destination
from nemolocal_client.file_transfer import ProgressFile
from nemolocal_client.local_files import file_size, part_path
from nemolocal_client.operations import DownloadFile, DownloadResult, Flow
from tests.support.scripted_backend import (
    VIDEO,
    Piece,
    ReceivedRequest,
    Replies,
    ScriptedBackend,
)

CDN = "/cdn/"
STATUS = "/api/render/proxy/lambda/"
FALLBACK = "/api/render/proxy/render_1700000000000/download"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The destination, with an older file in it."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "out.mp4").write_bytes(b"older")
    return folder / "out.mp4"


@pytest.mark.slow
def test_existing_file_is_replaced_and_no_part_is_left(
    client: Client, out: Path, video: bytes
) -> None:
    client.export(out, overwrite=True)
    assert out.read_bytes() == video
    assert list(out.parent.iterdir()) == [out]


@pytest.mark.slow
def test_url_is_fetched_without_the_token(
    client: Client, backend: ScriptedBackend, out: Path
) -> None:
    client.export(out, overwrite=True)
    (request,) = backend.of(CDN)
    assert "authorization" not in request.headers


@pytest.mark.slow
def test_absolute_url_is_taken_as_it_is(
    client: Client, backend: ScriptedBackend, out: Path
) -> None:
    url = f"{backend.base_url.replace('127.0.0.1', 'localhost')}/cdn/y.mp4"
    backend.arm(STATUS, backend.completed("render_1700000000000", url=url))
    assert client.export(out, overwrite=True).url == url
    (request,) = backend.of(CDN)
    assert request.headers["host"].startswith("localhost")
    assert "authorization" not in request.headers


@pytest.mark.slow
@pytest.mark.parametrize("status", [404, 403, 500, 200])
def test_url_that_is_gone_is_replaced_by_the_fallback_with_the_token(
    client: Client, backend: ScriptedBackend, out: Path, video: bytes, status: int
) -> None:
    backend.arm(CDN, backend.wire.html(status))
    done = client.export(out, overwrite=True)
    assert backend.of(FALLBACK)[0].token == "nmv_usr_secret1"
    assert (done.url, out.read_bytes()) == (FALLBACK, video)


@pytest.mark.slow
def test_host_that_cannot_be_reached_is_replaced_by_the_fallback(
    client: Client, backend: ScriptedBackend, out: Path
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/x.mp4"
        backend.arm(STATUS, backend.completed("render_1700000000000", url=url))
        assert client.export(out, overwrite=True).url == FALLBACK


@pytest.mark.parametrize("url", ["ftp://x/y.mp4", "http://[", ""])
def test_unusable_url_is_replaced_by_the_fallback(
    client: Client, backend: ScriptedBackend, out: Path, url: str
) -> None:
    backend.arm(STATUS, backend.completed("render_1700000000000", url=url))
    assert client.export(out, overwrite=True).url == FALLBACK


@pytest.mark.slow
def test_redirect_loop_is_replaced_by_the_fallback(
    client: Client, backend: ScriptedBackend, out: Path
) -> None:
    backend.arm(CDN, *[backend.wire.html(302, Location="/cdn/x.mp4")] * 30)
    assert client.export(out, overwrite=True).url == FALLBACK


def test_fallback_that_fails_is_an_error_and_leaves_the_older_file(
    client: Client, backend: ScriptedBackend, out: Path
) -> None:
    backend.arm(CDN, backend.wire.html(404))
    backend.arm(FALLBACK, backend.wire.html(500))
    with pytest.raises(BadReply):
        client.export(out, overwrite=True)
    assert out.read_bytes() == b"older"
    assert list(out.parent.iterdir()) == [out]


def test_json_in_place_of_the_file_is_no_file(
    client: Client, backend: ScriptedBackend, out: Path
) -> None:
    backend.arm(CDN, backend.wire.html(404))
    backend.arm(FALLBACK, backend.wire.ok({}))
    with pytest.raises(DownloadFailed, match="not with a file"):
        client.export(out, overwrite=True)


@pytest.mark.slow
def test_broken_download_is_resumed_where_it_stopped(
    client: Client, backend: ScriptedBackend, wire: Replies, out: Path, video: bytes
) -> None:
    rest = wire.file(video[4000:], 206, Content_Range="bytes 4000-10251/10252", ETag='"v1"')
    backend.arm(CDN, wire.file(video, cut_at=4000, ETag='"v1"'), rest)
    client.export(out, overwrite=True)
    assert out.read_bytes() == video
    second = backend.of(CDN)[1]
    assert (second.headers["range"], second.headers["if-range"]) == ("bytes=4000-", '"v1"')


@pytest.mark.slow
def test_date_serves_to_resume_where_the_tag_is_weak(
    client: Client, backend: ScriptedBackend, wire: Replies, out: Path, video: bytes
) -> None:
    date = "Tue, 14 Nov 2023 22:13:20 GMT"
    first = wire.file(video, cut_at=10, ETag='W/"v1"', Last_Modified=date)
    backend.arm(CDN, first)
    client.export(out, overwrite=True)
    assert backend.of(CDN)[1].headers["if-range"] == date


@pytest.mark.slow
def test_server_that_starts_over_is_followed(
    client: Client, backend: ScriptedBackend, wire: Replies, out: Path, video: bytes
) -> None:
    backend.arm(CDN, wire.file(video, cut_at=4000, ETag='"v1"'), wire.file(video))
    client.export(out, overwrite=True)
    assert out.read_bytes() == video


@pytest.mark.slow
def test_body_without_a_version_is_fetched_anew(
    client: Client, backend: ScriptedBackend, wire: Replies, out: Path, video: bytes
) -> None:
    backend.arm(CDN, wire.file(video, cut_at=4000))
    client.export(out, overwrite=True)
    assert "range" not in backend.of(CDN)[1].headers
    assert out.read_bytes() == video


@pytest.mark.slow
def test_rest_of_another_place_is_not_appended(
    client: Client, backend: ScriptedBackend, wire: Replies, out: Path, video: bytes
) -> None:
    odd = wire.file(video[1:], 206, Content_Range="bytes 1-10251/10252")
    backend.arm(CDN, wire.file(video, cut_at=4000, ETag='"v1"'), odd)
    assert client.export(out, overwrite=True).url == FALLBACK
    assert out.read_bytes() == video


@pytest.mark.slow
def test_body_that_ends_early_without_a_word_is_found_by_its_size(
    client: Client, backend: ScriptedBackend, wire: Replies, out: Path, video: bytes
) -> None:
    backend.arm(CDN, wire.file(video[:5000]), wire.file(video + b"more"))
    client.export(out, overwrite=True)
    assert out.read_bytes() == video
    assert len(backend.of(CDN)) == 3


@pytest.mark.slow
def test_download_that_never_completes_goes_to_the_fallback_then_fails(
    client: Client, backend: ScriptedBackend, wire: Replies, out: Path, video: bytes
) -> None:
    broken = wire.file(video, cut_at=4000)
    backend.arm(CDN, *[broken] * 3)
    backend.arm(FALLBACK, *[broken] * 3)
    with pytest.raises(DownloadFailed, match="4000 of 10252 bytes"):
        client.export(out, overwrite=True)
    assert out.read_bytes() == b"older"
    assert list(out.parent.iterdir()) == [out]


@pytest.mark.slow
def test_body_without_a_length_is_taken_to_its_end(
    client: Client, backend: ScriptedBackend, wire: Replies, out: Path
) -> None:
    backend.arm(STATUS, backend.completed("render_1700000000000", size=0))
    backend.arm(CDN, wire.raw(200, {"Content-Type": "video/mp4"}, b"all of it"))
    assert client.export(out, overwrite=True).size == 9


def test_compressed_body_is_unpacked_and_never_resumed(
    client: Client, backend: ScriptedBackend, wire: Replies, out: Path
) -> None:
    backend.arm(STATUS, backend.completed("render_1700000000000", size=0))
    head = {"Content-Type": "video/mp4", "Content-Encoding": "gzip", "ETag": '"v"'}
    backend.arm(CDN, *[wire.raw(200, head, b"no gzip")] * 3)
    assert client.export(out, overwrite=True).url == FALLBACK
    assert all("range" not in request.headers for request in backend.of(CDN))


@pytest.mark.slow
def test_part_that_cannot_be_written_is_a_problem_of_the_file(
    client: Client, backend: ScriptedBackend, out: Path
) -> None:
    def take_the_folder_away(_: ReceivedRequest) -> list[Piece]:
        out.unlink()
        out.parent.rmdir()
        return backend.wire.file(b"x")

    backend.arm(CDN, take_the_folder_away)
    with pytest.raises(FileProblem, match="cannot be used"):
        client.export(out, overwrite=True)


def test_destination_taken_away_meanwhile_is_a_problem_of_the_file(
    client: Client, backend: ScriptedBackend, out: Path, video: bytes
) -> None:
    def put_a_folder_there(_: ReceivedRequest) -> list[Piece]:
        out.unlink()
        out.mkdir()
        return backend.wire.file(video)

    backend.arm(CDN, put_a_folder_there)
    with pytest.raises(FileProblem, match="is a directory"):
        client.export(out, overwrite=True)


@pytest.mark.slow
@pytest.mark.parametrize("size", [len(VIDEO) - 1, 100, 1])
def test_no_more_is_written_than_the_export_says(
    client: Client, backend: ScriptedBackend, wire: Replies, out: Path, video: bytes, size: int
) -> None:
    backend.arm(STATUS, backend.completed("render_1700000000000", size=size))
    head = {"Content-Type": "video/mp4"}
    backend.arm(CDN, *[wire.raw(200, head, video)] * 3)
    backend.arm(FALLBACK, *[wire.raw(200, head, video)] * 3)
    with pytest.raises(DownloadFailed, match=f"larger than the expected {size} bytes"):
        client.export(out, overwrite=True)
    assert list(out.parent.iterdir()) == [out]


def test_what_is_over_the_limit_is_never_in_the_part_file(
    client: Client, backend: ScriptedBackend, wire: Replies, tmp_path: Path
) -> None:
    large = wire.raw(200, {"Content-Type": "video/mp4"}, bytes(10_000_000))
    backend.arm(CDN, large)
    part = tmp_path / "part"

    def fetch() -> Flow[int]:
        got = yield DownloadFile(url="/cdn/x.mp4", part=part, limit=100_000)
        assert isinstance(got, DownloadResult)
        assert not got.complete
        assert got.size > 100_000
        return part.stat().st_size

    assert client.run(fetch()) <= 100_000


def test_disk_that_fills_up_is_told_by_a_name_that_the_user_knows(
    client: Client, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("nemolocal_client.file_transfer.open_part_file", fail)
    with pytest.raises(FileProblem, match="free some space") as caught:
        client.export(out)
    assert caught.value.message == f"{out.parent} cannot be used (no space left on device)"


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_no_link_is_followed_on_the_way(
    client: Client, backend: ScriptedBackend, out: Path, video: bytes, tmp_path: Path
) -> None:
    """Neither one that lies there beforehand nor one that is put in place meanwhile."""
    dear = tmp_path / "dear.txt"
    dear.write_bytes(b"dear")
    (out.parent / "out.mp4.part").symlink_to(dear)

    def put_links_there(_: ReceivedRequest) -> list[Piece]:
        for part in out.parent.glob(".nemolocal-*.part"):
            part.unlink()
            part.symlink_to(dear)
        return backend.wire.file(video, cut_at=4000, ETag='"v1"')

    backend.arm(CDN, put_links_there, put_links_there)
    with contextlib.suppress(FileProblem):
        client.export(out, overwrite=True)
    assert dear.read_bytes() == b"dear"


def test_part_files_have_names_that_nobody_knows(out: Path) -> None:
    names = {part_path(out).name for _ in range(100)}
    assert len(names) == 100
    assert all(part_path(out).parent == out.parent for _ in range(2))


@pytest.mark.slow
def test_the_file_has_the_mode_of_an_ordinary_file(
    client: Client, out: Path, tmp_path: Path
) -> None:
    (tmp_path / "ordinary").write_bytes(b"")
    client.export(out, overwrite=True)
    assert out.stat().st_mode == (tmp_path / "ordinary").stat().st_mode


def test_destination_is_checked_without_touching_what_is_there(out: Path, tmp_path: Path) -> None:
    check_destination(out)
    assert out.read_bytes() == b"older"
    assert list(out.parent.iterdir()) == [out]
    with pytest.raises(FileProblem, match="is a folder: choose a file in it"):
        check_destination(tmp_path)
    with pytest.raises(FileProblem, match=r"folder not found: .*: create it first"):
        check_destination(tmp_path / "none" / "x.mp4")
    with pytest.raises(FileProblem, match=r"x…|cannot be used"):
        check_destination(tmp_path / ("x" * 300))


def test_file_that_cannot_be_read_is_a_problem_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match=r"x…|cannot be used"):
        file_size(tmp_path / ("x" * 300))


def test_file_that_cannot_be_opened_for_sending_is_a_problem_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="is a directory"):
        ProgressFile(tmp_path, lambda _: None)
