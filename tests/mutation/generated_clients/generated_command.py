"""`python -m tests.mutation generated-clients`: counts by kind, and the page of the reference."""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from tests.mutation.score_file import write_scores

from .equivalents import equivalents
from .generated_run import replay, run_journey
from .journeys import journeys
from .mutant_page import PAGE, as_page, kind_table, summary
from .mutant_results import MutantResult, killed_share, score

LEAST_KILLED = 0.95


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--journey", action="append", help="only this journey; repeatable")
    parser.add_argument("--replay", metavar="ID", help="evaluate one mutant by its id")


def run(options: argparse.Namespace) -> int:
    """Return 0 if enough mutants are killed and the named equivalents are right, else 1."""
    if options.replay:
        return _replay(options.replay)
    names = options.journey or list(journeys())
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        results = [result for found in pool.map(run_journey, names) for result in found]
    print("\n".join([*kind_table(results), "", summary(results)]))
    if not options.journey:
        Path(PAGE).write_text(as_page(results), encoding="utf-8")
        write_scores(generated_client=score(results))
    problems = find_problems(results, complete=not options.journey)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def find_problems(results: Sequence[MutantResult], *, complete: bool) -> list[str]:
    """Return what is wrong; only a complete run shows the killed share, and what is stale."""
    found = [
        f"{result.id}: named as {result.equivalent}, but noticed by {', '.join(result.noticed_by)}"
        for result in results
        if result.outcome == "accused"
    ]
    if complete:
        used = {result.equivalent for result in results}
        found += [f"{name}: names no mutant" for name in equivalents() if name not in used]
        if killed_share(results) < LEAST_KILLED:
            found.append(f"less than {LEAST_KILLED:.0%} are killed")
    return found


def _replay(id: str) -> int:
    try:
        result, mutation = replay(id)
    except KeyError:
        print(f"no such mutant: {id}", file=sys.stderr)
        return 2
    for entry in mutation.recording.entries:
        seconds = entry.started - mutation.recording.entries[0].started
        print(f"{entry.id:3} {seconds:8.1f} s  {entry.method:5}{entry.url[:80]} {entry.code}")
    print(f"{result.outcome}: {', '.join(result.noticed_by) or result.equivalent or 'unnoticed'}")
    return 0
