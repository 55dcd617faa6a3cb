"""Every break, by its name, in the order of the contract."""

from . import chat, credits, files, general, renders, tokens, turns, uploads
from .breaks import BREAKS

__all__ = ["BREAKS", "REAL_RENDERS", "chat", "credits", "files", "general", "renders"]
__all__ += ["tokens", "turns", "uploads"]

REAL_RENDERS = frozenset(["second_export_refused", "second_export_at_once", "cancel_ignored"])
"""Breaks that show only while a render takes its time."""
