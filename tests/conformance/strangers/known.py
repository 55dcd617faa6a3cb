"""Every break, by its name, in the order of the contract."""

from . import chat, credits, files, general, renders, tokens, turns, uploads
from .breaks import BREAKS

__all__ = ["BREAKS", "QUICK", "REAL_RENDERS", "chat", "credits", "files", "general"]
__all__ += ["renders", "tokens", "turns", "uploads"]

QUICK = frozenset(
    """
    session_refusal_is_404_on_state any_scheme_is_bearer no_bearer_for_upload token_dies_early
    session_bound_to_connection unknown_session_chats first_file_only private_url_accepted
    done_event silence_is_spoken hangup_is_free work_is_free no_bind
    ratio_missing progress_runs_backwards back_to_processing two_headers_suffice file_short
    others_cancel
    """.split()
)
"""Some of every section."""

REAL_RENDERS = frozenset(["second_export_refused", "second_export_at_once", "cancel_ignored"])
"""What shows only while a render takes its time."""
