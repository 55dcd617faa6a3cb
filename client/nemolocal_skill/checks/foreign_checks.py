"""Recognises a document of another API: none of the calls that do the work is in the contract.

Calls to another host count only where the document has no call to the API at all: a document of
the contract may fetch its music from anywhere.
"""

from collections.abc import Iterator

from ..model import EndpointMention, RawFinding
from ..parse.document import Skill
from ..parse.endpoint_mentions import endpoint_name, find_calls_to_others, is_endpoint_prefix

# The calls that do the work; a token or a balance alone edits nothing.
_WORK = frozenset(("session", "upload", "chat", "state", "render"))
_MAX_SHOWN = 3


def is_foreign(skill: Skill) -> bool:
    """Whether the document is about another API."""
    return bool(_foreign_mentions(skill))


def check_foreign(skill: Skill) -> Iterator[RawFinding]:
    """Report the first endpoint of another API, and name the others."""
    found = _foreign_mentions(skill)
    if found:
        paths = list(dict.fromkeys(use.path for use in found))
        shown = ", ".join(paths[:_MAX_SHOWN]) + (" …" if len(paths) > _MAX_SHOWN else "")
        message = f"the document calls another API: {shown}"
        yield RawFinding("skill.endpoint.foreign", found[0].line, message, found[0].column)


def _foreign_mentions(skill: Skill) -> list[EndpointMention]:
    named = {use.name or endpoint_name("", use.path) for use in skill.endpoints}
    if named & _WORK:
        return []
    if not skill.endpoints:
        return find_calls_to_others(skill.commands)
    return [
        use
        for use in skill.endpoints
        if not (use.name or endpoint_name("", use.path) or is_endpoint_prefix(use.path))
        and ".." not in use.path
    ]
