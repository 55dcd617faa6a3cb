"""A recording of a broken server confirms none of the rules that the server breaks."""

import contextlib
from pathlib import Path

import httpx
import pytest

from nemolocal_recording.learning.evaluation import RuleResult, evaluate_recordings
from tests.mutation.memoized_media import MemoizedMedia
from tests.mutation.mutation_middleware import Memory, WireRequest, WireResponse
from tests.mutation.server_mutant import ServerMutant, response_mutant
from tests.mutation.server_runner import mutated_server
from tests.mutation.servers import server_mutants
from tests.support.ordinary_session import DECIDED, OrdinarySession
from tests.support.recorder import running_recorder

# What the reference is seen to do in an ordinary session.
CONFIRMED = {"AUTH-2", "CRD-1", "SES-4", "SSE-4", "SSE-8", "SSE-9", "STA-3"}
IN_THE_SHORT_RUN = {"credits.sum", "chat.done"}


def learn(mutant: ServerMutant, path: Path, media: MemoizedMedia) -> dict[str, RuleResult]:
    """What is learnt from an ordinary session with a broken server."""
    with (
        mutated_server(mutant, media) as (base_url, _),
        running_recorder(base_url, path) as recorder,
        # A server may reset connections: what was recorded until then is judged.
        contextlib.suppress(httpx.TransportError),
    ):
        OrdinarySession(recorder.base_url).play()
    return {one.rule: one for one in evaluate_recordings([recorder.recording()])}


@response_mutant("nothing", "GEN-1", kills="general.path.unknown")
def reference(_request: WireRequest, _response: WireResponse, _memory: Memory) -> None:
    """Nothing is changed."""


@pytest.mark.mutants
def test_reference_is_not_contradicted(tmp_path: Path, memoized_media: MemoizedMedia) -> None:
    learnt = learn(reference, tmp_path / "r", memoized_media)
    wrong = {rule: one.actual for rule, one in learnt.items() if one.outcome == "contradicted"}
    assert wrong == {}
    assert {rule for rule, one in learnt.items() if one.outcome == "confirmed"} == CONFIRMED
    decided = [one for one in learnt.values() if one.outcome not in ("cannot tell", "not seen")]
    assert len(decided) / len(learnt) >= DECIDED


@pytest.mark.mutants
@pytest.mark.parametrize(
    "mutant",
    [
        pytest.param(mutant, id=name, marks=[] if name in IN_THE_SHORT_RUN else [pytest.mark.slow])
        for name, mutant in server_mutants().items()
    ],
)
def test_broken_rule_is_never_confirmed(
    mutant: ServerMutant, tmp_path: Path, memoized_media: MemoizedMedia
) -> None:
    learnt = learn(mutant, tmp_path / "r", memoized_media)
    confirmed = {rule for rule, one in learnt.items() if one.outcome == "confirmed"}
    assert confirmed.isdisjoint(mutant.breaks)
