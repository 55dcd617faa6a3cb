"""The kill matrix as Markdown: which check notices which mutant."""

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from .mutation_result import MutationResult

_HEAD = """\
# Kill matrix

Made by `python -m tests.mutation`, not written by hand: every broken peer, judged by
every check. A mutant is killed when all checks that must notice it fail. An *innocent* check fails
though it is about no rule that the mutant breaks; a mutant that changed nothing is *void*. Checks
that fail only because something they stand on could not be had accuse nobody.
"""


class AnyMutant(Protocol):
    """What a row shows of a mutant."""

    @property
    def id(self) -> str:
        """The id of the mutant."""

    @property
    def sentence(self) -> str:
        """What it changes."""

    @property
    def breaks(self) -> tuple[str, ...]:
        """The ids of the rules that no longer hold."""


def as_markdown(*sections: str) -> str:
    """Return the whole document."""
    return "\n".join([_HEAD, *sections])


def section(
    title: str,
    mutants: Mapping[str, AnyMutant],
    results: Iterable[MutationResult],
    checks: Collection[str],
    unkilled: Mapping[str, str],
) -> str:
    """Return both tables of one kind of mutant; `unkilled` says why a check can kill none."""
    done = list(results)
    killed = sum(result.is_killed for result in done)
    lines = [f"## {title}", "", f"{killed} of {len(done)} killed, by {len(checks)} checks.", ""]
    lines += ["| mutant | what it does | breaks | killed by |", "|---|---|---|---|"]
    lines += [_row(mutants[result.mutant_id], result) for result in done]
    lines += ["", "| check | mutants that it kills |", "|---|---|"]
    lines += [_check_row(name, done, unkilled.get(name, "**none**")) for name in checks]
    return "\n".join([*lines, ""])


def _row(mutant: AnyMutant, result: MutationResult) -> str:
    by = ", ".join(f"`{name}`" for name in result.failed_checks) or "nobody"
    faults = [f"**missed by** {', '.join(result.missed_checks)}"] if result.missed_checks else []
    faults += (
        [f"**innocent** {', '.join(result.false_positives)}"] if result.false_positives else []
    )
    faults += ["**void**"] if not result.times_applied else []
    cells = (f"`{mutant.id}`", mutant.sentence, ", ".join(mutant.breaks), "; ".join([by, *faults]))
    return f"| {' | '.join(cells)} |"


def _check_row(name: str, done: list[MutationResult], none: str) -> str:
    killed = [result.mutant_id for result in done if name in result.failed_checks]
    return f"| `{name}` | {', '.join(f'`{mutant}`' for mutant in killed) or none} |"
