"""How many broken peers the checks notice, as the last runs of the project's own mutants found."""

import functools
from importlib.resources import files

import msgspec


class MutationScore(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many mutants there are, without those that break no rule, and how many are noticed."""

    mutants: int
    killed: int

    def __str__(self) -> str:
        return f"{self.killed:,} of {self.mutants:,} ({self.killed / self.mutants:.1%})"


class MutationScores(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The scores by what is broken, and by whom: by hand or by a program."""

    server: MutationScore
    client: MutationScore
    generated_server: MutationScore
    generated_client: MutationScore


@functools.cache
def mutation_scores() -> MutationScores:
    """Read the scores of `mutation_scores.json`."""
    text = files(__package__).joinpath("mutation_scores.json").read_bytes()
    return msgspec.json.decode(text, type=MutationScores)
