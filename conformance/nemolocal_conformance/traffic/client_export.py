"""An export of a client: one submit, its polls, and how it ended."""

import functools

from .recorded_call import RecordedCall

_ENDS = ("completed", "failed")
_DUPLICATE = "duplicate"


class ClientExport:
    """An accepted submit, a rejected duplicate, or one whose response was lost (REN-6)."""

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
        """Whether the id was rejected because it had been used before."""
        return not self.submit.is_ok and _DUPLICATE in self.submit.entry.response_body.lower()

    @functools.cached_property
    def end_call(self) -> RecordedCall | None:
        """The first response that said completed or failed and reached the client."""
        seen = (self.submit, *self.polls)
        return next(
            (call for call in seen if call.render_reply.get("status") in _ENDS and call.is_ok), None
        )

    @property
    def has_failed(self) -> bool:
        """Whether the client saw it fail without having cancelled it."""
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
        """The `output.url` that the client received, "" if it received none."""
        output = self.end_call.render_reply.get("output") if self.end_call is not None else None
        url = output.get("url") if isinstance(output, dict) else ""
        return url if isinstance(url, str) else ""


def exports_of(calls: tuple[RecordedCall, ...]) -> tuple[ClientExport, ...]:
    """Return the exports among these calls; calls about an id belong to its last submit."""
    found: list[tuple[RecordedCall, list[RecordedCall]]] = []
    running: dict[str, list[RecordedCall]] = {}
    for call in calls:
        if call.endpoint == "render":
            running[call.render_id] = []
            found.append((call, running[call.render_id]))
        elif call.render_id in running:
            running[call.render_id].append(call)
    return tuple(_export(submit, about) for submit, about in found)


def _export(submit: RecordedCall, about: list[RecordedCall]) -> ClientExport:
    polls = tuple(call for call in about if call.endpoint == "render_status")
    return ClientExport(submit, polls, any(call.endpoint == "render_cancel" for call in about))
