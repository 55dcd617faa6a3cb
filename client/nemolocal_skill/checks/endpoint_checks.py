"""The endpoints that a document names against those that the contract knows."""

from collections.abc import Iterator

from nemolocal_contract.endpoints import endpoints

from ..model import EndpointMention, RawFinding
from ..parse.document import Skill
from ..parse.endpoint_mentions import endpoint_name, is_endpoint_prefix
from .body_checks import check_documented_bodies, check_unattached_bodies, program_lines

_WORKFLOW = ("token", "session", "upload", "chat", "balance", "state", "render", "render_status")
_LOOPBACK = ("http://127.0.0.1", "http://localhost")


def check_endpoints(skill: Skill) -> Iterator[RawFinding]:
    """Paths, methods and bodies; what the workflow lacks; more hosts than one."""
    code = program_lines(skill)
    commanded = {curl.line for curl in skill.commands}
    for use in skill.endpoints:
        yield from _check_use(skill, use)
        if use.line not in commanded:
            yield from check_documented_bodies(skill, use, code)
    yield from check_unattached_bodies(skill, code)
    named = {use.name or endpoint_name("", use.path) for use in skill.endpoints}
    missing = [name for name in _WORKFLOW if name not in named]
    if missing:
        known = endpoints()
        paths = ", ".join(f"{known[name].method} {known[name].template}" for name in missing)
        yield RawFinding("skill.endpoint.missing", skill.body_line, f"not named: {paths}")
    yield from _check_hosts(skill)


def _check_use(skill: Skill, use: EndpointMention) -> Iterator[RawFinding]:
    if use.name or ".." in use.path:
        return
    right = endpoint_name("", use.path)
    if right:
        if _is_reported_elsewhere(skill, use):
            return
        method = endpoints()[right].method
        said = f"{use.path} is called with {use.method}, and takes {method}"
        yield RawFinding("skill.endpoint.method", use.line, said, use.column)
    elif use.method or not is_endpoint_prefix(use.path):
        said = f"the contract has no {use.method} {use.path}".replace("  ", " ")
        yield RawFinding("skill.endpoint.unknown", use.line, said, use.column)


def _is_reported_elsewhere(skill: Skill, use: EndpointMention) -> bool:
    """A body that makes a POST of a GET is told as that."""
    return any(
        curl.line == use.line and curl.bodies and not curl.with_role("method")
        for curl in skill.commands
    )


def _check_hosts(skill: Skill) -> Iterator[RawFinding]:
    hosts = [base for base in skill.base_urls if not base.url.startswith(_LOOPBACK)]
    for base in hosts:
        if base.url != hosts[0].url:
            said = f"{base.url} here, and {hosts[0].url} on line {hosts[0].line}"
            yield RawFinding("skill.endpoint.base-url", base.line, said, base.column)
            return
