"""Probe files safely: the first bytes in this process, the rest in a sandboxed child."""

import logging
import os
import sys
from pathlib import Path

import msgspec

from nemolocal_contract.media import ACCEPTED_EXTENSIONS, ACCEPTED_EXTENSIONS_TEXT

from .. import child_process, sandbox
from ..media import DEMUXERS, MediaInfo, MediaRejected
from ..sandbox import GIB, SandboxPolicy
from .packet_index import PacketIndex
from .probe_worker import ProbeWorkerOutput, RenderFacts
from .sniff import sniff

_log = logging.getLogger(__name__)

# Limits in seconds of CPU time and, since a busy machine is slow, much more real time. A child that
# uses no CPU time is stopped long before, as stalled.
_SECONDS, _TIMEOUT_SECONDS = 20, 300.0
# Enough for the largest accepted picture with 16 bits per channel, but not for a decompression
# bomb; a video decoder holds many pictures.
_MEMORY, _VIDEO_MEMORY = 448 << 20, GIB
# The child writes nothing and needs no home folder.
_NOWHERE = Path(os.sep)
_WORKER_MODULE = "nemolocal_render.probing.probe_worker"


async def probe(path: Path, extension: str, lenient: bool = False) -> MediaInfo:
    """Probe a file; raises only MediaRejected, with a reason for the user.

    `extension` is a canonical accepted one. The content must match it or, if this is `lenient`,
    another accepted one, which the info then names. A child process with limits on time, memory and
    files opens the file (UPL-2, UPL-3, UPL-5).
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
    """Return the facts of a rendered file; raises MediaRejected if it cannot be read (REN-7)."""
    answer = await _run_worker(["check", str(path.absolute())], path, _VIDEO_MEMORY)
    if answer.facts is None:
        raise MediaRejected(answer.rejected or "the rendered file cannot be read")
    return answer.facts


async def read_packet_index(path: Path, extension: str) -> PacketIndex | None:
    """Return where the packets of a video are; None if it must be read as a whole."""
    if DEMUXERS[extension] != "mov" or ACCEPTED_EXTENSIONS[extension] != "video":
        return None
    answer = await _run_worker(["index", str(path.absolute()), extension], path, _VIDEO_MEMORY)
    return answer.index


async def _run_worker(arguments: list[str], path: Path, memory: int) -> ProbeWorkerOutput:
    lines: list[str] = []
    try:
        outcome = await child_process.run(
            sandbox.sandboxed_argv(
                [sys.executable, "-m", _WORKER_MODULE, *arguments], _policy(path, memory)
            ),
            folder=_NOWHERE,
            environment=_environment(),
            timeout=_TIMEOUT_SECONDS,
            on_line=lines.append,
        )
        if not lines:
            # Usually the file is the cause; the log helps if the machine is.
            _log.warning(
                "a probe process ended with status %s: %s", outcome.returncode, outcome.stderr_tail
            )
        return msgspec.json.decode(lines[-1] if lines else "{}", type=ProbeWorkerOutput)
    except TimeoutError:
        return ProbeWorkerOutput(rejected="the file takes too long to read")
    except msgspec.DecodeError:
        # The child was killed while it wrote, by its limits or by a crash.
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
    # The child uses the module search path of this process.
    modules = os.pathsep.join(entry for entry in sys.path if entry)
    own = {"PYTHONPATH": modules, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONSAFEPATH": "1"}
    return {**sandbox.child_environment(_NOWHERE), **own}
