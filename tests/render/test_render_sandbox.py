"""A child has no more power than it was given, and it always ends."""

import asyncio
import ctypes
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from nemolocal_render import child_process, ffmpeg_cli, sandbox, sandbox_exec
from nemolocal_render.sandbox import SandboxPolicy

# Nobody waits so long unless the test has failed.
PATIENCE = 300.0


def run(
    argv: list[str], folder: Path, timeout: float = PATIENCE
) -> tuple[child_process.ChildProcessResult, list[str]]:
    lines: list[str] = []
    outcome = asyncio.run(
        child_process.run(
            argv,
            folder=folder,
            environment=sandbox.child_environment(folder),
            timeout=timeout,
            on_line=lines.append,
        )
    )
    return outcome, lines


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


@pytest.mark.slow
def test_a_confined_child_sees_and_writes_only_what_it_was_given(tmp_path: Path) -> None:
    own, given, secret = (tmp_path / name for name in ("own", "given.txt", "secret.txt"))
    own.mkdir()
    given.write_text("given")
    secret.write_text("secret")
    code = f"""
for path, mode in (({str(given)!r}, 'r'), ({str(secret)!r}, 'r'), ('made', 'w'), ('../b', 'w')):
    try:
        open(path, mode).close()
        print('yes')
    except PermissionError:
        print('no')
"""
    policy = SandboxPolicy(read=(given, tmp_path / "missing"), write=(own,))
    outcome, lines = run(sandbox.sandboxed_argv(python(code), policy), own)
    confined = "no" if sandbox.landlock_version() else "yes"
    assert (outcome.returncode, lines) == (0, ["yes", confined, "yes", confined])


@pytest.mark.slow
def test_a_confined_child_has_its_limits_and_no_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEMO_TOKEN", "secret")
    code = """
import os, resource as r
names = ('CPU', 'FSIZE', 'NOFILE', 'AS', 'CORE')
print(*(r.getrlimit(getattr(r, 'RLIMIT_' + n))[0] for n in names), 'NEMO_TOKEN' in os.environ)
print(next((l.split()[1] for l in open('/proc/self/status') if l.startswith('NoNewPrivs')), ''))
"""
    policy = SandboxPolicy((Path("/proc"),), (), 7, sandbox.GIB, 4096, 64)
    _, lines = run(sandbox.sandboxed_argv(python(code), policy), tmp_path)
    assert lines == [f"7 4096 64 {sandbox.GIB} 0 False", "1"]


def test_drivers_get_their_devices_and_their_memory() -> None:
    plain, driver = (
        sandbox.sandboxed_argv(["ffmpeg"], SandboxPolicy(devices=devices))
        for devices in (False, True)
    )
    assert "/dev" in driver
    assert "/dev" not in plain
    assert any("AS=" in word for word in plain)
    assert not any("AS=" in word for word in driver)


def test_without_posix_there_is_no_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "name", "nt")
    assert sandbox.sandboxed_argv(["ffmpeg"], SandboxPolicy()) == ["ffmpeg"]


def test_there_is_no_landlock_off_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert sandbox.landlock_version.__wrapped__() == 0


class Kernel:
    """A C library whose system calls are answered from a list and written down."""

    def __init__(self, *answers: int) -> None:
        self._answers = list(answers)
        self.calls: list[int] = []
        self.sizes: list[int] = []

    def prctl(self, *_: int) -> int:
        return 0

    def syscall(self, number: int, *arguments: Any) -> int:
        self.calls.append(number)
        if number == 444 and arguments[0] is not None:
            self.sizes.append(arguments[1].value)
        return self._answers.pop(0)


