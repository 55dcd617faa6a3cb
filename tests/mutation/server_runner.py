"""Runs a server mutant against checks or scripts, and sorts the checks that failed."""

import contextlib
import importlib
from collections.abc import Iterable, Iterator
from typing import Any

from nemolocal_conformance.context import LIMITED_SKILL, CheckContext
from nemolocal_conformance.control_client import find_control_client
from nemolocal_conformance.fuzz.script_runner import ScriptRunner, open_script_runner
from nemolocal_conformance.runner import run_checks
from nemolocal_conformance.server_check import ServerCheck
from nemolocal_conformance.server_checks import server_catalogue
from nemolocal_conformance.target import TargetClient
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.control_api import EffectiveSettings
from nemolocal_contract.endpoints import Attribution
from nemolocal_contract.media import MB, SkillProfile
from nemolocal_server import serving
from nemolocal_server.api.control.settings_endpoints import effective_settings
from nemolocal_server.settings import Settings

from .memoized_media import CHECKS_OF_RUNNING_WORK, MemoizedMedia
from .mutation_middleware import MutationMiddleware
from .mutation_result import MutationResult
from .server_mutant import AttributePatch, ServerMutant, replace_public

# Checks send a file over the limit of this skill to every mutant: not half a gigabyte.
SKILLS = (SkillProfile(LIMITED_SKILL, 2 * MB, "4k"),)
_CONTRACT_SETTINGS = replace_public(
    effective_settings, lambda _server: EffectiveSettings(speed=Settings().speed, skills=SKILLS)
)
# The name of the app's builder in the server module.
_BUILDER = "build_app"
ATTRIBUTION = Attribution("nemolocal-conformance", "1.0.0")


def run_server_mutant(
    mutant: ServerMutant,
    checks: Iterable[ServerCheck] | None = None,
    media: MemoizedMedia | None = None,
) -> MutationResult:
    """Run these checks (all, if None) against a server mutant.

    Its media are taken from `media` if that is given and the mutant can be noticed so.
    """
    chosen = list(server_catalogue().values()) if checks is None else list(checks)
    if not CHECKS_OF_RUNNING_WORK.isdisjoint(mutant.kills):
        media = None
    with mutated_server(mutant, media) as (base_url, middlewares):
        target = TargetClient(base_url, ATTRIBUTION)
        try:
            report = run_checks(CheckContext(target, find_control_client(target)), chosen)
        finally:
            target.close()
    bad = [v for v in report.verdicts if v.outcome in ("failed", "warning", "error")]
    failed = {verdict.check for verdict in bad}
    played = {check.id for check in chosen}
    # A check that only lacks a prerequisite is not a false positive.
    accusing = [verdict.check for verdict in bad if not verdict.unmet]
    return MutationResult(
        mutant_id=mutant.id,
        failed_checks=tuple(verdict.check for verdict in bad),
        missed_checks=tuple(name for name in mutant.kills if name in played - failed),
        false_positives=tuple(name for name in accusing if not _may_fail(name, mutant)),
        times_applied=sum(s.times_applied for s in middlewares)
        + len(mutant.patches)
        + len(mutant.settings),
    )


def _may_fail(name: str, mutant: ServerMutant) -> bool:
    return name in mutant.kills or bool(set(server_catalogue()[name].rules) & set(mutant.breaks))


@contextlib.contextmanager
def mutated_server(
    mutant: ServerMutant, media: MemoizedMedia | None = None
) -> Iterator[tuple[str, list[MutationMiddleware]]]:
    """Start the reference with the mutant's hook around its app, or with its patches."""
    middlewares: list[MutationMiddleware] = []
    build = vars(serving)[_BUILDER]

    def build_broken(*arguments: Any) -> Any:
        app = build(*arguments)

        def sabotage(inner: Any) -> MutationMiddleware:
            middlewares.append(MutationMiddleware(inner, mutant.on_request, mutant.on_response))
            return middlewares[-1]

        app.add_middleware(sabotage)
        return app

    with contextlib.ExitStack() as patches:
        for patch in (*mutant.patches, AttributePatch(serving.__name__, _BUILDER, build_broken)):
            patches.enter_context(_applied(patch))
        if media is not None:
            patches.enter_context(media.patch_servers())
        patches.enter_context(report_contract_settings())
        settings = Settings(port=0, skills=SKILLS, **mutant.settings)
        with serving.LocalServer(settings, ManualClock(autojump=True)) as server:
            yield server.base_url, middlewares


@contextlib.contextmanager
def report_contract_settings() -> Iterator[None]:
    """Make servers report the settings of the contract and `SKILLS`, whatever theirs are.

    So a server with other settings is one that does not do what its settings say.
    """
    with _applied(_CONTRACT_SETTINGS):
        yield


@contextlib.contextmanager
def mutant_script_runner(
    mutant: ServerMutant, media: MemoizedMedia | None = None
) -> Iterator[ScriptRunner]:
    """Open a script runner for a new server with this mutant."""
    with (
        mutated_server(mutant, media) as (base_url, _),
        open_script_runner(base_url, ATTRIBUTION, fresh=True) as runner,
    ):
        yield runner


@contextlib.contextmanager
def _applied(patch: AttributePatch) -> Iterator[None]:
    owner = _owner(patch.module)
    before = getattr(owner, patch.name)  # a name that is gone is a mistake of ours
    setattr(owner, patch.name, patch.value)
    try:
        yield
    finally:
        setattr(owner, patch.name, before)


def _owner(path: str) -> Any:
    """Return a module, or a class in a module."""
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        module, _, name = path.rpartition(".")
        return getattr(importlib.import_module(module), name)
