"""All generated mutants by id."""

import functools

from .generated_events import event_mutants
from .generated_mutant import GeneratedMutant
from .generated_requests import request_mutants
from .generated_responses import response_mutants


@functools.cache
def generated_mutants() -> dict[str, GeneratedMutant]:
    """Return all generated mutants; a duplicate id is an error in this package."""
    found: dict[str, GeneratedMutant] = {}
    for mutant in (*response_mutants(), *event_mutants(), *request_mutants()):
        if mutant.id in found:
            raise ValueError(f"two mutants are called {mutant.id}")
        found[mutant.id] = mutant
    return found
