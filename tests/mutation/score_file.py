"""The file of the conformance package that says how many mutants the checks notice."""

from pathlib import Path

import msgspec

import nemolocal_conformance
from nemolocal_conformance.mutation_scores import MutationScore

FILE = Path(nemolocal_conformance.__file__).with_name("mutation_scores.json")


def write_scores(**scores: MutationScore) -> None:
    """Replace these scores, such as `generated_server`; the others stay."""
    found = msgspec.json.decode(FILE.read_bytes(), type=dict[str, MutationScore])
    encoded = msgspec.json.encode({**found, **scores})
    FILE.write_bytes(msgspec.json.format(encoded, indent=1) + b"\n")
