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
    """The exports among these acts, in order."""
    found = []
    submits = [act for act in acts if act.endpoint == "render"]
    for submit in submits:
        again = (other for other in submits if other.render == submit.render)
        until = next(
            (o.entry.started for o in again if o.entry.started > submit.entry.started), None
        )
        mine = [act for act in acts if _about(act, submit, until)]
        polls = tuple(act for act in mine if act.endpoint == "render_status")
        cancelled = any(act.endpoint == "render_cancel" for act in mine)
        found.append(Render(submit, polls, cancelled))
    return tuple(found)


def _about(act: Act, submit: Act, until: float | None) -> bool:
    """Whether an act is about the export of this submit, and not of a later one with its id."""
    started = act.entry.started
    later = started > submit.entry.started or (
        started == submit.entry.started and act.id > submit.id
    )
    return (
        bool(act.render)
        and act.render == submit.render
        and later
        and (until is None or started < until)
    )
