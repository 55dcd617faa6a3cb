"""FFmpeg: which binary it is, and how it is run."""

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
_ASKING = 20.0
_PATHS = re.compile(r"(file:)?(/[^\s'\":]+)+")
_DEVICES = "/dev/dri/"
DISK_FULL = "the disk is full: free some space, then try again"
_CAUSES = {
    ("No space left on device", "Disk quota exceeded"): DISK_FULL,
    ("File too large",): "the file became too large",
    ("Cannot allocate memory",): "there is too little memory",
}
_UNKNOWN = "FFmpeg could not make it; the log of the local server says why"
_PREFIX = re.compile(r"^(\[[^\]]*\]\s*)+")


class FFmpegFailed(Exception):
    """FFmpeg is missing, ended badly or took too long; the text is one line without paths.

    `plain` says it without FFmpeg's own words, which mean nothing to whoever wants a film;
    `disk_full`: it lacked room; `unknown`: only those words tell why, and it may be for what was
    read.
    """

    def __init__(self, reason: str, plain: str = "", *, unknown: bool = False) -> None:
        super().__init__(reason)
        self.user_message = plain or reason
        self.disk_full = plain == DISK_FULL
        self.cause_unknown = unknown


def executable() -> Path:
    """The binary: NEMOLOCAL_FFMPEG where it is set, else the one of the wheel imageio-ffmpeg."""
    named = os.environ.get(BINARY_VARIABLE)
    if named:
        return Path(named)
    import imageio_ffmpeg

    try:
        return Path(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        # The wheel has none for this machine, nor is there any in PATH.
        return Path("ffmpeg", "was", "not", "found")


async def run(
    arguments: list[str],
    *,
    folder: Path,
    timeout: float,
    policy: SandboxPolicy | None = None,
    on_line: Callable[[str], None] = lambda _: None,
) -> None:
    """Run FFmpeg in a folder, the only one that it may write; raises FFmpegFailed.

    `timeout` is seconds of wall time, `on_line` gets each line of its standard output.
    """
    binary = executable()
    if not binary.is_file():
        raise FFmpegFailed("FFmpeg was not found; NEMOLOCAL_FFMPEG may name a binary")
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
            # Its threads wait for each other, which a rare order of events makes them do.
            outcome = await start()
    except child_process.ChildProcessStalled:
        raise FFmpegFailed("FFmpeg stood still, twice") from None
    except TimeoutError:
        said = f"FFmpeg was stopped after {timeout:.0f} s"
        raise FFmpegFailed(said, timeout_message(timeout)) from None
    if outcome.returncode:
        plain = _known_cause(outcome)
        raise FFmpegFailed(_reason(outcome), plain or _UNKNOWN, unknown=not plain)


def timeout_message(seconds: float) -> str:
    """What is said of a render that does not end."""
    return f"it took more than {seconds:.0f} s, longer than a film of this length may take"


async def has_filters(*names: str) -> bool:
    """Whether the binary has all of these filters."""
    lines: list[str] = []
    with TemporaryFolder("filters") as folder:
        try:
            await run(["-filters"], folder=folder, timeout=_ASKING, on_line=lines.append)
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
    """A path is nobody's business; a graphics device is called by its name alone."""
    return path[0].rpartition("/")[2] if path[0].startswith(_DEVICES) else "a file"


def _reason(outcome: child_process.ChildProcessResult) -> str:
    lines = [line.strip() for line in outcome.stderr_tail.splitlines() if line.strip()]
    # The first complaint is the cause, later ones its consequences.
    cause = _PATHS.sub(_hide_path, _PREFIX.sub("", lines[0])) if lines else "no reason given"
    return f"FFmpeg ended with status {outcome.returncode}: {cause[:200]}"


def _known_cause(outcome: child_process.ChildProcessResult) -> str:
    """Why, where that has nothing to do with what was read; else nothing."""
    for signs, said in _CAUSES.items():
        if any(sign in outcome.stderr_tail for sign in signs):
            return said
    if outcome.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return "it took more processor time or memory than this length may"
    return ""
