"""What an upload may cost: little beside its files, and no more probes at once than cores."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from nemolocal_render import child_process
from nemolocal_render.media import MediaInfo
from nemolocal_render.probing.media_probe import probe as real_probe
from nemolocal_server.api import upload_endpoints
from nemolocal_server.errors import ContractError
from nemolocal_server.fair_semaphore import FairSemaphore
from nemolocal_server.uploads.multipart import receive_multipart
from nemolocal_server.uploads.probe_cache import ProbeCache
from tests.support.containers import Recipe, sounding, steady, write
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

MB = 1 << 20
FIELD = b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\n'
FILE = b'--b\r\nContent-Disposition: form-data; name="files"; filename="x.mp4"\r\n\r\n'
END = b"\r\n--b--\r\n"


@pytest.mark.slow
@pytest.mark.rule("UPL-4")
@pytest.mark.parametrize(
    "pieces",
    [
        [FIELD, *[bytes(MB)] * 40, END],
        [FILE, b"x", b"\r\n", FIELD, *[bytes(MB)] * 40, END],
        [b"\r\n" * (MB // 2)] * 40,
        [FIELD + b"x" + END, *[bytes(MB)] * 40],
        [(FIELD + b"\r\n") * 10_000] * 40,
    ],
    ids=["a field", "a field behind a file", "before the form", "behind the form", "many fields"],
)
def test_what_is_beside_the_files_is_cut_off(tmp_path: Path, pieces: list[bytes]) -> None:
    left = iter(pieces)

    async def receive() -> dict[str, Any]:
        body = next(left, None)
        return {"type": "http.request", "body": body or b"", "more_body": body is not None}

    headers = [(b"content-type", b"multipart/form-data; boundary=b")]
    request = Request({"type": "http", "headers": headers}, receive)
    with pytest.raises(ContractError, match="more than 1 MB beside its files") as refusal:
        asyncio.run(receive_multipart(request, tmp_path, 100 * MB))
    assert refusal.value.code == 400
    # Whatever is not read is discarded where the connection ends.
    assert len(list(left)) > 35
    assert list(tmp_path.iterdir()) == []


@pytest.mark.rule("UPL-1")
def test_large_files_have_as_little_beside_them_as_small_ones(tmp_path: Path) -> None:
    pieces = iter([FILE, *[bytes(MB)] * 3, b"\r\n", FILE, *[bytes(MB)] * 3, b"\r\n", FIELD, END])

    async def receive() -> dict[str, Any]:
        body = next(pieces, None)
        return {"type": "http.request", "body": body or b"", "more_body": body is not None}

    headers = [(b"content-type", b"multipart/form-data; boundary=b")]
    request = Request({"type": "http", "headers": headers}, receive)
    files = asyncio.run(receive_multipart(request, tmp_path, 4 * MB))
    assert [file.path.stat().st_size for file in files] == [3 * MB, 3 * MB]


def test_more_probes_than_cores_wait_and_the_turn_goes_round() -> None:
    async def work() -> list[str]:
        places = FairSemaphore(2, overdue_seconds=None)
        begun: list[str] = []
        running = most = 0

        async def one(owner: str) -> None:
            nonlocal running, most
            async with places.slot(owner):
                begun.append(owner)
                running += 1
                most = max(most, running)
                await asyncio.sleep(0)
                running -= 1

        await asyncio.gather(*(one(owner) for owner in "aaaaaaabbc"))
        assert most == 2
        return begun

    begun = asyncio.run(work())
    # Two of `a` were there first; then those who had none.
    assert "".join(begun) == "aabcabaaaa"


def test_who_is_cancelled_while_waiting_takes_no_place() -> None:
    async def work() -> None:
        places = FairSemaphore(1, overdue_seconds=None)
        async with places.slot("a"):
            waiting = [asyncio.ensure_future(_hold(places, owner)) for owner in "abc"]
            await asyncio.sleep(0)
            waiting[0].cancel()
            waiting[1].cancel()
        await asyncio.wait_for(waiting[2], 5)
        # One that is cancelled in the moment in which it gets the place gives it back.
        async with places.slot("a"):
            late = asyncio.ensure_future(_hold(places, "b"))
            await asyncio.sleep(0)
        late.cancel()
        await asyncio.gather(*waiting, late, return_exceptions=True)
        await asyncio.wait_for(_hold(places, "d"), 5)

    asyncio.run(work())


async def _hold(places: FairSemaphore, owner: str) -> None:
    async with places.slot(owner):
        pass


@pytest.mark.slow
def test_fifty_uploads_are_probed_no_more_at_once_than_there_are_cores(
    servers: ServerFactory,
    new_caller: NewCaller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    running, most = 0, 0

    async def probe(_: Path, extension: str) -> MediaInfo:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        return MediaInfo("image", extension, width=1, height=1)

    monkeypatch.setattr(upload_endpoints, "probe", probe)
    monkeypatch.setattr(upload_endpoints, "_probes", ProbeCache())
    monkeypatch.setattr("nemolocal_server.services.usable_cores", lambda: 3)
    caller = new_caller(servers.start()).connect()
    files = [("files", (f"{n}.jpg", f"{n}".encode())) for n in range(50)]
    reply = caller.post(f"/api/upload-video/nemo_agent/me/{caller.session}", files=files)
    assert (reply["code"], len(reply["data"]["files"])) == (0, 50)
    assert most == 3


@pytest.mark.slow
@pytest.mark.rule("UPL-3")
def test_a_file_with_the_wrong_ending_is_taken_where_the_server_is_lenient(
    servers: ServerFactory, new_caller: NewCaller, song: Path
) -> None:
    files = [("files", ("song.mp3", song.read_bytes()))]
    for sniff, code in (("strict", 4001), ("lenient", 0), ("strict", 4001)):
        caller = new_caller(servers.start(sniff=sniff)).connect()  # type: ignore[arg-type]
        reply = caller.post(f"/api/upload-video/nemo_agent/me/{caller.session}", files=files)
        assert reply["code"] == code, reply
        if code:
            assert "named .mp3 but its content is an MP4 or QuickTime file" in reply["message"]
            continue
        (file,) = reply["data"]["files"]
        assert (file["filename"], file["file_type"]) == ("song.mp3", "audio")
        assert file["cdn_url"].endswith(".mp4")
        assert caller.http.get(file["cdn_url"]).content == song.read_bytes()


@pytest.mark.slow
@pytest.mark.rule("UPL-2")
def test_what_is_left_out_of_an_upload_is_told_in_the_reply_and_the_state(
    caller: HttpCaller, song: Path, tmp_path: Path
) -> None:
    film = write(tmp_path / "film.mp4", Recipe("mp4", steady(25, 1), sounding(1)))
    content = film.read_bytes()
    film.write_bytes(content.replace(b"mp4a", b"apac").replace(b"esds", b"xxxx"))
    clip, sound = caller.upload(film, song)["data"]["files"]
    assert (clip["file_type"], clip["duration"]) == ("video", 1.0)
    (said,) = clip["warnings"]
    assert said.startswith("track 2 (audio, ")
    assert "apac" in said
    assert said.endswith(" is left out: there is no decoder for it")
    assert "warnings" not in sound
    infos = caller.state()["state"]["video_infos"]
    assert [info.get("warnings") for info in infos] == [[said], None]


@pytest.mark.slow
def test_a_probe_leaves_no_folder_behind(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run = child_process.run
    seen: list[list[Path]] = []

    async def watched(*arguments: object, **rest: object) -> object:
        seen.append(list(tmp_path.iterdir()))
        return await run(*arguments, **rest)  # type: ignore[arg-type]

    monkeypatch.setattr(child_process, "run", watched)
    assert asyncio.run(real_probe(song, "m4a")).kind == "audio"
    assert seen == [[]]
