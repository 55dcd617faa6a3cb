"""`python -m tests.mutation generated`: runs generated mutants and writes what became of them."""

import argparse
import sys

from tests.mutation.score_file import write_scores
from tests.support.commit_draw import commit_seed

from .generated_catalogue import generated_mutants
from .generated_document import (
    AIM,
    FILE,
    as_markdown,
    counts_table,
    killed_share,
    score,
    survivors,
)
from .generated_runner import GeneratedResult, run_generated
from .generated_sample import draw_sample
from .recorded_results import killed_after_others, killing_checks, write_results
from .unkilled_mutants import find_stale_patterns


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--jobs", type=int, default=2, help="default: %(default)s")
    parser.add_argument("--only", metavar="PATTERN", help="run mutants whose id has this in it")
    parser.add_argument("--sample", type=float, metavar="FRACTION", help="run this share of them")
    parser.add_argument("--seed", help="what the sample is drawn by (default: the commit)")
    parser.add_argument("--survivors", action="store_true", help="run those that no check killed")


def run(options: argparse.Namespace) -> int:
    """Run the mutants, and write down what became of them unless they are a sample.

    Return 2 if none is selected; 1 if one survives that was killed before, if too few are killed,
    or if a reason is stale.
    """
    names = _selected(options)
    if not names:
        print(f"no generated mutant matches {options.only!r}", file=sys.stderr)
        return 2
    before = killing_checks()
    found = dict(before)
    after_others = set(killed_after_others())
    for result in run_generated(names, options.jobs):
        print(_line(result), file=sys.stderr, flush=True)
        found[result.mutant_id] = result.killed_by
        after_others.discard(result.mutant_id)
        if result.after_others:
            after_others.add(result.mutant_id)
    ordered = {name: found[name] for name in generated_mutants() if name in found}
    if not options.sample:
        write_results(ordered, after_others & ordered.keys())
        FILE.write_text(as_markdown(ordered), encoding="utf-8")
        write_scores(generated_server=score(ordered))
    seen = {name: found[name] for name in names}
    print("\n".join(counts_table(seen)))
    return int(any([_print_survivors(seen, before), _print_stale(ordered)]))


def _line(result: GeneratedResult) -> str:
    ended = f"killed by {result.killed_by}" if result.killed_by else "survived"
    ended += "" if result.times_applied else ", not applied"
    ended += f", errors of the harness: {' '.join(result.errors)}" if result.errors else ""
    return f"{result.mutant_id}: {ended}"


def _selected(options: argparse.Namespace) -> list[str]:
    names = list(generated_mutants())
    if options.only:
        names = [name for name in names if options.only in name]
    if options.survivors:
        names = [name for name in names if not killing_checks().get(name)]
    if options.sample:
        names = draw_sample(names, options.sample, options.seed or commit_seed())
    return names


def _print_survivors(seen: dict[str, str], before: dict[str, str]) -> bool:
    """Whether too many survive, or one that was killed before."""
    alive = survivors(seen)
    for name in alive:
        print(f"survived: {name}" + (", killed before" if before.get(name) else ""))
    return killed_share(seen) < AIM or any(before.get(name) for name in alive)


def _print_stale(found: dict[str, str]) -> bool:
    """Whether a reason of `equivalent.toml` holds no more."""
    killed = [name for name, check in found.items() if check]
    stale = find_stale_patterns(generated_mutants(), killed)
    for pattern in stale:
        print(f"stale reason, no mutant or a killed one: {pattern}")
    return bool(stale)
