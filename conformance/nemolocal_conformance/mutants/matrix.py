"""The kill matrix as Markdown: which check notices which broken peer."""

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from .autopsy import Autopsy

_HEAD = """\
# Kill matrix

Made by `python -m nemolocal_conformance.mutants`, not written by hand: every broken peer, judged by
every check. A mutant is killed when all checks that must notice it fail. An *innocent* check fails
though it is about no rule that the mutant breaks; a mutant that changed nothing is *void*. Checks
that fail only because something they stand on could not be had accuse nobody.
"""


class Mutant(Protocol):
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
    mutants: Mapping[str, Mutant],
    autopsies: Iterable[Autopsy],
    checks: Collection[str],
    unkilled: Mapping[str, str],
) -> str:
    """Both tables of one kind of peer; `unkilled` says why a check can kill none."""
    done = list(autopsies)
    killed = sum(autopsy.right for autopsy in done)
    lines = [f"## {title}", "", f"{killed} of {len(done)} killed, by {len(checks)} checks.", ""]
    lines += ["| mutant | what it does | breaks | killed by |", "|---|---|---|---|"]
    lines += [_row(mutants[autopsy.mutant], autopsy) for autopsy in done]
    lines += ["", "| check | mutants that it kills |", "|---|---|"]
    lines += [_check_row(name, done, unkilled.get(name, "**none**")) for name in checks]
    return "\n".join([*lines, ""])


def _row(mutant: Mutant, autopsy: Autopsy) -> str:
    by = ", ".join(f"`{name}`" for name in autopsy.failed) or "nobody"
    faults = [f"**missed by** {', '.join(autopsy.missed)}"] if autopsy.missed else []
    faults += [f"**innocent** {', '.join(autopsy.innocent)}"] if autopsy.innocent else []
    faults += ["**void**"] if not autopsy.hits else []
    cells = (f"`{mutant.id}`", mutant.sentence, ", ".join(mutant.breaks), "; ".join([by, *faults]))
    return f"| {' | '.join(cells)} |"


def _check_row(name: str, done: list[Autopsy], none: str) -> str:
    killed = [autopsy.mutant for autopsy in done if name in autopsy.failed]
    return f"| `{name}` | {', '.join(f'`{mutant}`' for mutant in killed) or none} |"
