"""A generated mutant: which message of which endpoint, which part of it, and what happens to it."""

from typing import Literal

import msgspec

Subject = Literal["response", "request", "event"]


class GeneratedMutant(msgspec.Struct, frozen=True):
    """One change of the wire, as data.

    `endpoint` is the name of an endpoint, `operation` its method and path template. `outcome` says
    which responses are meant: "success", or the code of a failure; "" for requests and events.
    `part` is a field in dots (`data.files[].width`), a header (`header.retry-after`), `status`,
    `body`, the cause of a refusal, or a kind of event. `type` is the JSON type of a field, `values`
    are those of an enumeration, `neighbours` the fields that it may be exchanged with.
    """

    subject: Subject
    endpoint: str
    operation: str
    outcome: str
    part: str
    change: str
    type: str = ""
    values: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The id, which stays the same as long as the contract does."""
        parts = (self.subject, self.operation, self.outcome, self.part, self.change)
        return ":".join(part for part in parts if part)

    @property
    def is_of_body(self) -> bool:
        """Whether a field of a JSON body is changed: a render has a `status` there, too."""
        return bool(self.type)

    @property
    def kind(self) -> str:
        """What kinds of mutants are counted by: the subject and the change."""
        return f"{self.subject} {self.change}"
