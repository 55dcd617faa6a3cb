"""What each check sees of a right server, and so which checks a mutant is tried on."""

import time
from collections.abc import Iterable, Mapping

import msgspec

from nemolocal_conformance.runner import run_check
from nemolocal_conformance.server_check import ServerCheck
from nemolocal_conformance.server_checks import server_catalogue

from .exchange_keys import key_of, keys_of
from .generated_mutant import GeneratedMutant
from .mutable_server import MutableServer

# Run on a mutant only if few other checks see what it changes: 240 edits.
HEAVY = frozenset(("chat.silent.rate",))
# Acts while a turn is under way, but the proxy of the mutants sends a stream when it is complete.
_NEED_STREAMS = frozenset(("credits.frozen",))
_FEW = 4
# What the ids of the checks that watch all replies have in them, and how those of GEN-1 begin.
_WATCH, _EVERYWHERE = ".replies", "general."
# How the ids of the checks of an endpoint begin.
_SECTIONS = {
    "token": "token.",
    "claim_token": "token.claim.",
    "claim_page": "token.claim.page",
    "balance": "credits.",
    "render_status": "render.",
    "render_cancel": "render.",
    "render_download": "render.",
}


class SeenByCheck(msgspec.Struct, frozen=True):
    """What a check sees, its prerequisites included, and the seconds of processor time it takes."""

    keys: frozenset[str]
    seconds: float


CheckRecord = dict[str, SeenByCheck]


def record_checks(server: MutableServer, checks: Iterable[ServerCheck]) -> CheckRecord:
    """Run each check by itself on the right server; raises `AssertionError` if one fails."""
    found: CheckRecord = {}
    for check in checks:
        if check.id in _NEED_STREAMS:
            continue
        seen: set[str] = set()
        server.become(None)
        server.switch.on_exchange = lambda *exchange, seen=seen: seen.update(keys_of(*exchange))
        with server.context() as context:
            begun = time.process_time()
            verdict = run_check(context, check)
            seconds = time.process_time() - begun
        assert verdict.outcome == "passed", f"{check.id}: {verdict.reason}"
        found[check.id] = SeenByCheck(frozenset(seen), round(seconds, 3))
    server.switch.on_exchange = None
    return found


def checks_for(mutant: GeneratedMutant, record: Mapping[str, SeenByCheck]) -> list[ServerCheck]:
    """Return the checks that see what a mutant changes, the likely and the cheap ones first.

    The watches over all replies come first and last: what they see in between, others have asked
    for. A heavy check is among them if there are few others.
    """
    key = key_of(mutant)
    section = _SECTIONS.get(mutant.endpoint, f"{mutant.endpoint}.")
    seeing = [name for name, seen in record.items() if key in seen.keys]
    light = [name for name in seeing if name not in HEAVY]
    watches = [
        name for name in record if _WATCH in name and name.startswith((section, _EVERYWHERE))
    ]

    def rank(name: str) -> tuple[bool, bool, float]:
        return name not in watches, not name.startswith(section), record[name].seconds

    ordered = sorted(light if len(light) > _FEW else seeing, key=rank)
    return [server_catalogue()[name] for name in (*ordered, *(watches if ordered else ()))]
