"""Evaluates mutants and counts what became of them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from nemolocal_conformance.mutation_scores import MutationScore

from .client_change import ClientMutation
from .equivalents import equivalent_of
from .recording import Recording, bad_outcomes

MutantOutcome = Literal["failed", "warned", "survived", "equivalent", "accused"]
"""`failed`: a MUST is noticed; `warned`: a SHOULD. `accused`: noticed, but named as equivalent."""
OUTCOMES: tuple[MutantOutcome, ...] = ("failed", "warned", "survived", "equivalent", "accused")


class MutantResult(msgspec.Struct, frozen=True):
    """What became of a mutant: the checks that noticed it, and who names it as equivalent."""

    id: str
    kind: str
    endpoint: str
    outcome: MutantOutcome
    noticed_by: tuple[str, ...] = ()
    equivalent: str = ""

    @property
    def is_killed(self) -> bool:
        return self.outcome in ("failed", "warned")


def evaluate_mutants(
    recording: Recording, mutations: Iterable[ClientMutation]
) -> Iterator[MutantResult]:
    """Yield the result of each mutant of a recording, in order."""
    before = bad_outcomes(recording)
    for mutation in mutations:
        yield evaluate_mutant(mutation, before)


def evaluate_mutant(mutation: ClientMutation, before: dict[str, str]) -> MutantResult:
    """Compare the verdicts on a mutant with those on the recording, which are `before`."""
    found = bad_outcomes(mutation.recording)
    noticed = {check: outcome for check, outcome in found.items() if before.get(check) != outcome}
    if "error" in noticed.values():
        raise RuntimeError(f"{mutation.id}: a check has an error: {sorted(noticed)}")
    named = equivalent_of(mutation)
    outcome: MutantOutcome
    if named is not None:
        outcome = "accused" if noticed else "equivalent"
    elif noticed:
        outcome = "failed" if "failed" in noticed.values() else "warned"
    else:
        outcome = "survived"
    name = named.name if named else ""
    return MutantResult(
        mutation.id, mutation.kind, mutation.endpoint, outcome, tuple(noticed), name
    )


def counts_by_kind(results: Iterable[MutantResult]) -> dict[str, Counter[MutantOutcome]]:
    """Return how many mutants of each kind ended how, kinds in the order of their first."""
    found: dict[str, Counter[MutantOutcome]] = {}
    for result in results:
        found.setdefault(result.kind, Counter())[result.outcome] += 1
    return found


def score(results: Iterable[MutantResult]) -> MutationScore:
    """Return how many mutants are not named as equivalent, and how many a check notices."""
    checked = [r for r in results if r.outcome not in ("equivalent", "accused")]
    return MutationScore(len(checked), sum(result.is_killed for result in checked))


def killed_share(results: Iterable[MutantResult]) -> float:
    """Return the share of the mutants not named as equivalent that a check notices."""
    found = score(results)
    return found.killed / found.mutants if found.mutants else 1.0
