"""Broken peers played in processes, several at a time.

A module of its own: a process that is spawned cannot find what a `__main__` of a package holds.
"""

import functools
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from nemolocal_render.temporary_folder import TemporaryFolder

from .autopsy import Autopsy
from .clients import client_mutants
from .clients.play import play_client_mutant
from .memoized_media import MemoizedMedia
from .play import play_mutant
from .servers import server_mutants


def play_servers(names: Iterable[str], jobs: int) -> Iterator[Autopsy]:
    """How each of these broken servers fared, in their order, as soon as it is known."""
    with TemporaryFolder("mutants") as media, _processes(jobs) as pool:
        yield from pool.map(functools.partial(_play_server, media), names)


def play_clients(names: Iterable[str], jobs: int) -> Iterator[Autopsy]:
    """How each of these broken clients fared."""
    with _processes(jobs) as pool:
        yield from pool.map(_play_client, names)


def _processes(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))


def _play_server(media: Path, name: str) -> Autopsy:
    return play_mutant(server_mutants()[name], media=MemoizedMedia(media))


def _play_client(name: str) -> Autopsy:
    return play_client_mutant(client_mutants()[name])
