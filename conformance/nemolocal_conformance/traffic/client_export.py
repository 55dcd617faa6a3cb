"""An export as a client went about it: one submit, the looks at it, and what became of it."""

import functools

from .recorded_call import RecordedCall

_ENDS = ("completed", "failed")
_DUPLICATE = "duplicate"


class ClientExport:
    """A submit that was accepted, refused as a duplicate, or whose answer was lost (REN-6)."""

    def __init__(
        self, submit: RecordedCall, polls: tuple[RecordedCall, ...], cancelled: bool
    ) -> None:
        self.submit = submit
        self.polls = polls
        self.is_cancelled = cancelled

    @property
    def id(self) -> str:
        return self.submit.render_id

    @property
    def session_id(self) -> str:
        return self.submit.session_id

    @property
    def is_accepted(self) -> bool:
        return self.submit.is_ok

    @property
    def is_duplicate(self) -> bool:
        """Whether the id was refused as one that had been used before."""
        return not self.submit.is_ok and _DUPLICATE in self.submit.entry.response_body.lower()

    @functools.cached_property
    def end_call(self) -> RecordedCall | None:
        """The first reply that said that it had completed or failed, as the client could see it."""
        seen = (self.submit, *self.polls)
        return next(
            (act for act in seen if act.render_reply.get("status") in _ENDS and act.is_ok), None
        )

    @property
    def has_failed(self) -> bool:
        """Whether the client was told that it had failed, and had not cancelled it."""
        if self.is_cancelled:
            return False
        return self.is_duplicate or (
            self.end_call is not None and self.end_call.render_reply["status"] == "failed"
        )

    @property
    def is_completed(self) -> bool:
        return self.end_call is not None and self.end_call.render_reply["status"] == "completed"

    @property
    def output_url(self) -> str:
        """`output.url` as the client was given it, "" where it was not."""
        output = self.end_call.render_reply.get("output") if self.end_call is not None else None
        url = output.get("url") if isinstance(output, dict) else ""
        return url if isinstance(url, str) else ""


def exports_of(calls: tuple[RecordedCall, ...]) -> tuple[ClientExport, ...]:
    """The exports among these acts, in order; what is asked of an id is about its last submit."""
    found: list[tuple[RecordedCall, list[RecordedCall]]] = []
    running: dict[str, list[RecordedCall]] = {}
    for act in calls:
        if act.endpoint == "render":
            running[act.render_id] = []
            found.append((act, running[act.render_id]))
        elif act.render_id in running:
            running[act.render_id].append(act)
    return tuple(_export(submit, about) for submit, about in found)


def _export(submit: RecordedCall, about: list[RecordedCall]) -> ClientExport:
    polls = tuple(act for act in about if act.endpoint == "render_status")
    return ClientExport(submit, polls, any(act.endpoint == "render_cancel" for act in about))
