"""Runs mutants in several processes.

A module of its own, because a spawned process cannot import a package's `__main__`.
"""

import functools
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import msgspec

from nemolocal_render.temporary_folder import TemporaryFolder

from .clients import client_mutants
from .clients.client_runner import run_client_mutant
from .memoized_media import MemoizedMedia
from .mutation_result import MutationResult
from .server_runner import run_server_mutant
from .servers import server_mutants


def run_server_mutants(names: Iterable[str], jobs: int) -> Iterator[MutationResult]:
    """Yield the results of these server mutants, in their order, as they come."""
    with TemporaryFolder("mutants") as media, _processes(jobs) as pool:
        yield from pool.map(functools.partial(_run_server, media), names)


def run_client_mutants(names: Iterable[str], jobs: int) -> Iterator[MutationResult]:
    """Yield the results of these client mutants."""
    with _processes(jobs) as pool:
        yield from pool.map(_run_client, names)


def _processes(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))


def _run_server(media: Path, name: str) -> MutationResult:
    return _timed(lambda: run_server_mutant(server_mutants()[name], media=MemoizedMedia(media)))


def _run_client(name: str) -> MutationResult:
    return _timed(lambda: run_client_mutant(client_mutants()[name]))


def _timed(run: Callable[[], MutationResult]) -> MutationResult:
    before = _processor_seconds()
    result = run()
    return msgspec.structs.replace(result, seconds=_processor_seconds() - before)


def _processor_seconds() -> float:
    """Return what this process and its children have used."""
    return sum(os.times()[:4])
