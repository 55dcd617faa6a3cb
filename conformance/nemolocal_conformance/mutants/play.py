"""Playing a mutant: its server is started, judged, and what failed is told apart."""

import contextlib
import importlib
from collections.abc import Iterable, Iterator
from typing import Any

from nemolocal_contract.clock import ManualClock
from nemolocal_contract.headers import Attribution
from nemolocal_server import serving
from nemolocal_server.settings import Settings

from ..check import Check
from ..control import find_control
from ..peer import Peer
from ..runner import run_checks
from ..server_checks import catalogue
from ..stage import Stage
from .autopsy import Autopsy
from .memoized_media import LOOK_AT_WORK, MemoizedMedia
from .mutant import Patch, ServerMutant
from .wire import Saboteur

# What the server module calls its app by.
_BUILDER = "build_app"
ATTRIBUTION = Attribution("nemolocal-conformance", "1.0.0")


def play_mutant(
    mutant: ServerMutant,
    checks: Iterable[Check] | None = None,
    media: MemoizedMedia | None = None,
) -> Autopsy:
    """Judge a server that is broken in one way with these checks (all, if None).

    Its media are taken from `media` where that is given and the mutant can be noticed so.
    """
    chosen = list(catalogue().values()) if checks is None else list(checks)
    if not LOOK_AT_WORK.isdisjoint(mutant.kills):
        media = None
    with broken_server(mutant, media) as (base_url, saboteurs):
        peer = Peer(base_url, ATTRIBUTION)
        try:
            report = run_checks(Stage(peer, find_control(peer)), chosen)
        finally:
            peer.close()
    bad = [v for v in report.verdicts if v.outcome in ("failed", "warning", "error")]
    failed = {verdict.check for verdict in bad}
    played = {check.id for check in chosen}
    # What merely stands on something that the mutant broke accuses nobody.
    accusing = [verdict.check for verdict in bad if not verdict.unmet]
    return Autopsy(
        mutant=mutant.id,
        failed=tuple(verdict.check for verdict in bad),
        missed=tuple(name for name in mutant.kills if name in played - failed),
        innocent=tuple(name for name in accusing if not _concerned(name, mutant)),
        hits=sum(s.hits for s in saboteurs) + len(mutant.patches) + len(mutant.settings),
    )


def _concerned(name: str, mutant: ServerMutant) -> bool:
    return name in mutant.kills or bool(set(catalogue()[name].rules) & set(mutant.breaks))


@contextlib.contextmanager
def broken_server(
    mutant: ServerMutant, media: MemoizedMedia | None = None
) -> Iterator[tuple[str, list[Saboteur]]]:
    """The reference with the hook of the mutant around its app, or with its patches in it."""
    saboteurs: list[Saboteur] = []
    build = vars(serving)[_BUILDER]

    def build_broken(*arguments: Any) -> Any:
        app = build(*arguments)

        def sabotage(inner: Any) -> Saboteur:
            saboteurs.append(Saboteur(inner, mutant.on_request, mutant.on_reply))
            return saboteurs[-1]

        app.add_middleware(sabotage)
        return app

    with contextlib.ExitStack() as patches:
        for patch in (*mutant.patches, Patch(serving.__name__, _BUILDER, build_broken)):
            patches.enter_context(_patched(patch))
        if media is not None:
            patches.enter_context(media.used_by_servers())
        settings = Settings(port=0, **mutant.settings)
        with serving.LocalServer(settings, ManualClock(autojump=True)) as server:
            yield server.base_url, saboteurs


@contextlib.contextmanager
def _patched(patch: Patch) -> Iterator[None]:
    owner = _owner(patch.module)
    before = getattr(owner, patch.name)  # a name that is gone is a mistake of ours
    setattr(owner, patch.name, patch.value)
    try:
        yield
    finally:
        setattr(owner, patch.name, before)


def _owner(path: str) -> Any:
    """A module, or a class of one."""
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError:
        module, _, name = path.rpartition(".")
        return getattr(importlib.import_module(module), name)
