"""The kill matrix as Markdown: which check notices which broken peer."""

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
    """What a row tells of a mutant."""

    @property
    def id(self) -> str:
        """Its name."""

    @property
    def sentence(self) -> str:
        """What it does."""

    @property
    def breaks(self) -> tuple[str, ...]:
        """Ids of rules that no longer hold."""


def as_markdown(*sections: str) -> str:
    """The whole document."""
    return "\n".join([_HEAD, *sections])


def section(
    title: str,
    mutants: Mapping[str, AnyMutant],
    autopsies: Iterable[MutationResult],
    checks: Collection[str],
    unkilled: Mapping[str, str],
) -> str:
    """Both tables of one kind of peer; `unkilled` says why a check can kill none."""
    done = list(autopsies)
    killed = sum(autopsy.is_killed for autopsy in done)
    lines = [f"## {title}", "", f"{killed} of {len(done)} killed, by {len(checks)} checks.", ""]
    lines += ["| mutant | what it does | breaks | killed by |", "|---|---|---|---|"]
    lines += [_row(mutants[autopsy.mutant_id], autopsy) for autopsy in done]
    lines += ["", "| check | mutants that it kills |", "|---|---|"]
    lines += [_check_row(name, done, unkilled.get(name, "**none**")) for name in checks]
    return "\n".join([*lines, ""])


def _row(mutant: AnyMutant, autopsy: MutationResult) -> str:
    by = ", ".join(f"`{name}`" for name in autopsy.failed_checks) or "nobody"
    faults = [f"**missed by** {', '.join(autopsy.missed_checks)}"] if autopsy.missed_checks else []
    faults += (
        [f"**innocent** {', '.join(autopsy.false_positives)}"] if autopsy.false_positives else []
    )
    faults += ["**void**"] if not autopsy.times_applied else []
    cells = (f"`{mutant.id}`", mutant.sentence, ", ".join(mutant.breaks), "; ".join([by, *faults]))
    return f"| {' | '.join(cells)} |"


def _check_row(name: str, done: list[MutationResult], none: str) -> str:
    killed = [autopsy.mutant_id for autopsy in done if name in autopsy.failed_checks]
    return f"| `{name}` | {', '.join(f'`{mutant}`' for mutant in killed) or none} |"
