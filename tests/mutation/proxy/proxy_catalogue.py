"""All proxy mutants by name, in the order of the contract."""

from . import (
    chat_interceptors,
    credit_interceptors,
    file_interceptors,
    general_interceptors,
    render_interceptors,
    token_interceptors,
    turn_interceptors,
    upload_interceptors,
)
from .proxy_mutant import PROXY_MUTANTS

__all__ = [
    "NEED_REAL_RENDERS",
    "PROXY_MUTANTS",
    "chat_interceptors",
    "credit_interceptors",
    "file_interceptors",
    "general_interceptors",
    "render_interceptors",
]
__all__ += ["token_interceptors", "turn_interceptors", "upload_interceptors"]

NEED_REAL_RENDERS = frozenset(["second_export_refused", "second_export_at_once", "cancel_ignored"])
"""Breaks that show only while a render takes its time."""
