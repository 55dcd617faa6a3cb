"""Everything at once: whatever clients and whoever controls the server do, its books are true."""

import asyncio
import logging
import random
from pathlib import Path

import pytest

from tests.support.concurrent_clients import ConcurrentClients


def run(seed: int, data_dir: Path | None, clients: int, steps: int) -> ConcurrentClients:
    print(f"the seed is {seed}")  # shown with a failure
    created = ConcurrentClients(seed, data_dir)
    asyncio.run(created.run(clients, steps))
    return created


def require_no_defect(caplog: pytest.LogCaptureFixture) -> None:
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_what_many_do_at_once_leaves_credits_files_and_rows_in_order(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert len(run(3, tmp_path / "data", clients=5, steps=40).counts) > 10
    require_no_defect(caplog)


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed",
    [*range(6), *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(6, 12))],
)
def test_what_very_many_do_at_once_does_so_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    run(seed, tmp_path / "data" if seed % 3 else None, clients=4 + seed, steps=80)
    require_no_defect(caplog)


@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.parametrize("clients", [2, 3, 5, 8, 16, 32])
def test_so_it_is_for_any_seed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, clients: int
) -> None:
    run(random.randrange(2**32), tmp_path / "data", clients, steps=200)
    require_no_defect(caplog)