def test_an_old_landlock_is_asked_for_what_it_knows(tmp_path: Path) -> None:
    place = os.open(tmp_path, os.O_RDONLY)
    old = Kernel(1, place, 0, 0)
    assert sandbox_exec.apply_landlock(old, [str(tmp_path)], []) is True
    assert (old.calls, old.sizes) == ([444, 444, 445, 446], [8])
    place = os.open(tmp_path, os.O_RDONLY)
    new = Kernel(7, place, 0, 0, -1)
    file = tmp_path / "file"
    file.touch()
    assert sandbox_exec.apply_landlock(new, [str(file), "/nowhere"], [str(tmp_path)]) is False
    assert new.sizes == [24]
    place = os.open(tmp_path, os.O_RDONLY)
    between = Kernel(5, place, 0)
    assert sandbox_exec.apply_landlock(between, [], []) is True
    assert between.sizes == [16]


@pytest.mark.slow
@pytest.mark.skipif(sandbox.landlock_version() < 6, reason="this kernel has no such scopes")
def test_a_confined_child_reaches_no_other_process(tmp_path: Path) -> None:
    name = f"\0nemolocal-test-{os.getpid()}-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(name)
        listener.listen()
        code = f"""
import os, socket
def tried(call, *arguments):
    try:
        call(*arguments)
        return 'yes'
    except PermissionError:
        return 'no'
print(tried(os.kill, {os.getpid()}, 0), tried(os.kill, os.getpid(), 0))
print(tried(socket.socket(socket.AF_UNIX).connect, {name!r}))
"""
        _, lines = run(sandbox.sandboxed_argv(python(code), SandboxPolicy()), tmp_path)
    assert lines == ["no yes", "no"]


def test_without_landlock_the_rest_holds() -> None:
    assert sandbox_exec.apply_landlock(Kernel(-1), [], []) is False
    assert sandbox_exec.apply_landlock(Kernel(3, -1), [], []) is False


def test_limits_are_never_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, tuple[int, int]]] = []
    hard = {resource.RLIMIT_CPU: 5, resource.RLIMIT_NOFILE: resource.RLIM_INFINITY}
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (0, hard[kind]))
    monkeypatch.setattr(resource, "setrlimit", lambda kind, values: asked.append((kind, values)))
    sandbox_exec.set_limits({"CPU": 9, "NOFILE": 64, "UNHEARD_OF": 1})
    assert asked == [(resource.RLIMIT_CPU, (5, 5)), (resource.RLIMIT_NOFILE, (64, 64))]


