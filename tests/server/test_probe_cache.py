"""The same bytes under the same extension are looked into once."""

import asyncio
from pathlib import Path

import pytest

from nemolocal_render.media import MediaInfo, MediaRejected
from nemolocal_server.uploads import probe_cache
from nemolocal_server.uploads.multipart import ReceivedFile
from nemolocal_server.uploads.probe_cache import ProbeCache


class Prober:
    """Remembers the names of the files that it was asked about; `bad` ones are refused."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, path: Path, extension: str) -> MediaInfo:
        self.asked.append(path.name)
        if path.name.startswith("bad"):
            raise MediaRejected("no media")
        return MediaInfo("image", extension)


@pytest.fixture
def prober() -> Prober:
    return Prober()


def file(name: str, digest: str, extension: str = "png") -> ReceivedFile:
    return ReceivedFile(name, f"{name}.{extension}", extension, Path(name), digest)


def find(cache: ProbeCache, prober: Prober, *files: ReceivedFile) -> list[MediaInfo]:
    return [asyncio.run(cache.get_or_probe(one, prober)) for one in files]


def test_a_file_that_comes_again_is_known(prober: Prober) -> None:
    cache = ProbeCache()
    first, again, other = find(cache, prober, file("1", "a"), file("2", "a"), file("3", "b"))
    assert prober.asked == ["1", "3"]
    assert first == again == other


def test_the_same_bytes_under_another_extension_are_another_file(prober: Prober) -> None:
    png, jpg = find(ProbeCache(), prober, file("1", "a"), file("2", "a", "jpg"))
    assert (png.extension, jpg.extension) == ("png", "jpg")
    assert prober.asked == ["1", "2"]


def test_a_refusal_is_found_anew_each_time(prober: Prober) -> None:
    cache = ProbeCache()
    for _ in range(2):
        with pytest.raises(MediaRejected, match="no media"):
            find(cache, prober, file("bad", "a"))
    assert prober.asked == ["bad", "bad"]


def test_of_too_many_files_the_oldest_is_forgotten(
    prober: Prober, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe_cache, "MAX_RESULTS", 2)
    cache = ProbeCache()
    find(
        cache,
        prober,
        file("1", "a"),
        file("2", "b"),
        file("3", "c"),
        file("4", "b"),
        file("5", "a"),
    )
    assert prober.asked == ["1", "2", "3", "5"]
