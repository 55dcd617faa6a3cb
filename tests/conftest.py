"""What every test may use: real media, made once per run, and both faces of the client."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from nemolocal_render.synthetic.sample_media import make_music, make_sample
from tests.support.certificates import share_ssl_contexts
from tests.support.client_faces import FACES, ClientFactory
from tests.support.drawn_cases import split_off_other_cases
from tests.support.media import MediaCache

if TYPE_CHECKING:
    from tests.mutation.memoized_media import MemoizedMedia

share_ssl_contexts()

# `ci` always draws the same examples and never measures time; HYPOTHESIS_PROFILE=nightly draws new
# ones, eight times as many: with the rest of the deep run it must end within the hour.
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", UNTIMED, derandomize=True, max_examples=25)
settings.register_profile("nightly", UNTIMED, max_examples=200, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# Whenever httpcore makes a lock for async code it tries to import sniffio. Where that is not
# installed, looking for it in all folders each time is a tenth of all work with the async client.
if find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of the deep run's other Pythons."""
    parser.addoption(
        "--one-slow-case", action="store_true", help="run one case of each slow test, not all"
    )


@pytest.hookimpl(trylast=True)  # of those that `-m` has left, in the order that they run in
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the other cases of slow tests, if that is wanted."""
    if config.getoption("--one-slow-case"):
        items[:], left_out = split_off_other_cases(items)
        config.hook.pytest_deselected(items=left_out)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Save what a worker of xdist has measured.

    By itself it is saved when the worker exits, and one that takes over 10 seconds is killed.
    """
    coverage = sys.modules.get("coverage")
    measuring = coverage.Coverage.current() if coverage is not None else None
    if measuring is not None and hasattr(session.config, "workerinput"):
        measuring.stop()
        measuring.save()


@pytest.fixture(scope="session")
def media_cache(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> MediaCache:
    """Where generated media are kept: NEMOLOCAL_TEST_MEDIA, the cache of pytest, or the run."""
    named = os.environ.get("NEMOLOCAL_TEST_MEDIA")
    if named:
        return MediaCache(Path(named))
    kept = getattr(pytestconfig, "cache", None)  # gone with -p no:cacheprovider
    if kept is not None and os.access(pytestconfig.rootpath, os.W_OK):
        return MediaCache(kept.mkdir("media"))
    workers_share = "PYTEST_XDIST_WORKER" in os.environ
    base = tmp_path_factory.getbasetemp()
    return MediaCache((base.parent if workers_share else base) / "media")


@pytest.fixture(scope="session")
def sample(media_cache: MediaCache) -> Path:
    """Two seconds of video with sound."""
    return media_cache.file("my clip.mp4", lambda path: asyncio.run(make_sample(path, seconds=2)))


@pytest.fixture(scope="session")
def song(media_cache: MediaCache) -> Path:
    """A second of music."""
    return media_cache.file("song.m4a", lambda path: asyncio.run(make_music("lofi", 1.0, path)))


# Both stand on the same flows: the short run has the sync one, and tests of the other by itself.
@pytest.fixture(params=["sync", pytest.param("async", marks=pytest.mark.slow)])
def face(request: pytest.FixtureRequest) -> ClientFactory:
    """Makes clients of one face; both are called as the sync one is."""
    return FACES[request.param]


@pytest.fixture(scope="session")
def faces() -> dict[str, ClientFactory]:
    """Both faces, each called as the sync one is."""
    return FACES


@pytest.fixture(scope="session")
def memoized_media(media_cache: MediaCache) -> "MemoizedMedia":
    """What FFmpeg made for servers, of this run or of an earlier one."""
    from tests.mutation.memoized_media import MemoizedMedia

    return MemoizedMedia(media_cache.folder("memoized", lambda _: None))


@pytest.fixture
def memoized_servers(memoized_media: "MemoizedMedia") -> Iterator[None]:
    """Servers of this process take what FFmpeg makes from there."""
    with memoized_media.patch_servers():
        yield


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Children can be interrupted: where these tests run in the background, they would not be."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