def test_limit_that_a_system_refuses_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS refuses some."""
    limits: dict[int, tuple[int, int]] = {}

    def set_limit(kind: int, values: tuple[int, int]) -> None:
        if kind == resource.RLIMIT_CPU:
            raise ValueError("current limit exceeds maximum limit")
        limits[kind] = values

    monkeypatch.setattr(resource, "getrlimit", lambda _: (0, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", set_limit)
    sandbox_exec.set_limits({"CPU": 9, "NOFILE": 64})
    assert limits == {resource.RLIMIT_NOFILE: (64, 64)}


def test_without_any_ffmpeg_the_path_of_it_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise RuntimeError("No ffmpeg exe could be found")

    monkeypatch.delenv(ffmpeg_cli.BINARY_VARIABLE, raising=False)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", missing)
    assert not ffmpeg_cli.executable().exists()


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_the_launcher_becomes_the_program(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    became: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(os, "execv", lambda path, argv: became.append((path, argv)))
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Kernel(-1))
    sandbox_exec.main([str(os.getppid()), "", "0", "0", "/bin/ffmpeg", "-version"])
    assert became == [("/bin/ffmpeg", ["/bin/ffmpeg", "-version"])]


def test_a_child_whose_parent_was_killed_at_once_becomes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Kernel(-1))
    with pytest.raises(SystemExit, match="the parent process has ended"):
        sandbox_exec.main(["0", "", "0", "0", "/bin/ffmpeg"])


def test_lines_come_one_by_one_and_the_last_complaints_are_kept(tmp_path: Path) -> None:
    code = "import sys; print('a'); print('b'); sys.stderr.write('x' * 90000 + 'end'); sys.exit(3)"
    outcome, lines = run(python(code), tmp_path)
    assert lines == ["a", "b"]
    assert (outcome.returncode, len(outcome.stderr_tail), outcome.stderr_tail[-3:]) == (
        3,
        8192,
        "end",
    )


STUBBORN = "import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True); "
STUBBORN += "signal.pause()"


def test_a_child_that_does_not_end_in_its_time_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError):
        run(python("import signal; signal.pause()"), tmp_path, timeout=0.01)


def test_a_stubborn_child_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    children: list[asyncio.subprocess.Process] = []
    task: asyncio.Future[child_process.ChildProcessResult]
    start = asyncio.create_subprocess_exec

    async def remember(*args: Any, **options: Any) -> asyncio.subprocess.Process:
        children.append(await start(*args, **options))
        return children[-1]

    def up(_: str) -> None:
        task.cancel()

    async def cancel() -> None:
        nonlocal task
        work = child_process.run(
            python(STUBBORN),
            folder=tmp_path,
            environment={},
            timeout=PATIENCE,
            on_line=up,
            grace=0.05,
        )
        task = asyncio.ensure_future(work)
        with pytest.raises(asyncio.CancelledError):
            await task

    monkeypatch.setattr(asyncio, "create_subprocess_exec", remember)
    asyncio.run(cancel())
    assert [child.returncode for child in children] == [-signal.SIGKILL]


def test_a_second_cancellation_kills_at_once(tmp_path: Path) -> None:
    async def cancel_twice() -> asyncio.subprocess.Process:
        started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        children: list[asyncio.subprocess.Process] = []
        start = asyncio.create_subprocess_exec

        async def remember(*args: Any, **options: Any) -> asyncio.subprocess.Process:
            children.append(await start(*args, **options))
            return children[-1]

        signal_child = child_process._signal

        def cancel_again(child: asyncio.subprocess.Process, number: signal.Signals) -> None:
            if number is signal.SIGTERM:
                asyncio.get_running_loop().call_soon(task.cancel)
            signal_child(child, number)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(asyncio, "create_subprocess_exec", remember)
            work = child_process.run(
                python(STUBBORN),
                folder=tmp_path,
                environment={},
                timeout=PATIENCE,
                on_line=lambda _: started.set_result(None),
            )
            task = asyncio.create_task(work)
            await started
            patch.setattr(child_process, "_signal", cancel_again)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await children[0].wait()
        return children[0]

    assert asyncio.run(cancel_twice()).returncode == -signal.SIGKILL


def test_a_child_that_ended_in_this_moment_needs_no_signal() -> None:
    class Gone:
        pid = 2**22 + 5

    gone: Any = Gone()
    child_process._signal(gone, signal.SIGTERM)


def test_a_missing_ffmpeg_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ffmpeg_cli.BINARY_VARIABLE, str(tmp_path / "nothing"))
    with pytest.raises(ffmpeg_cli.FFmpegFailed, match="FFmpeg was not found"):
        asyncio.run(ffmpeg_cli.run([], folder=tmp_path, timeout=60))


def test_a_slow_ffmpeg_is_stopped(tmp_path: Path, fake_ffmpeg: Callable[[str], Path]) -> None:
    fake_ffmpeg("import signal; signal.pause()")
    with pytest.raises(ffmpeg_cli.FFmpegFailed, match="FFmpeg was stopped after 0 s"):
        asyncio.run(ffmpeg_cli.run([], folder=tmp_path, timeout=0.01))


@pytest.mark.slow
def test_a_silent_failure_has_a_reason_too(
    tmp_path: Path, fake_ffmpeg: Callable[[str], Path]
) -> None:
    fake_ffmpeg("sys.exit(9)")
    with pytest.raises(ffmpeg_cli.FFmpegFailed, match=r"status 9: no reason given$"):
        asyncio.run(ffmpeg_cli.run([], folder=tmp_path, timeout=60))
