"""Wishes about what was done before."""

import msgspec


class Undo(msgspec.Struct, frozen=True):
    """Back to how it was so many turns ago."""

    steps: int = 1


class Redo(msgspec.Struct, frozen=True):
    """Take an undo back."""

    steps: int = 1


class StartOver(msgspec.Struct, frozen=True):
    """An empty timeline; the uploads stay."""
