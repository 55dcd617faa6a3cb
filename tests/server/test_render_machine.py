"""Renders under any order of submits, progress, ends, defects and kills: nothing ever goes back."""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import RenderRequest
from nemolocal_contract.responses import RenderStatus
from nemolocal_render.job import RenderJobFailed, RenderResult
from nemolocal_render.planning.planner import RenderPlan
from nemolocal_server.errors import ContractError
from nemolocal_server.services import Services
from nemolocal_server.settings import Settings
from tests.support.profiles import examples

# Hundreds of databases are opened and closed: where there is a disk in memory, on that.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
SESSIONS = 2
ORDER = {"pending": 0, "processing": 1, "completed": 2, "failed": 2}
DONE = RenderResult(1.0, 8, 30, 64, 64, "none", "planned")


class Run(msgspec.Struct):
    """A render that the executor was given: the test says how it goes on."""

    destination: Path
    on_progress: Callable[[int], None]
    end: asyncio.Future[None]


class RenderMachine(RuleBasedStateMachine):
    """Two sessions that render at will, with an executor that does what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="renders-", dir=MEMORY))
        self.loop = asyncio.new_event_loop()
        self.clock = ManualClock()
        self.running: list[Run] = []
        self.seen: dict[str, RenderStatus] = {}
        self.session_of: dict[str, int] = {}
        self.run(self.open())
        context = self.server.context
        _, self.token = context.tokens.issue("client-1", "127.0.0.1")
        self.sessions = [context.sessions.create(self.token, "p", "en") for _ in range(SESSIONS)]

    async def execute(
        self, plan: RenderPlan, destination: Path, on_progress: Callable[[int], None]
    ) -> RenderResult:
        assert plan.duration == 1
        run = Run(destination, on_progress, asyncio.get_running_loop().create_future())
        self.running.append(run)
        try:
            await run.end
            destination.write_bytes(b"a render")
            return DONE
        finally:
            self.running.remove(run)

    def run(self, work: Awaitable[object]) -> None:
        async def settle() -> None:
            await work
            for _ in range(8):
                await asyncio.sleep(0)

        self.loop.run_until_complete(settle())

    async def open(self) -> None:
        self.server = Services(Settings(data_dir=self.folder), self.clock, self.execute)
        self.server.start()

    def teardown(self) -> None:
        self.run(self.server.close())
        self.loop.close()
        shutil.rmtree(self.folder)

    async def submit(self, render_id: str, session: int) -> None:
        owner = self.sessions[session]
        draft = {"t": [{"tt": 7, "sg": [{"s": 0, "d": 1000, "txt": "hi"}]}]}
        request = RenderRequest(render_id, owner.id, draft)
        await self.server.exports.submit(self.token, owner, request, "1080p")

    @rule(session=st.integers(0, SESSIONS - 1))
    def submit_new(self, session: int) -> None:
        render_id = f"render_{len(self.seen)}"
        self.session_of[render_id] = session
        self.seen[render_id] = RenderStatus(render_id, "pending")
        self.run(self.submit(render_id, session))

    @precondition(lambda self: self.seen)
    @rule(data=st.data(), session=st.integers(0, SESSIONS - 1))
    def submit_again(self, data: st.DataObject, session: int) -> None:
        used = data.draw(st.sampled_from(sorted(self.seen)))
        with pytest.raises(ContractError, match="duplicate id"):
            self.run(self.submit(used, session))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), percent=st.integers(0, 100))
    def go_on(self, data: st.DataObject, percent: int) -> None:
        data.draw(st.sampled_from(self.running)).on_progress(percent)

    @precondition(lambda self: self.running)
    @rule(
        data=st.data(),
        outcome=st.sampled_from([None, None, RenderJobFailed, RuntimeError]),
    )
    def end(self, data: st.DataObject, outcome: type[Exception] | None) -> None:
        run = data.draw(st.sampled_from(self.running))
        if outcome is None:
            run.end.set_result(None)
        else:
            run.end.set_exception(outcome("no room"))
        self.run(asyncio.sleep(0))
        assert run not in self.running

    @precondition(lambda self: self.seen)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        render_id = data.draw(st.sampled_from(sorted(self.seen)))
        exports = self.server.exports

        async def cancel() -> None:
            exports.cancel(exports.find(self.token, render_id))

        self.run(cancel())
        assert ORDER[self.status(render_id).status] == 2

    @precondition(lambda self: self.running)
    @rule(kill=st.booleans())
    def start_anew(self, kill: bool) -> None:
        if kill:
            self.run(self.die())
            self.server.context.store.close()
        else:
            self.run(self.server.close())
        self.run(self.open())

    async def die(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    @invariant()
    def what_was_shown_never_goes_back(self) -> None:
        for render_id, before in self.seen.items():
            now = self.status(render_id)
            assert ORDER[now.status] >= ORDER[before.status]
            assert now.progress >= before.progress
            if ORDER[before.status] == 2:
                assert now == before
            self.seen[render_id] = now

    @invariant()
    def a_file_is_shown_when_it_is_there_and_a_failure_says_why(self) -> None:
        for now in map(self.status, self.seen):
            completed = now.status == "completed"
            assert (now.output is not None and bool(now.output.url)) == completed
            assert (now.progress == 100) == completed
            assert bool(now.error) == (now.status == "failed")
            if now.output is not None:
                name = now.output.url.rpartition("/")[2]
                assert (self.server.context.store.renders / name).read_bytes() == b"a render"

    @invariant()
    def one_render_of_a_session_runs_at_a_time_and_none_is_forgotten(self) -> None:
        active: Counter[int] = Counter()
        waiting: set[int] = set()
        for render_id, session in self.session_of.items():
            status = self.status(render_id).status
            active[session] += status == "processing"
            if ORDER[status] < 2:
                waiting.add(session)
        assert all(number <= 1 for number in active.values()), active
        assert len(self.running) == len(waiting)

    def status(self, render_id: str) -> RenderStatus:
        exports = self.server.exports
        return exports.status(exports.find(self.token, render_id), "http://here")


TestRenders = pytest.mark.slow(RenderMachine.TestCase)
# Some runs end early, where no rule can be drawn: of these 2,500 steps more than 2,000 are taken.
TestRenders.settings = settings(max_examples=examples(8, 60), stateful_step_count=examples(30, 50))
