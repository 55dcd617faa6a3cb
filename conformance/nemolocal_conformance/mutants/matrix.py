"""The kill matrix as Markdown: which check notices which broken server."""

from collections.abc import Iterable

from ..server_checks import catalogue
from .play import Autopsy
from .servers import server_mutants

_HEAD = """\
# Kill matrix

Made by `python -m nemolocal_conformance.mutants`, not written by hand: every broken server, judged
by every check. A mutant is killed when all checks that must notice it fail. An *innocent* check
fails though it is about no rule that the mutant breaks; a mutant that changed nothing is *void*.
Checks that fail only because something they stand on could not be had accuse nobody.
"""


def as_markdown(autopsies: Iterable[Autopsy]) -> str:
    """The whole document."""
    done = list(autopsies)
    killed = sum(autopsy.right for autopsy in done)
    lines = [_HEAD, f"{killed} of {len(done)} mutants killed, by {len(catalogue())} checks.", ""]
    lines += ["## Broken servers", "", "| mutant | what it does | breaks | killed by |"]
    lines += ["|---|---|---|---|", *map(_row, done), ""]
    lines += ["## Checks", "", "| check | mutants that it kills |", "|---|---|"]
    lines += [_check_row(name, done) for name in catalogue()]
    return "\n".join([*lines, ""])


def _row(autopsy: Autopsy) -> str:
    mutant = server_mutants()[autopsy.mutant]
    by = ", ".join(f"`{name}`" for name in autopsy.failed) or "nobody"
    faults = [f"**missed by** {', '.join(autopsy.missed)}"] if autopsy.missed else []
    faults += [f"**innocent** {', '.join(autopsy.innocent)}"] if autopsy.innocent else []
    faults += ["**void**"] if not autopsy.hits else []
    cells = (f"`{mutant.id}`", mutant.sentence, ", ".join(mutant.breaks), "; ".join([by, *faults]))
    return f"| {' | '.join(cells)} |"


def _check_row(name: str, done: list[Autopsy]) -> str:
    killed = [autopsy.mutant for autopsy in done if name in autopsy.failed]
    return f"| `{name}` | {', '.join(f'`{mutant}`' for mutant in killed) or '**none**'} |"
