"""The data of a report: its clips, the results for each of them, and the machine."""

import msgspec

from .bd_rate import BdRateSaving
from .cloud import PublishedTime
from .machine import MachineInfo
from .metrics import Instruments
from .target_quality import TargetSearchResult
from .variants import Ladder, VariantResult

REPORT_FORMAT = 1


class SourceInfo(msgspec.Struct, frozen=True):
    """The clip that everything is compared with, and its VMAF against itself."""

    name: str
    digest: str
    width: int
    height: int
    frames: int
    fps: float
    seconds: float
    size: int
    self_score: float


class Comparison(msgspec.Struct, frozen=True):
    """All results for one clip.

    `shown` is the name of the result whose frames and picture the report shows, "" if none has a
    score.
    """

    verdict: str
    source: SourceInfo
    shown: str
    results: tuple[VariantResult, ...]
    found: TargetSearchResult | None
    savings: tuple[BdRateSaving, ...]
    published: tuple[PublishedTime, ...]


class BenchReport(msgspec.Struct, frozen=True):
    """The comparisons, the machine, and the encoders that do not work on it."""

    format: int
    machine: MachineInfo
    instruments: Instruments
    missing: dict[str, str]
    ladder: Ladder
    target: float
    comparisons: tuple[Comparison, ...]
