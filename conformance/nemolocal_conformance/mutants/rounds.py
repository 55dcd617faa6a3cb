"""Broken peers played in processes, several at a time.

A module of its own: a process that is spawned cannot find what a `__main__` of a package holds.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from .autopsy import Autopsy
from .clients import client_mutants
from .clients.play import play_client_mutant
from .play import play_mutant
from .servers import server_mutants


def play_servers(names: Iterable[str], jobs: int) -> Iterator[Autopsy]:
    """How each of these broken servers fared, in their order, as soon as it is known."""
    with _processes(jobs) as pool:
        yield from pool.map(_play_server, names)


def play_clients(names: Iterable[str], jobs: int) -> Iterator[Autopsy]:
    """How each of these broken clients fared."""
    with _processes(jobs) as pool:
        yield from pool.map(_play_client, names)


def _processes(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))


def _play_server(name: str) -> Autopsy:
    return play_mutant(server_mutants()[name])


def _play_client(name: str) -> Autopsy:
    return play_client_mutant(client_mutants()[name])
