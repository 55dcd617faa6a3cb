"""What a worker keeps of sources: fetched once, checked, and dropped when there is too much."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from nemolocal_farm.farm import FarmLimits
from nemolocal_farm.farm_key import FarmKey
from nemolocal_farm.part_store import PartStore
from nemolocal_farm.part_tasks import TaskFile, TaskRange
from nemolocal_farm.part_watch import PartView, RenderPace
from nemolocal_farm.signed_paths import sign_path
from nemolocal_farm.source_cache import SourceCache
from nemolocal_farm.transfer_app import build_transfer_app, file_path
from nemolocal_farm.worker_transfers import WorkerTransfers

KEY = FarmKey(b"s" * 32, b"u" * 32)
PART = "0123456789abcdef0123456789abcdef"
CONTENT = bytes(n * 7 % 251 for n in range(100_000))


def task_file(*ranges: tuple[int, int], content: bytes = CONTENT, shared: str = "") -> TaskFile:
    path = sign_path(KEY, "GET", file_path(PART, "source-0"), 60)
    announced = tuple(TaskRange(a, b, sha256(content[a:b]).hexdigest()) for a, b in ranges)
    digest = sha256(CONTENT).hexdigest()
    return TaskFile("source-0", len(CONTENT), digest, path, announced, shared)


@asynccontextmanager
async def cache_in(
    folder: Path, most: int = 1 << 30, media: Path | None = None
) -> AsyncIterator[SourceCache]:
    """A cache that fetches CONTENT from the endpoints of a server."""
    clip, sources = folder / "clip.mp4", folder / "sources"
    clip.write_bytes(CONTENT)
    sources.mkdir(exist_ok=True)
    store = PartStore(folder / "parts", folder)
    transfers = WorkerTransfers("http://farm")
    app = build_transfer_app(KEY, store)
    transfers._client = httpx.AsyncClient(transport=httpx.ASGITransport(app))
    with store.offered(PART, {"source-0": clip}):
        yield SourceCache(transfers, sources, most, media)
    await transfers.close()


def run(
    work: Callable[[SourceCache], Awaitable[None]],
    folder: Path,
    most: int = 1 << 30,
    media: Path | None = None,
) -> None:
    async def all_of_it() -> None:
        async with cache_in(folder, most, media) as cache:
            await work(cache)

    asyncio.run(all_of_it())


def test_only_what_is_missing_is_fetched_into_a_copy_of_full_size(tmp_path: Path) -> None:
    async def work(cache: SourceCache) -> None:
        async with cache.source(task_file((0, 100), (5000, 9000))) as copy:
            assert (copy.is_whole, copy.fetched) == (False, 4100)
            there = copy.path.read_bytes()
            assert there[:100] == CONTENT[:100]
            assert there[5000:9000] == CONTENT[5000:9000]
            assert len(there) == len(CONTENT)
            assert not any(there[100:5000])
        async with cache.source(task_file((0, 100), (8000, 12_000))) as more:
            assert (more.path, more.fetched) == (copy.path, 3000)
            assert more.path.read_bytes()[5000:12_000] == CONTENT[5000:12_000]
        async with cache.source(task_file((0, 100)), whole=True) as whole:
            assert (whole.is_whole, whole.fetched) == (True, len(CONTENT))
        # What is there whole is not fetched in pieces.
        async with cache.source(task_file((0, 100))) as again:
            assert (again.path, again.is_whole, again.fetched) == (whole.path, True, 0)

    run(work, tmp_path)


def test_a_range_that_is_not_what_was_announced_is_not_used(tmp_path: Path) -> None:
    async def work(cache: SourceCache) -> None:
        async with cache.source(task_file((0, 100), content=b"other" * 100)) as copy:
            assert copy.is_whole
            assert copy.path.read_bytes() == CONTENT
        assert [path.name for path in copy.path.parent.iterdir()] == [copy.path.name]

    run(work, tmp_path)


def test_parts_that_want_a_source_at_once_fetch_it_once(tmp_path: Path) -> None:
    async def work(cache: SourceCache) -> None:
        async def fetch() -> int:
            async with cache.source(task_file((0, 50_000))) as copy:
                return copy.fetched

        assert sorted(await asyncio.gather(*(fetch() for _ in range(5)))) == [0, 0, 0, 0, 50_000]

    run(work, tmp_path)


def test_the_source_that_was_used_longest_ago_makes_room_unless_it_is_used(tmp_path: Path) -> None:
    async def work(cache: SourceCache) -> None:
        used, more = task_file((0, 50_000)), task_file()
        async with cache.source(used) as copy, cache.source(more, whole=True):
            assert copy.path.exists()
        async with cache.source(task_file(), whole=True) as whole:
            whole.path.unlink()
        async with cache.source(task_file(), whole=True):
            assert not copy.path.exists()
        async with cache.source(task_file((0, 100))) as again:
            assert again.path.read_bytes()[:100] == CONTENT[:100]

    run(work, tmp_path, most=1)


def test_a_shared_disk_is_used_only_for_a_file_of_that_name_and_size(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    (disk / "clip.mp4").write_bytes(CONTENT)
    (disk / "short.mp4").write_bytes(b"x")
    (disk / "link.mp4").symlink_to(disk / "clip.mp4")

    async def work(cache: SourceCache) -> None:
        async with cache.source(task_file(shared="clip.mp4")) as copy:
            assert copy == (disk / "clip.mp4", False, 0)
        for name in ("short.mp4", "link.mp4", "missing.mp4", ""):
            async with cache.source(task_file(shared=name)) as fetched:
                assert fetched.is_whole, name
                assert fetched.path.parent != disk
        # It is fetched when FFmpeg complains of the one on the disk.
        async with cache.source(task_file(shared="clip.mp4"), whole=True) as whole:
            assert whole.is_whole

    run(work, tmp_path, media=disk)


@pytest.mark.parametrize(
    ("share", "passed", "is_straggling"),
    [
        (0.0, 14.0, False),
        (0.0, 16.0, True),
        (0.5, 6.0, False),
        (0.5, 10.1, True),
        # A second worker would not be done before it.
        (0.9, 30.0, False),
    ],
)
def test_a_part_is_slow_if_another_worker_would_be_done_sooner(
    share: float, passed: float, is_straggling: bool
) -> None:
    pace = RenderPace(FarmLimits(straggler=1.5))
    done, waiting, slow = PartView(), PartView(), PartView()
    for view in (done, waiting, slow):
        pace.add(view)
    done.begun = 0.0
    pace.remove(done, 100, 10.0)
    slow.begun, slow.share, slow.last_sign = 0.0, share, passed
    assert not pace.is_straggling(slow, 100, passed)  # another one waits for a worker
    waiting.begun = passed
    assert pace.is_straggling(slow, 100, passed) == is_straggling
    # If its worker is silent, the engine hands it over.
    assert not pace.is_straggling(slow, 100, passed + 3)


def test_without_a_part_that_is_done_none_is_slow() -> None:
    pace, view = RenderPace(FarmLimits()), PartView()
    pace.add(view)
    view.begun = 0.0
    assert not pace.is_straggling(view, 100, 1e6)
    pace.remove(view, 100, None)
    again = PartView()
    pace.add(again)
    again.begun = 0.0
    assert not pace.is_straggling(again, 100, 1e6)
