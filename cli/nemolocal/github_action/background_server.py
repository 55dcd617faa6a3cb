"""The modes `serve` and `stop`: a server for the steps between them.

The server holds a lock on a file as long as it lives: it is inherited, and the system releases it
however the process ends. So `serve` sees whether one runs, and `stop` waits until it is gone.
"""

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import IO

import httpx

from nemolocal_conformance.client_runner.server_control import fetch_journal
from nemolocal_contract.endpoints import HEALTH, JOURNAL_SUMMARY, control_headers

from ..errors import CommandError, UsageError
from ..report_files import write_report_files
from ..shared_options import CONTROL_TOKEN_VARIABLE
from .action_inputs import ActionInputs, child_environment
from .check_modes import NEMOLOCAL, command_options, run_reported
from .journal_summary import journal_table
from .runner_files import add_summary, export_variable, mask, set_output

_FOLDER, _LOCK, _LOG, _READY = "nemolocal-serve", "lock", "server.log", "ready"
_JOURNAL = "journal.jsonl"
_READY_LINE = re.compile(r"^Nemo Local serves (\S+) .*\n", re.MULTILINE)
# A server starts in a second; a minute is for a busy machine.
_CHECK_SECONDS, _START_CHECKS = 0.05, 1200
_END_SECONDS = 30
_LOG_LINES = 20


def start_server(inputs: ActionInputs) -> int:
    """Start a server and wait until it is ready; its address is exported as `NEMO_API_URL`.

    `NEMO_SPEED` is by how much a client may shorten its waits. Raises `CommandError` if the server
    does not start, `UsageError` if one of this job still runs.
    """
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("a+") as lock:
        if not _try_lock(lock):
            raise UsageError("a server of this job still runs: stop it first, with mode: stop")
        url = _launch(inputs, folder, lock)
    speed = httpx.get(url + HEALTH.template, trust_env=False).raise_for_status().json()["speed"]
    export_variable("NEMO_API_URL", url)
    export_variable("NEMO_SPEED", f"{speed or 1:g}")
    if inputs.control_token:
        mask(inputs.control_token)
        export_variable(CONTROL_TOKEN_VARIABLE, inputs.control_token)
    set_output("base-url", url)
    print(f"Nemo Local serves {url} for the next steps", flush=True)
    return 0


def stop_server(inputs: ActionInputs) -> int:
    """Write the journal and the verdict on the clients to `report`, and stop the server.

    Returns the status of `nemolocal verdict`. Raises `CommandError` if the server ended earlier,
    `UsageError` if there was none.
    """
    folder = _folder()
    try:
        url, process = (folder / _READY).read_text(encoding="utf-8").split()
    except OSError:
        raise UsageError("no server runs: start one in an earlier step, with mode: serve") from None
    try:
        summary = _fetch_results(inputs, url)
    except httpx.TransportError as error:
        raise CommandError(f"the server is gone ({error}); {_log_tail(folder)}") from error
    except httpx.HTTPStatusError as error:
        raise CommandError(
            f"cannot read the journal: the server answered {error.response.status_code}; give the "
            "input control-token, and do not use --no-control"
        ) from error
    finally:
        (folder / _READY).unlink()
        _end(int(process), folder / _LOCK)
        if (folder / _LOG).exists():
            write_report_files(inputs.report, {_LOG: (folder / _LOG).read_bytes()})
    add_summary(f"## Nemo Local\n\n{summary}")
    journal = str(inputs.report / _JOURNAL)
    return run_reported(inputs, ["verdict", journal, *command_options(inputs)])


def _folder() -> Path:
    return Path(os.environ.get("RUNNER_TEMP") or tempfile.gettempdir(), _FOLDER)


def _launch(inputs: ActionInputs, folder: Path, lock: IO[str]) -> str:
    """Start the process, which keeps the lock; return its address when it is ready."""
    said = folder / "stdout.txt"
    # A folder of its own for each server: a verdict is not on the requests to an earlier one.
    data = ["--port", "0", "--data", tempfile.mkdtemp(prefix="data-", dir=folder)]
    with said.open("wb") as out, (folder / _LOG).open("wb") as log:
        process = subprocess.Popen(
            [*NEMOLOCAL, "serve", *data, *inputs.options], env=child_environment(inputs),
            stdin=subprocess.DEVNULL, stdout=out, stderr=log,
            start_new_session=True, pass_fds=(lock.fileno(),),
        )  # fmt: skip
    for _ in range(_START_CHECKS):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_CHECK_SECONDS)
            raise CommandError(f"the server did not start; {_log_tail(folder)}")
        if ready := _READY_LINE.search(said.read_text(encoding="utf-8")):
            (folder / _READY).write_text(f"{ready[1]} {process.pid}\n", encoding="utf-8")
            return ready[1]
    process.kill()
    process.wait()
    raise CommandError(
        "the server did not say that it is ready: leave --json out of the options; "
        f"{_log_tail(folder)}"
    )


def _fetch_results(inputs: ActionInputs, url: str) -> str:
    """Write the journal to `report`; return it as Markdown, with the summary of the server."""
    headers = control_headers(inputs.control_token)
    journal, lines = fetch_journal(url, control_token=inputs.control_token)
    reply = httpx.get(url + JOURNAL_SUMMARY.template, headers=headers, trust_env=False)
    line = str(reply.raise_for_status().json()["line"])
    write_report_files(inputs.report, {_JOURNAL: lines})
    return journal_table(line, journal.entries)


def _end(process: int, lock: Path) -> None:
    """End the server and wait until it is gone; kill it if that takes too long."""
    with lock.open("a+") as file:
        if _try_lock(file):
            return  # it ended earlier, and its number may be that of another process
        os.kill(process, signal.SIGTERM)
        try:
            with _time_limit(_END_SECONDS):
                fcntl.flock(file, fcntl.LOCK_EX)
        except TimeoutError:
            os.kill(process, signal.SIGKILL)
            fcntl.flock(file, fcntl.LOCK_EX)


@contextlib.contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    """Raise `TimeoutError` in a system call that takes longer."""

    def give_up(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _log_tail(folder: Path) -> str:
    """Return the last lines of the server's log, for an error."""
    try:
        lines = (folder / _LOG).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    return "\n".join(["its log ends with:", *lines[-_LOG_LINES:]]) if lines else "its log is empty"
