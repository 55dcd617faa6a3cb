"""An export as a client went about it: one submit, the looks at it, and what became of it."""

import functools

from .act import Act

_ENDS = ("completed", "failed")
_DUPLICATE = "duplicate"


class Render:
    """A submit that was accepted, refused as a duplicate, or whose answer was lost (REN-6)."""

    def __init__(self, submit: Act, polls: tuple[Act, ...], cancelled: bool) -> None:
        self.submit = submit
        self.polls = polls
        self.cancelled = cancelled

    @property
    def id(self) -> str:
        return self.submit.render

    @property
    def session(self) -> str:
        return self.submit.session

    @property
    def accepted(self) -> bool:
        return self.submit.ok

    @property
    def duplicate(self) -> bool:
        """Whether the id was refused as one that had been used before."""
        return not self.submit.ok and _DUPLICATE in self.submit.entry.response_body.lower()

    @functools.cached_property
    def end(self) -> Act | None:
        """The first reply that said that it had completed or failed, as the client could see it."""
        seen = (self.submit, *self.polls)
        return next((act for act in seen if act.status.get("status") in _ENDS and act.ok), None)

    @property
    def failed(self) -> bool:
        """Whether the client was told that it had failed, and had not cancelled it."""
        if self.cancelled:
            return False
        return self.duplicate or (self.end is not None and self.end.status["status"] == "failed")

    @property
    def completed(self) -> bool:
        return self.end is not None and self.end.status["status"] == "completed"

    @property
    def url(self) -> str:
        """`output.url` as the client was given it, "" where it was not."""
        output = self.end.status.get("output") if self.end is not None else None
        url = output.get("url") if isinstance(output, dict) else ""
        return url if isinstance(url, str) else ""


def renders_of(acts: tuple[Act, ...]) -> tuple[Render, ...]:
    """The exports among these acts, in order; what is asked of an id is about its last submit."""
    found: list[tuple[Act, list[Act]]] = []
    running: dict[str, list[Act]] = {}
    for act in acts:
        if act.endpoint == "render":
            running[act.render] = []
            found.append((act, running[act.render]))
        elif act.render in running:
            running[act.render].append(act)
    return tuple(_render(submit, about) for submit, about in found)


def _render(submit: Act, about: list[Act]) -> Render:
    polls = tuple(act for act in about if act.endpoint == "render_status")
    return Render(submit, polls, any(act.endpoint == "render_cancel" for act in about))
