"""Looks into files from a safe distance: first bytes here, the rest in a confined child."""

import logging
import os
import sys
from pathlib import Path

import msgspec

from nemolocal_contract.media import ACCEPTED_EXTENSIONS, ACCEPTED_EXTENSIONS_TEXT

from .. import child_process, sandbox
from ..media import MediaInfo, MediaRejected
from ..sandbox import GIB, SandboxPolicy
from .probe_worker import ProbeWorkerOutput, RenderFacts
from .sniff import sniff

_log = logging.getLogger(__name__)

# Seconds of processor time for a file; how long they take is the doing of a busy machine. Whoever
# needs none of it and does not end is stopped long before that, as one who stands still.
_SECONDS, _TIMEOUT_SECONDS = 20, 300.0
# Enough for the largest picture that is accepted, with 16 bits of each colour, and not for what a
# small file unpacks to; a video keeps many pictures.
_MEMORY, _VIDEO_MEMORY = 448 << 20, GIB
# The child writes nothing, and reads nothing of a home.
_NOWHERE = Path(os.sep)
_WORKER_MODULE = "nemolocal_render.probing.probe_worker"


async def probe(path: Path, extension: str, lenient: bool = False) -> MediaInfo:
    """What the file holds; raises MediaRejected with a reason for its owner, nothing else.

    `extension` is an accepted one, in its one spelling. The file's bytes must fit it or, if this is
    `lenient`, another accepted one, which the info names; then a child process with limits on time,
    memory and files opens it (UPL-2, UPL-3, UPL-5).
    """
    if extension not in ACCEPTED_EXTENSIONS:
        raise MediaRejected(f"accepted are {ACCEPTED_EXTENSIONS_TEXT}")
    try:
        extension = sniff(path, extension, lenient)
    except OSError as error:
        raise MediaRejected("the file cannot be opened") from error
    memory = _VIDEO_MEMORY if ACCEPTED_EXTENSIONS[extension] == "video" else _MEMORY
    answer = await _run_worker(["probe", str(path.absolute()), extension], path, memory)
    if answer.info is None:
        raise MediaRejected(answer.rejected or "the file cannot be read")
    return answer.info


async def probe_render(path: Path) -> RenderFacts:
    """The facts of a rendered file; raises MediaRejected when it cannot be read (REN-7)."""
    answer = await _run_worker(["check", str(path.absolute())], path, _VIDEO_MEMORY)
    if answer.facts is None:
        raise MediaRejected(answer.rejected or "the rendered file cannot be read")
    return answer.facts


async def _run_worker(question: list[str], path: Path, memory: int) -> ProbeWorkerOutput:
    lines: list[str] = []
    try:
        outcome = await child_process.run(
            sandbox.sandboxed_argv(
                [sys.executable, "-m", _WORKER_MODULE, *question], _policy(path, memory)
            ),
            folder=_NOWHERE,
            environment=_environment(),
            timeout=_TIMEOUT_SECONDS,
            on_line=lines.append,
        )
        if not lines:
            # Most often the file's doing; if it is this machine's, somebody must hear of it.
            _log.warning(
                "a probe ended with status %s: %s", outcome.returncode, outcome.stderr_tail
            )
        return msgspec.json.decode(lines[-1] if lines else "{}", type=ProbeWorkerOutput)
    except TimeoutError:
        return ProbeWorkerOutput(rejected="the file takes too long to read")
    except msgspec.DecodeError:
        # The child was killed while it wrote: by its limits, or by what it read.
        return ProbeWorkerOutput()


def _policy(path: Path, memory: int) -> SandboxPolicy:
    modules = tuple(Path(entry) for entry in sys.path if entry)
    return SandboxPolicy(
        read=(path.absolute(), path.resolve(), *modules),
        cpu_seconds=_SECONDS,
        memory=memory,
        file_size=0,
        open_files=64,
    )


def _environment() -> dict[str, str]:
    # The child finds the modules where this process finds them.
    modules = os.pathsep.join(entry for entry in sys.path if entry)
    own = {"PYTHONPATH": modules, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONSAFEPATH": "1"}
    return {**sandbox.child_environment(_NOWHERE), **own}
