"""All journeys with all their mutants, a sample of them, or one mutant by its id."""

import random
from collections.abc import Iterable, Iterator
from itertools import chain

from .client_change import ClientMutation
from .journeys import Journey, journeys
from .mutant_catalogue import mutations_of
from .mutant_results import MutantResult, evaluate_mutants
from .played_changes import JOURNEYS, played_mutations
from .recording import Recording, record


def run_journey(name: str) -> list[MutantResult]:
    """Record a journey and evaluate all of its mutants."""
    journey = journeys()[name]
    recording = record(journey)
    played = played_mutations(journey, recording) if name in JOURNEYS else ()
    return list(evaluate_mutants(recording, chain(mutations_of(recording).values(), played)))


def sample(names: Iterable[str], seed: str, count: int) -> list[str]:
    """Draw journeys by a seed, such as the commit: the same ones for the same seed."""
    return random.Random(seed).sample(sorted(names), count)


def sampled_mutations(recording: Recording, seed: str, per_kind: int) -> Iterator[ClientMutation]:
    """Draw mutants of each kind by a seed."""
    by_kind: dict[str, list[ClientMutation]] = {}
    for mutation in mutations_of(recording).values():
        by_kind.setdefault(mutation.kind, []).append(mutation)
    for kind, found in by_kind.items():
        drawn = random.Random(f"{seed}:{recording.journey}:{kind}")
        yield from drawn.sample(found, min(per_kind, len(found)))


def replay(id: str) -> tuple[MutantResult, ClientMutation]:
    """Make a mutant anew by its id and evaluate it; KeyError if there is none."""
    journey: Journey = journeys()[id.partition(":")[0]]
    recording = record(journey)
    found = mutations_of(recording)
    if id not in found and journey.name in JOURNEYS:
        found |= {played.id: played for played in played_mutations(journey, recording)}
    mutation = found[id]
    return next(iter(evaluate_mutants(recording, [mutation]))), mutation
