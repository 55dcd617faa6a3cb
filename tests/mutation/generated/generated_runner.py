"""Runs generated mutants, many on one server, in several processes."""

import functools
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import msgspec

from nemolocal_conformance.runner import run_check
from nemolocal_conformance.server_check import ServerCheck
from nemolocal_conformance.server_checks import server_catalogue
from nemolocal_render.temporary_folder import TemporaryFolder
from tests.mutation.memoized_media import MemoizedMedia

from .check_record import CheckRecord, checks_for, record_checks
from .generated_catalogue import generated_mutants
from .generated_mutant import GeneratedMutant
from .mutable_server import MutableServer, mutable_server

# So many mutants share a server.
_BATCH = 24
# A turn is drawn by the ids of its session, and not every turn shows a change of its events: a
# check that kills such a mutant alone must do it in so many sessions.
_DRAWN_SESSIONS = 20
# The calls that a check makes depend on those that ran before it: however many jobs there are, it
# is recorded after the same ones.
_RECORDINGS = 2
_NOTICED = ("failed", "warning", "learned")


class GeneratedResult(msgspec.Struct, frozen=True):
    """The first check that failed on a mutant, "" if none did, and how often it was applied.

    `errors` are checks that ended with an error of the harness, which is one of ours.
    `after_others` says that the check fails only after those that ran before it, or by chance.
    """

    mutant_id: str
    killed_by: str
    times_applied: int
    errors: tuple[str, ...] = ()
    after_others: bool = False


def run_mutant(
    server: MutableServer, mutant: GeneratedMutant, checks: Iterable[ServerCheck]
) -> GeneratedResult:
    """Run these checks until one fails."""
    server.become(mutant)
    errors: list[str] = []
    killed_by = ""
    with server.context() as context:
        for check in checks:
            outcome = run_check(context, check).outcome
            if outcome in _NOTICED:
                killed_by = check.id
                break
            if outcome == "error":
                errors.append(check.id)
    applied = server.switch.times_applied
    return GeneratedResult(mutant.id, killed_by, applied, tuple(errors))


def run_generated(names: Sequence[str], jobs: int) -> Iterator[GeneratedResult]:
    """Yield the results of these mutants, as they come."""
    with TemporaryFolder("generated") as media, _processes(jobs) as pool:
        catalogue = list(server_catalogue())
        shares = [catalogue[start::_RECORDINGS] for start in range(_RECORDINGS)]
        record: CheckRecord = {}
        for part in pool.map(functools.partial(_record_share, media), shares):
            record |= part
        run = functools.partial(_run_batch, media, record)
        for results in pool.map(run, batches(names)):
            yield from results


def batches(names: Sequence[str]) -> list[Sequence[str]]:
    """Return the mutants in groups that share a server."""
    return [names[start : start + _BATCH] for start in range(0, len(names), _BATCH)]


def _processes(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, mp_context=get_context("spawn"))


def _record_share(media: Path, names: Sequence[str]) -> CheckRecord:
    with mutable_server(MemoizedMedia(media)) as server:
        return record_checks(server, [server_catalogue()[name] for name in names])


def _run_batch(media: Path, record: CheckRecord, names: Sequence[str]) -> list[GeneratedResult]:
    with mutable_server(MemoizedMedia(media)) as server:
        return [_run_one(server, generated_mutants()[name], record) for name in names]


def _run_one(
    server: MutableServer, mutant: GeneratedMutant, record: CheckRecord
) -> GeneratedResult:
    result = run_mutant(server, mutant, checks_for(mutant, record))
    if not result.killed_by:
        return result
    check = server_catalogue()[result.killed_by]
    sessions = _DRAWN_SESSIONS if mutant.subject == "event" else 1
    alone = all(run_mutant(server, mutant, [check]).killed_by for _ in range(sessions))
    return msgspec.structs.replace(result, after_others=not alone)
