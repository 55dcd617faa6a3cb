"""Find and run FFmpeg."""

import os
import re
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from . import child_process, sandbox
from .sandbox import SandboxPolicy
from .temporary_folder import TemporaryFolder

BINARY_VARIABLE = "NEMOLOCAL_FFMPEG"
_ALWAYS = ("-nostdin", "-hide_banner", "-nostats", "-loglevel", "error", "-y")
_QUERY_TIMEOUT = 20.0
_PATHS = re.compile(r"(file:)?(/[^\s'\":]+)+")
_DEVICES = "/dev/dri/"
DISK_FULL = "the disk is full: free some space, then try again"
_CAUSES = {
    ("No space left on device", "Disk quota exceeded"): DISK_FULL,
    ("File too large",): "the file became too large",
    ("Cannot allocate memory",): "there is too little memory",
}
_UNKNOWN = "FFmpeg failed; see the log of the local server"
_PREFIX = re.compile(r"^(\[[^\]]*\]\s*)+")


class FFmpegFailed(Exception):
    """FFmpeg is missing, failed or took too long; the message is one line without paths.

    `user_message` is the reason without FFmpeg's own words. `cause_unknown`: only these words tell
    the cause, which may be a source.
    """

    def __init__(self, reason: str, user_message: str = "", *, cause_unknown: bool = False) -> None:
        super().__init__(reason)
        self.user_message = user_message or reason
        self.disk_full = user_message == DISK_FULL
        self.cause_unknown = cause_unknown


def executable() -> Path:
    """Return the binary: NEMOLOCAL_FFMPEG if it is set, else that of the wheel imageio-ffmpeg."""
    named = os.environ.get(BINARY_VARIABLE)
    if named:
        return Path(named)
    import imageio_ffmpeg

    try:
        return Path(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        # Neither the wheel nor PATH has a binary.
        return Path("ffmpeg", "was", "not", "found")


async def run(
    arguments: list[str],
    *,
    folder: Path,
    timeout: float,
    policy: SandboxPolicy | None = None,
    on_line: Callable[[str], None] = lambda _: None,
) -> str:
    """Run FFmpeg in a folder, the only one that it may write to; raises FFmpegFailed.

    `timeout` is in seconds of real time, `on_line` gets each line of standard output. Returns the
    end of its errors: it may have passed over some.
    """
    binary = executable()
    if not binary.is_file():
        raise FFmpegFailed("FFmpeg was not found: set NEMOLOCAL_FFMPEG to a binary")
    granted = _sandbox_policy(policy or SandboxPolicy(), binary, folder, timeout)
    start = partial(
        child_process.run,
        sandbox.sandboxed_argv([str(binary), *_ALWAYS, *arguments], granted),
        folder=folder,
        environment=sandbox.child_environment(folder),
        timeout=timeout,
        on_line=on_line,
    )
    try:
        try:
            outcome = await start()
        except child_process.ChildProcessStalled:
            # A rare deadlock between its threads; another run usually works.
            outcome = await start()
    except child_process.ChildProcessStalled:
        raise FFmpegFailed("FFmpeg stalled twice") from None
    except TimeoutError:
        reason = f"FFmpeg was stopped after {timeout:.0f} s"
        raise FFmpegFailed(reason, timeout_message(timeout)) from None
    if outcome.returncode:
        cause = _known_cause(outcome)
        raise FFmpegFailed(_reason(outcome), cause or _UNKNOWN, cause_unknown=not cause)
    return outcome.stderr_tail.strip()


def timeout_message(seconds: float) -> str:
    """Return the message for a render that takes too long."""
    return f"it took more than {seconds:.0f} s, the limit for a video of this length"


async def has_filters(*names: str) -> bool:
    """Return whether the binary has all of these filters."""
    lines: list[str] = []
    with TemporaryFolder("filters") as folder:
        try:
            await run(["-filters"], folder=folder, timeout=_QUERY_TIMEOUT, on_line=lines.append)
        except FFmpegFailed:
            return False
    return set(names) <= {words[1] for line in lines if len(words := line.split()) > 2}


def _sandbox_policy(
    policy: SandboxPolicy, binary: Path, folder: Path, seconds: float
) -> SandboxPolicy:
    return msgspec.structs.replace(
        policy,
        read=(*policy.read, binary, binary.resolve()),
        write=(*policy.write, folder),
        cpu_seconds=int(seconds * (os.cpu_count() or 1)) + 1,
    )


def _hide_path(path: re.Match[str]) -> str:
    """Replace a path by "a file", and the path of a graphics device by its name."""
    return path[0].rpartition("/")[2] if path[0].startswith(_DEVICES) else "a file"


def _reason(outcome: child_process.ChildProcessResult) -> str:
    lines = [line.strip() for line in outcome.stderr_tail.splitlines() if line.strip()]
    # The first error is usually the cause of the others.
    cause = _PATHS.sub(_hide_path, _PREFIX.sub("", lines[0])) if lines else "no reason given"
    return f"FFmpeg ended with status {outcome.returncode}: {cause[:200]}"


def _known_cause(outcome: child_process.ChildProcessResult) -> str:
    """Return the cause if no source can be to blame, else ""."""
    for patterns, cause in _CAUSES.items():
        if any(pattern in outcome.stderr_tail for pattern in patterns):
            return cause
    if outcome.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return "it exceeded the limit of CPU time or memory for its length"
    return ""
