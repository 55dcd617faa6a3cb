"""The endpoints that a document names against those that the contract knows."""

from collections.abc import Iterator

from nemolocal_contract.endpoints import endpoints

from .bodies import check_loose_bodies, check_stated_bodies, lines_of_code
from .mentions import contract_name, is_beginning
from .model import EndpointUse, Remark
from .reader import Skill

_WORKFLOW = ("token", "session", "upload", "chat", "balance", "state", "render", "render_status")
_LOOPBACK = ("http://127.0.0.1", "http://localhost")


def check_endpoints(skill: Skill) -> Iterator[Remark]:
    """Paths, methods and bodies; what the workflow lacks; more hosts than one."""
    code = lines_of_code(skill)
    commanded = {curl.line for curl in skill.commands}
    for use in skill.endpoints:
        yield from _check_use(skill, use)
        if use.line not in commanded:
            yield from check_stated_bodies(skill, use, code)
    yield from check_loose_bodies(skill, code)
    named = {use.name or contract_name("", use.path) for use in skill.endpoints}
    missing = [name for name in _WORKFLOW if name not in named]
    if missing:
        known = endpoints()
        paths = ", ".join(f"{known[name].method} {known[name].template}" for name in missing)
        yield Remark("skill.endpoint.missing", skill.body, f"not named: {paths}")
    yield from _check_hosts(skill)


def _check_use(skill: Skill, use: EndpointUse) -> Iterator[Remark]:
    if use.name or ".." in use.path:
        return
    right = contract_name("", use.path)
    if right:
        if _is_told_elsewhere(skill, use):
            return
        method = endpoints()[right].method
        said = f"{use.path} is called with {use.method}, and takes {method}"
        yield Remark("skill.endpoint.method", use.line, said, use.column)
    elif use.method or not is_beginning(use.path):
        said = f"the contract has no {use.method} {use.path}".replace("  ", " ")
        yield Remark("skill.endpoint.unknown", use.line, said, use.column)


def _is_told_elsewhere(skill: Skill, use: EndpointUse) -> bool:
    """A body that makes a POST of a GET is told as that."""
    return any(
        curl.line == use.line and curl.bodies and not curl.of("method") for curl in skill.commands
    )


def _check_hosts(skill: Skill) -> Iterator[Remark]:
    hosts = [base for base in skill.base_urls if not base.url.startswith(_LOOPBACK)]
    for base in hosts:
        if base.url != hosts[0].url:
            said = f"{base.url} here, and {hosts[0].url} on line {hosts[0].line}"
            yield Remark("skill.endpoint.base-url", base.line, said, base.column)
            return
