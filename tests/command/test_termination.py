"""SIGTERM and SIGHUP end a command in order: nothing is left behind, and the status says why."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from nemolocal.termination import TERMINATING, Terminated, graceful_termination
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are told otherwise there")

# The program says that it has begun: where conform-client runs it, its output is not ours. Where
# the command is killed it goes, too.
BEGUN = """
import os, pathlib, time
parent = os.getppid()
pathlib.Path('begun').write_text(f'{os.getpid()}.')
while os.getppid() == parent:
    time.sleep(0.01)
"""
COMMANDS = {
    "edit": ("edit", "clip.mp4", "-m", "mute", "-o", "a.mp4"),
    "batch": ("edit", "clip.mp4", "-m", "mute", "--out-dir", "films"),
    "chat": ("chat", "clip.mp4"),
    "demo": ("demo", "clip.mp4", "-o", "b.mp4"),
    "sample": ("demo", "-o", "c.mp4"),
    "bench": ("bench", "clip.mp4"),
    "conform": ("conform", "--only", "chat."),
    "random": ("conform", "--random", "50"),
    "exec": ("exec", "--", sys.executable, "-c", BEGUN),
    "conform-client": ("conform-client", "--", sys.executable, "-c", BEGUN),
    "skill run": ("skill", "run", "SKILL.md"),
    "self-check": ("serve", "--self-check"),
    "serve": ("serve", "--port", "0", "--data", ""),
}
# What lies in a temporary folder when the command is in the midst of its work.
AT_WORK = {
    "edit": "nemolocal-memory-*/media/*",
    "batch": "nemolocal-memory-*/media/*",
    "demo": "nemolocal-memory-*/media/*",
    "sample": "nemolocal-demo-*/*.mp4",
    "bench": "nemolocal-bench-*/*.mp4",
    "exec": "../begun",
    "conform-client": "../begun",
    "chat": "../data/chats/*/media/*",
}


@pytest.fixture
def usual_signals() -> Iterator[None]:
    """As they are where a command begins."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in TERMINATING}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, found in before.items():
        signal.signal(number, found)


@pytest.mark.usefixtures("usual_signals")
@pytest.mark.parametrize("number", TERMINATING)
def test_signal_goes_through_everything_that_is_open_and_says_so(
    number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = []

    def close() -> None:
        # As a terminal and `timeout` do.
        signal.raise_signal(number)
        signal.raise_signal(TERMINATING[0])
        closed.append(number)

    def work() -> None:
        with ExitStack() as stack:
            stack.callback(close)
            signal.raise_signal(number)

    with pytest.raises(SystemExit) as ended, graceful_termination():
        work()
    assert ended.value.code == 128 + number
    assert closed == [number]
    assert capsys.readouterr().err == f"nemolocal: ended by {signal.Signals(number).name}\n"


@pytest.mark.usefixtures("usual_signals")
def test_signal_that_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with graceful_termination():
        signal.raise_signal(signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


@pytest.mark.usefixtures("usual_signals")
@pytest.mark.parametrize("interruptible", [True, False])
def test_the_task_of_a_loop_is_cancelled_and_none_has_failed(interruptible: bool) -> None:
    if not interruptible:  # as for a job in the background
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    ended, complaints = [], list[object]()

    async def begin() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
            await asyncio.sleep(0)
            ended.append("begun")
        except asyncio.CancelledError:
            ended.append("lost")

    async def work() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        beginning = asyncio.ensure_future(begin())
        try:
            await asyncio.wait((beginning,))
            await loop.create_future()
        except asyncio.CancelledError:
            await beginning
            ended.append("work")
            raise

    with pytest.raises(Terminated) as end, graceful_termination():
        asyncio.run(work())
    assert (ended, complaints) == (["begun", "work"], [])
    assert end.value.code == 143


@pytest.mark.usefixtures("usual_signals")
def test_signal_in_the_last_step_of_a_loop_is_not_lost() -> None:
    async def work() -> None:
        signal.raise_signal(signal.SIGHUP)

    with pytest.raises(Terminated) as end, graceful_termination():
        asyncio.run(work())
    assert end.value.code == 129


def test_server_whose_start_is_broken_off_ends_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    server = LocalServer(Settings(port=0))

    def interrupted() -> bool:
        raise Terminated(signal.SIGTERM)

    monkeypatch.setattr(server._ready, "wait", interrupted)
    with pytest.raises(Terminated), server:
        pass
    assert list(tmp_path.iterdir()) == []
    assert "nemolocal-server" not in {thread.name for thread in threading.enumerate()}


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path, clip: Path) -> Iterator[Start]:
    """Starts a command in a process of its own, with `temporary` for temporary folders.

    Where a test has the usual signals, it inherits them: under `nohup` it would ignore SIGHUP.
    """
    assert clip.parent == tmp_path
    (tmp_path / "temporary").mkdir()
    begun: list[subprocess.Popen[str]] = []

    def run(*words: str) -> "subprocess.Popen[str]":
        folders = {"NEMOLOCAL_DATA_DIR": tmp_path / "data", "TMPDIR": tmp_path / "temporary"}
        environment = {**os.environ, **{name: str(path) for name, path in folders.items()}}
        child = subprocess.Popen(
            [sys.executable, "-m", "nemolocal", *words], cwd=tmp_path, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        begun.append(child)
        return child

    yield run
    for child in begun:
        child.kill()
        child.communicate()


def wait_for_work(child: "subprocess.Popen[str]", temporary: Path, pattern: str) -> None:
    while not list(temporary.glob(pattern)):
        assert child.poll() is None, child.communicate()
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.usefixtures("usual_signals")
@pytest.mark.parametrize("number", TERMINATING)
@pytest.mark.parametrize("name", COMMANDS)
def test_command_that_is_told_to_end_leaves_nothing(
    start: Start, tmp_path: Path, name: str, number: int
) -> None:
    if name == "skill run":
        assert start("skill", "new", "a-skill", "-o", "SKILL.md").wait() == 0
    temporary = tmp_path / "temporary"
    child = start(*COMMANDS[name])
    wait_for_work(child, temporary, AT_WORK.get(name, "nemolocal-*"))
    child.send_signal(number)
    # Before its input is closed, which ends a chat as well.
    child.wait()
    _, said = child.communicate()
    assert child.returncode == 128 + number, said
    assert "Traceback" not in said
    assert list(temporary.iterdir()) == []
    assert not list(tmp_path.glob("**/.nemolocal-*")), "half a file beside the result"


@pytest.mark.slow
@pytest.mark.usefixtures("usual_signals")
@pytest.mark.parametrize("name", ["edit", "sample", "exec", "bench", "conform-client"])
def test_what_a_killed_command_leaves_goes_with_the_next_one(
    start: Start, tmp_path: Path, name: str
) -> None:
    temporary = tmp_path / "temporary"
    child = start(*COMMANDS[name])
    wait_for_work(child, temporary, AT_WORK[name])
    child.kill()
    child.communicate()
    assert list(temporary.iterdir())
    assert start("edit", "clip.mp4", "-m", "mute", "-o", "d.mp4").wait() == 0
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
@pytest.mark.usefixtures("usual_signals")
def test_program_of_a_scenario_ends_with_the_command(start: Start, tmp_path: Path) -> None:
    child = start(*COMMANDS["conform-client"])
    pid = tmp_path / "begun"
    while not (pid.exists() and pid.read_text().endswith(".")):
        assert child.poll() is None, child.communicate()
        time.sleep(0.01)
    child.terminate()
    assert child.wait() == 143
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()[:-1]), 0)
