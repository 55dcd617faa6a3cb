"""The results as Markdown: a page of the reference."""

from collections import Counter
from collections.abc import Sequence

from .equivalents import equivalents
from .mutant_results import OUTCOMES, MutantResult, counts_by_kind, killed_share

PAGE = "docs/reference/generated-client-mutants.md"
_HEAD = """\
# Generated client mutants

Written by `python -m tests.mutation generated-clients`. The reference client plays every scenario
of `nemolocal conform-client` and some longer journeys. Each of these journals is then changed in
one place, and the changed journal is judged by all checks of clients, as that of a program with
one job, on the clock that client and server share.

- *failed*: a check of a MUST fails. *warned*: only a check of a SHOULD does. Both are killed.
- *equivalent*: the contract allows the change; the table below says by which rules.
- *survived*: no check notices it, and it is not named as equivalent.

What the response to a changed request would be decides what is recorded:

- A changed header, body or URL keeps the recorded response. So nothing but the request gives the
  client away, not what the client does after an error.
- A request that is sent again gets the response to a repetition: 429 for a token, another session,
  "duplicate id" for an export.
- A request with somebody else's id is refused, and the client goes on as recorded.
- A request that is left out may have been made in an earlier run. One to another host is missing
  from the journal, which is the same.

A mutant has a stable id and can be replayed:
`python -m tests.mutation generated-clients --replay plain:call-6:drop-header:Authorization`.
"""


# What it would take to notice the mutants of a kind that survive.
_WOULD_TAKE = {
    "listen-on": "a journal with the times of all chunks: it keeps those of the first 1,000",
    "other-session": "to know whether a user wanted to leave the session that is lost",
    "other-token": "to know whether two runs of a user share the token that is kept",
    "other-user": "a rule for clients on user ids; nothing follows that shows how this one reacts",
    "played-other-user": "a rule for clients on user ids: this one opens a session, as is due",
    "played-other-session": "a rule on whose session is named: a saved one may be gone as well",
    "played-other-token": "a journal that tells tokens apart: this client renews, as is due",
}
_NOT_KNOWN = "not known"


def as_page(results: Sequence[MutantResult]) -> str:
    """Return the whole page."""
    survivors = [result for result in results if result.outcome in ("survived", "accused")]
    lines = [_HEAD, "## Kinds of changes", "", f"{summary(results)}.", "", *kind_table(results)]
    lines += ["", "## Checks", "", "| check | mutants that it notices |", "|---|---|"]
    noticed = Counter(check for result in results for check in result.noticed_by)
    lines += [f"| `{check}` | {count} |" for check, count in sorted(noticed.items())]
    lines += ["", "## Equivalent mutants", "", "| name | rules | mutants | reason |"]
    lines += ["|---|---|---|---|", *_equivalent_rows(results)]
    lines += ["", "## Survivors", "", *_survivor_lines(survivors), ""]
    return "\n".join(lines)


def summary(results: Sequence[MutantResult]) -> str:
    """`22,000 mutants: 97.1 % of the 12,000 that are not equivalent are killed`."""
    judged = sum(result.outcome not in ("equivalent", "accused") for result in results)
    share = f"{killed_share(results):.1%}".replace("%", " %")
    return f"{len(results):,} mutants: {share} of the {judged:,} that are not equivalent are killed"


def kind_table(results: Sequence[MutantResult]) -> list[str]:
    """Return a row for each kind."""
    shown = [outcome for outcome in OUTCOMES if outcome != "accused"]
    rows = [f"| kind | mutants | {' | '.join(shown)} |", f"|---{'|---' * (len(shown) + 1)}|"]
    for kind, counts in counts_by_kind(results).items():
        cells = (str(counts[outcome]) for outcome in shown)
        rows.append(f"| `{kind}` | {counts.total()} | {' | '.join(cells)} |")
    return rows


def _equivalent_rows(results: Sequence[MutantResult]) -> list[str]:
    named = Counter(result.equivalent for result in results)
    return [
        f"| `{one.name}` | {', '.join(one.rules)} | {named[one.name]} | {one.reason} |"
        for one in equivalents().values()
    ]


def _survivor_lines(survivors: Sequence[MutantResult]) -> list[str]:
    if not survivors:
        return ["None."]
    groups: dict[tuple[str, str, str], list[str]] = {}
    for result in survivors:
        detail = "".join(result.id.split(":", 3)[3:])
        groups.setdefault((result.kind, result.endpoint, detail), []).append(result.id)
    lines = ["| change | endpoint | mutants | example | what it would take |"]
    lines.append("|---|---|---|---|---|")
    for (kind, endpoint, detail), ids in sorted(groups.items()):
        change = ":".join(filter(None, (kind, detail)))
        cells = (f"`{change}`", f"`{endpoint}`", str(len(ids)), f"`{ids[0]}`")
        lines.append(f"| {' | '.join(cells)} | {_WOULD_TAKE.get(kind, _NOT_KNOWN)} |")
    return lines
