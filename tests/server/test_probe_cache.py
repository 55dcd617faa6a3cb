"""The same bytes under the same extension are looked into once."""

import asyncio
from pathlib import Path

import pytest

from nemolocal_render.media import MediaInfo, MediaRejected
from nemolocal_server import probe_cache
from nemolocal_server.intake import ReceivedFile
from nemolocal_server.probe_cache import ProbeCache


@pytest.fixture
def probed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were looked into; `bad` ones are refused."""
    names: list[str] = []

    async def probe(path: Path, extension: str) -> MediaInfo:
        names.append(path.name)
        if path.name.startswith("bad"):
            raise MediaRejected("no media")
        return MediaInfo("image", extension)

    monkeypatch.setattr(probe_cache, "probe", probe)
    return names


def file(name: str, digest: str, extension: str = "png") -> ReceivedFile:
    return ReceivedFile(name, f"{name}.{extension}", extension, Path(name), digest)


def find(cache: ProbeCache, *files: ReceivedFile) -> list[MediaInfo]:
    return [asyncio.run(cache.find(one)) for one in files]


def test_a_file_that_comes_again_is_known(probed: list[str]) -> None:
    cache = ProbeCache()
    first, again, other = find(cache, file("1", "a"), file("2", "a"), file("3", "b"))
    assert probed == ["1", "3"]
    assert first == again == other


def test_the_same_bytes_under_another_extension_are_another_file(probed: list[str]) -> None:
    png, jpg = find(ProbeCache(), file("1", "a"), file("2", "a", "jpg"))
    assert (png.extension, jpg.extension) == ("png", "jpg")
    assert probed == ["1", "2"]


def test_a_refusal_is_found_anew_each_time(probed: list[str]) -> None:
    cache = ProbeCache()
    for _ in range(2):
        with pytest.raises(MediaRejected, match="no media"):
            find(cache, file("bad", "a"))
    assert probed == ["bad", "bad"]


def test_of_too_many_files_the_oldest_is_forgotten(probed: list[str]) -> None:
    cache = ProbeCache(most=2)
    find(cache, file("1", "a"), file("2", "b"), file("3", "c"), file("4", "b"), file("5", "a"))
    assert probed == ["1", "2", "3", "5"]
