"""A recording of a generated broken server confirms no rule that the mutant breaks."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from nemolocal_conformance.server_checks import server_catalogue
from nemolocal_recording.learning.evaluation import RuleResult, evaluate_recordings
from tests.mutation.generated.generated_catalogue import generated_mutants
from tests.mutation.generated.generated_sample import draw_sample
from tests.mutation.generated.mutable_server import MutableServer, mutable_server
from tests.mutation.generated.recorded_results import killing_checks
from tests.mutation.memoized_media import MemoizedMedia
from tests.mutation.test_learning_from_mutants import CONFIRMED
from tests.support.commit_draw import commit_seed
from tests.support.ordinary_session import OrdinarySession
from tests.support.recorder import running_recorder

# The rule that a mutant breaks is the main one of the check that kills it, with an exception: a
# text of another turn is noticed where a last text was due that a turn may have, or not (SSE-9).
OTHERWISE = {"event:POST /run_sse:content.parts[].text:foreign": "SSE-2"}
BROKEN = {
    name: server_catalogue()[check].rules[0] for name, check in killing_checks().items() if check
} | OTHERWISE
# Replies without what claims go through.
SHAPELESS = [
    f"response:POST /api/upload-video/nemo_agent/{{user}}/{{session}}:success:data:{change}"
    for change in ("dropped", "type", "null")
]
# Only these rules could be confirmed by mistake; of the others a few are drawn.
IN_DANGER = [name for name, rule in BROKEN.items() if rule in CONFIRMED]
DRAWN = 0.04
NAMED = [*IN_DANGER, *OTHERWISE, *SHAPELESS]
DRAW = draw_sample([name for name in BROKEN if name not in NAMED], DRAWN, commit_seed())


@pytest.fixture(scope="module")
def server(memoized_media: MemoizedMedia) -> Iterator[MutableServer]:
    with mutable_server(memoized_media) as started:
        yield started


def learn(server: MutableServer, path: Path) -> dict[str, RuleResult]:
    """What is learnt from an ordinary session with what the server is now."""
    with (
        running_recorder(server.base_url, path) as recorder,
        contextlib.suppress(httpx.TransportError),
    ):
        OrdinarySession(recorder.base_url).play()
    return {one.rule: one for one in evaluate_recordings([recorder.recording()])}


def test_rules_in_danger_have_generated_mutants() -> None:
    assert {BROKEN[name] for name in IN_DANGER} >= {"CRD-1", "AUTH-2", "SSE-8"}


@pytest.mark.mutants
@pytest.mark.slow
@pytest.mark.parametrize("name", [*NAMED, *DRAW])
def test_broken_rule_is_never_confirmed(name: str, server: MutableServer, tmp_path: Path) -> None:
    server.become(generated_mutants()[name])
    learnt = learn(server, tmp_path / "r")
    assert BROKEN[name] not in {rule for rule, one in learnt.items() if one.outcome == "confirmed"}
