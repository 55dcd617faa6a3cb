"""Generated footage is made once per server, however many ask for it and whatever happens."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from nemolocal_render.ffmpeg_cli import FFmpegFailed
from nemolocal_render.media import MediaInfo
from nemolocal_server.turns import media_generator
from nemolocal_server.turns.media_generator import GeneratedMediaCache
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

INFO = MediaInfo(kind="video", extension="mp4", duration=4.0)
RECIPE = ("a sunset", 4.0, 7)


class Maker:
    """Writes a file; counts how often, and waits or fails when told to."""

    def __init__(self) -> None:
        self.created = 0
        self.gate: asyncio.Event | None = None
        self.failure: Exception | None = None

    async def __call__(self, destination: Path) -> MediaInfo:
        self.created += 1
        destination.write_bytes(b"%d" % self.created)
        if self.gate is not None:
            await self.gate.wait()
        failure, self.failure = self.failure, None
        if failure is not None:
            raise failure
        return INFO


class Place:
    """A cache with its folders."""

    def __init__(self, root: Path) -> None:
        self.work, self.kept = root / "work", root / "kept"
        self.work.mkdir()
        self.kept.mkdir()
        self.maker = Maker()
        self.cache = GeneratedMediaCache(self.kept, self.work)

    async def fetch(self, name: str, recipe: tuple[Any, ...] = RECIPE) -> bytes:
        path = self.work / name
        assert await self.cache.fetch(recipe, path, self.maker) == INFO
        return path.read_bytes()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_the_same_recipe_is_made_once_and_another_anew(place: Place) -> None:
    async def check() -> None:
        assert await place.fetch("one.mp4") == b"1"
        assert await place.fetch("two.mp4") == b"1"
        assert await place.fetch("other.mp4", ("a sunset", 4.0, 8)) == b"2"
        place.cache = GeneratedMediaCache(place.kept, place.work)  # as after a restart
        assert await place.fetch("three.mp4") == b"1"

    asyncio.run(check())


def test_who_asks_for_what_is_being_made_waits_for_it(place: Place) -> None:
    async def check() -> None:
        place.maker.gate = asyncio.Event()
        both = asyncio.gather(place.fetch("one.mp4"), place.fetch("two.mp4"))
        await asyncio.sleep(0)
        place.maker.gate.set()
        assert [*await both] == [b"1", b"1"]
        assert place.maker.created == 1

    asyncio.run(check())


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["failure", "cancelled"])
def test_what_was_not_finished_is_made_by_the_next_who_asks(place: Place, ending: str) -> None:
    async def check() -> None:
        place.maker.gate = asyncio.Event()
        first = asyncio.create_task(place.fetch("one.mp4"))
        second = asyncio.create_task(place.fetch("two.mp4"))
        await asyncio.sleep(0)
        if ending == "failure":
            place.maker.failure = FFmpegFailed("no")
            place.maker.gate.set()
            with pytest.raises(FFmpegFailed):
                await first
            place.maker.failure = None
        else:
            first.cancel()
            place.maker.gate.set()
            with pytest.raises(asyncio.CancelledError):
                await first
        assert await second == b"2"

    asyncio.run(check())


@pytest.mark.slow
@pytest.mark.parametrize("damage", [b"", b"{}", b"[1]"])
def test_what_is_damaged_is_made_again(place: Place, damage: bytes) -> None:
    async def check() -> None:
        await place.fetch("one.mp4")
        for facts in place.kept.glob("*.json"):
            facts.write_bytes(damage)
        assert await place.fetch("two.mp4") == b"2"
        assert await place.fetch("three.mp4") == b"2"

    asyncio.run(check())


def test_facts_without_their_file_are_nothing(place: Place) -> None:
    async def check() -> None:
        await place.fetch("one.mp4")
        for file in place.kept.glob("*.mp4"):
            file.unlink()
        assert await place.fetch("two.mp4") == b"2"

    asyncio.run(check())


def test_only_the_newest_are_kept(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_generator, "MAX_CACHED_FILES", 2)

    async def check() -> None:
        for number in range(3):
            await place.fetch(f"{number}.mp4", (number,))
            for facts in place.kept.glob("*.json"):
                before = facts.stat().st_mtime_ns
                os.utime(facts, ns=(before - 10**9, before - 10**9))
        assert len([*place.kept.iterdir()]) == 4
        assert await place.fetch("again.mp4", (0,)) == b"4"
        assert await place.fetch("there.mp4", (2,)) == b"3"

    asyncio.run(check())


def test_a_file_system_without_links_gets_copies(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise OSError("not here")

    monkeypatch.setattr("os.link", no_links)

    async def check() -> None:
        assert await place.fetch("one.mp4") == b"1"
        assert await place.fetch("two.mp4") == b"1"

    asyncio.run(check())


def test_what_cannot_be_kept_is_made_all_the_same(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("shutil.copyfile", full)
    monkeypatch.setattr("os.link", full)

    async def check() -> None:
        assert await place.fetch("one.mp4") == b"1"
        assert await place.fetch("two.mp4") == b"2"

    asyncio.run(check())


@pytest.mark.slow
def test_the_same_generation_is_made_once_per_server(
    servers: ServerFactory, new_caller: NewCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    created: list[str] = []

    async def scene(name: str, _seconds: float, _seed: int, destination: Path) -> MediaInfo:
        created.append(name)
        destination.write_bytes(b"a clip")
        return INFO

    async def music(mood: str, _seconds: float, destination: Path) -> MediaInfo:
        created.append(mood)
        destination.write_bytes(b"a song")
        return MediaInfo(kind="audio", extension="m4a", duration=4.0, audio_codec="aac")

    monkeypatch.setattr("nemolocal_server.turns.media_generator.make_scene", scene)
    monkeypatch.setattr("nemolocal_server.turns.media_generator.make_music", music)
    base_url = servers.start()
    for client in ("one", "two"):
        caller = new_caller(base_url, client).connect()
        caller.say("generate a 4-second ocean timelapse")
        media = caller.state()["state"]["generated_media"]
        assert [caller.http.get(m["cdn_url"]).content for m in media] == [b"a clip", b"a song"]
    assert created == ["ocean", "ambient"]


@pytest.mark.slow
def test_a_song_that_was_uploaded_needs_nothing_made(
    caller: HttpCaller, sample: Path, song: Path
) -> None:
    caller.upload(sample, song)
    caller.say("use my song as background music")
    video, music = caller.draft()["t"]
    assert caller.state()["state"]["generated_media"] == []
    infos = caller.state()["state"]["video_infos"]
    assert {part["src"] for part in music["sg"]} == {infos[1]["id"]}
    assert music["sg"][-1]["s"] + music["sg"][-1]["d"] == video["sg"][0]["d"]


def test_what_somebody_put_there_makes_no_room(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_generator, "MAX_CACHED_FILES", 2)
    theirs = [place.kept / name for name in ("notes.json", "notes.mp4", ".DS_Store")]
    for path in theirs:
        path.write_bytes(b"precious")
        os.utime(path, (1, 1))

    async def fill() -> None:
        for number in range(5):
            await place.fetch(f"{number}.mp4", ("a recipe", number))

    asyncio.run(fill())
    assert len(list(place.kept.glob("*.json"))) == 1 + 2
    assert all(path.read_bytes() == b"precious" for path in theirs)
