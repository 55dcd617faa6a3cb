"""`nemolocal bench`: local compression against the cloud, measured and reported."""

import argparse
from typing import Any

from ..argument_parser import add_command

_DESCRIPTION = """\
Compare local compression with the cloud's, for your own clips: size, speed
and quality.

Each encode is compared with the clip (VMAF, SSIM, PSNR, XPSNR) after a check
that the two can be compared. In a long clip, only samples are measured, and the
recommended encode as a whole. Results are cached, on Linux in
~/.cache/nemolocal/bench; delete that folder to free the space.

Exit status: 0 if everything was compared, 1 if --cloud could not be measured,
2 for wrong usage.
"""


def add_parser(commands: Any) -> None:
    """Add the command."""
    bench = add_command(
        commands, "bench", "compare local compression with the cloud's", _DESCRIPTION
    )
    bench.add_argument("input", nargs="+", metavar="INPUT", help="a video file")
    bench.add_argument(
        "--ladder",
        choices=("quick", "full"),
        default="quick",
        help="encoder settings to try: a quick set or the full one (default: %(default)s)",
    )
    bench.add_argument(
        "--target-vmaf",
        type=float,
        default=95.0,
        metavar="N",
        help="quality to reach in the target-quality comparison (default: %(default)g)",
    )
    bench.add_argument(
        "--samples",
        default="auto",
        metavar="N|auto|all",
        help="one-second samples to measure of each clip: a number, all for the whole clip, or "
        "auto, which measures short clips as a whole (default: auto)",
    )
    bench.add_argument(
        "--fresh",
        action="store_true",
        help="encode and measure everything again, instead of using cached results",
    )
    bench.add_argument(
        "--encoders",
        default="",
        metavar="LIST",
        help="comma-separated FFmpeg encoder names, for example libx265,libsvtav1",
    )
    bench.add_argument(
        "--cloud",
        action="store_true",
        help="also measure the cloud, with NEMO_TOKEN or at --base-url; this costs credits",
    )
    bench.add_argument("--base-url", metavar="URL", help="server to use for --cloud")
    bench.add_argument("--report", metavar="DIR", help="write HTML, JSON and CSV reports to DIR")
    bench.add_argument(
        "--frames",
        default="5",
        metavar="N|none",
        help="number of frames of each clip to show in the HTML report (default: 5); the pictures "
        "of a clip take at most 8 MB",
    )
    bench.add_argument(
        "--compare", metavar="OLD.json", help="show the changes since an earlier report"
    )
    bench.add_argument(
        "--json", action="store_true", help="print the report as JSON, as --report writes it"
    )


def run(arguments: argparse.Namespace) -> int:
    """Return 0 if everything was compared; raise an error with one line for invalid input."""
    from ..compression_comparison import compare_compression

    return compare_compression(arguments)
