"""Quality of a smaller render against its source, equally scaled: VMAF with validity checks."""

from pathlib import Path
from statistics import fmean

import msgspec

from nemolocal_bench.metrics import (
    MIN_SELF_SCORE,
    MODELS,
    PAIRED,
    TIMED,
    VMAF,
    Score,
    summarize_scores,
)
from nemolocal_render.cpu_count import usable_cores

from .synthetic_clip import run_ffmpeg

# Every nth frame: the mean differs by 0.01, in a third of the time.
EVERY = 5
_LOG = "vmaf.json"
_GATE_SECONDS = 2


class NotComparable(Exception):
    """The frames of two files do not match: a score would mean nothing."""


class _VmafMetrics(msgspec.Struct):
    vmaf: float


class _VmafFrame(msgspec.Struct):
    metrics: _VmafMetrics


class _VmafLog(msgspec.Struct):
    frames: list[_VmafFrame]


class VideoPair(msgspec.Struct, frozen=True):
    """A render, its source, the size of the comparison, and a temporary folder."""

    render: Path
    source: Path
    size: tuple[int, int]
    folder: Path

    def score(self) -> tuple[Score, float]:
        """Return VMAF, and that of the source against itself.

        Raises NotComparable if the source does not match itself, or if the render matches the
        source better one frame earlier or later.
        """
        own = fmean(msgspec.structs.replace(self, render=self.source)._measure(_GATE_SECONDS))
        if own < MIN_SELF_SCORE:
            raise NotComparable(f"the source itself gets {own:.1f}, not {MIN_SELF_SCORE:.0f}")
        here, *beside = (fmean(self._measure(_GATE_SECONDS, shift)) for shift in (0, 1, -1))
        if here < max(beside):
            raise NotComparable("the render is a frame early or late")
        return summarize_scores(VMAF, self._measure(), self.size[1]), own

    def _measure(self, seconds: int | None = None, shift: int = 0) -> list[float]:
        """Measure VMAF; `shift` is by how many frames the render is assumed to be late."""
        early, late = (f"trim=start_frame={max(n, 0)}," for n in (shift, -shift))
        shape = f"scale={self.size[0]}:{self.size[1]}:flags=bicubic,format=yuv420p"
        every = 1 if seconds else EVERY
        how = f"model=version={MODELS[VMAF]}:n_threads={usable_cores()}:n_subsample={every}"
        graph = (
            f"[0:v]{early}{TIMED},{shape}[seen];[1:v]{late}{TIMED},{shape}[meant];"
            f"[seen][meant]libvmaf={how}:{PAIRED}:log_fmt=json:log_path={_LOG}"
        )
        length = ["-t", str(seconds)] if seconds else []
        inputs = [*length, "-i", f"file:{self.render}", *length, "-i", f"file:{self.source}"]
        run_ffmpeg([*inputs, "-filter_complex", graph, "-f", "null", "-"], self.folder)
        log = msgspec.json.decode((self.folder / _LOG).read_bytes(), type=_VmafLog)
        return [frame.metrics.vmaf for frame in log.frames]
