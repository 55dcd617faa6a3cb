"""Random scripts: the reference passes them, server mutants do not."""

import contextlib
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from nemolocal_conformance.context import CheckContext
from nemolocal_conformance.fuzz import search as search_module
from nemolocal_conformance.fuzz.script import (
    CallScript,
    ScriptCost,
    format_script,
    read_script,
    script_cost,
)
from nemolocal_conformance.fuzz.script_runner import ScriptResult, ScriptRunner, open_script_runner
from nemolocal_conformance.fuzz.search import search_scripts
from nemolocal_conformance.fuzz.strategies import ScriptCapabilities
from nemolocal_conformance.target import TargetClient, TargetTimeout
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import Attribution
from nemolocal_server.dialect import Dialect
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from tests.mutation.server_mutant import ServerMutant
from tests.mutation.server_runner import mutant_script_runner
from tests.mutation.servers import server_mutants

pytestmark = pytest.mark.usefixtures("memoized_servers")

ME = Attribution("nemolocal-conformance", "1.0.0")
# Mutants that random calls find soon, by their responses to few calls.
MET = {
    "token.credits": "AUTH-1",
    "general.status-1001": "GEN-2",
    "credits.sum": "CRD-1",
    "upload.not-applied": "UPL-2",
    "chat.done": "SSE-4",
}


@contextlib.contextmanager
def fresh(settings: Settings | None = None) -> Iterator[ScriptRunner]:
    """Open a script runner for a new reference server."""
    chosen = settings or Settings(port=0)
    with (
        LocalServer(chosen, ManualClock(autojump=True)) as server,
        open_script_runner(server.base_url, ME, fresh=True) as runner,
    ):
        yield runner


@contextlib.contextmanager
def cloud() -> Iterator[ScriptRunner]:
    """Open a script runner for a server with earlier calls and without a control API."""
    with (
        LocalServer(Settings(port=0, control=False), ManualClock(autojump=True)) as server,
        open_script_runner(server.base_url, ME) as runner,
    ):
        yield runner


def broken(mutant: ServerMutant) -> Callable[[], AbstractContextManager[ScriptRunner]]:
    return lambda: mutant_script_runner(mutant)


@pytest.mark.slow
@pytest.mark.parametrize("count", [4, 14])
def test_reference_passes_random_scripts_that_differ_by_seed(count: int, tmp_path: Path) -> None:
    done = search_scripts(fresh, ScriptCapabilities(), count, seed=5, home=tmp_path)
    assert (done.failed, done.learned, done.unaffordable) == (None, (), 0)
    assert done.calls >= 7 * count
    again = search_scripts(fresh, ScriptCapabilities(), count, seed=5, home=tmp_path)
    assert (again.scripts, again.calls) == (done.scripts, done.calls)


@pytest.mark.slow
def test_reference_passes_random_scripts_in_other_dialects(tmp_path: Path) -> None:
    dialect = Dialect(sse="typed", render="nested", errors="http")
    done = search_scripts(
        lambda: fresh(Settings(port=0, dialect=dialect)),
        ScriptCapabilities(),
        8,
        seed=2,
        home=tmp_path,
    )
    assert done.failed is None


@pytest.mark.slow
@pytest.mark.mutants
@pytest.mark.parametrize(
    ("name", "rule"),
    [
        pytest.param(name, rule, id=name, marks=[pytest.mark.slow] if number else [])
        for number, (name, rule) in enumerate(MET.items())
    ],
)
def test_server_mutant_is_caught_by_a_short_replayable_script(
    name: str, rule: str, tmp_path: Path
) -> None:
    mutant = server_mutants()[name]
    failed = search_scripts(broken(mutant), ScriptCapabilities(), 40, seed=0, home=tmp_path).failed
    assert failed is not None
    finding = failed.result.violation
    assert finding is not None
    assert finding.rule == rule
    assert finding.step == len(failed.script.steps) <= 5
    kept = tmp_path / "script.json"
    kept.write_text(format_script(failed.script), encoding="utf-8")
    with mutant_script_runner(mutant) as runner:
        assert runner.run(read_script(kept)).violation == finding
    with fresh() as runner:
        ending = runner.run(read_script(kept))
    assert (ending.violation, ending.stop_reason) == (None, "")


@pytest.mark.slow
def test_scripts_over_budget_are_not_run(tmp_path: Path) -> None:
    with cloud() as runner:
        reach, budget = (
            ScriptCapabilities(clock=False, render_ends=False),
            ScriptCost(credits=50, tokens=3),
        )
        everywhere = contextlib.nullcontext(runner)
        done = search_scripts(lambda: everywhere, reach, 12, seed=1, budget=budget, home=tmp_path)
    assert done.failed is None
    assert done.unaffordable
    assert done.scripts


@pytest.mark.slow
def test_without_budget_only_free_scripts_are_run(tmp_path: Path) -> None:
    seen: list[CallScript] = []

    class Watched(ScriptRunner):
        def run(self, script: CallScript) -> ScriptResult:
            seen.append(script)
            return super().run(script)

    with cloud() as runner:
        watched = Watched(runner.context, lambda: uuid.uuid4().hex)
        reach = ScriptCapabilities(edits=False, tokens=False, clock=False, render_ends=False)
        done = search_scripts(
            lambda: contextlib.nullcontext(watched), reach, 12, 3, ScriptCost(), home=tmp_path
        )
    assert (done.failed, done.unaffordable) == (None, 0)
    assert seen
    assert {script_cost(script) for script in seen} == {ScriptCost()}


def test_unanswered_call_ends_the_search_without_a_failure(tmp_path: Path) -> None:
    requests = 0

    def hang(_request: httpx.Request) -> httpx.Response:
        nonlocal requests
        requests += 1
        raise httpx.ReadTimeout("nothing came")

    context = CheckContext(
        TargetClient("http://peer.test", ME, httpx.MockTransport(hang)), None, "nmv_usr_mine"
    )
    runner = ScriptRunner(context, lambda: "0")
    reach = ScriptCapabilities(clock=False, render_ends=False)
    with pytest.raises(TargetTimeout, match="was not answered"):
        search_scripts(lambda: contextlib.nullcontext(runner), reach, 20, seed=0, home=tmp_path)
    assert requests == 1


@pytest.mark.slow
def test_search_stops_shrinking_after_enough_attempts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(search_module, "_MAX_SHRINKS", 0)
    failed = search_scripts(
        broken(server_mutants()["token.credits"]), ScriptCapabilities(), 20, seed=0, home=tmp_path
    ).failed
    assert failed is not None
    assert failed.result.steps == len(failed.script.steps)
