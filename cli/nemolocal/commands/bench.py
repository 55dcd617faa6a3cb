"""`nemolocal bench`: local compression against the cloud, measured and reported."""

import argparse
from typing import Any

_DESCRIPTION = """\
Local compression against the cloud: how small, how fast, how good, for your own clip.

Each encode is measured against the clip (VMAF, SSIM, PSNR, XPSNR), after a check that the two can
be compared. What was measured once is not measured again.
"""


def add_parser(commands: Any) -> None:
    """Add the command."""
    bench = commands.add_parser(
        "bench", help="compare local compression with the cloud's", description=_DESCRIPTION
    )
    bench.add_argument("input", nargs="+", metavar="INPUT", help="a video file")
    bench.add_argument(
        "--ladder", choices=("quick", "full"), default="quick", help="default: %(default)s"
    )
    bench.add_argument(
        "--target-vmaf", type=float, default=95.0, metavar="N", help="default: %(default)g"
    )
    bench.add_argument(
        "--encoders",
        default="",
        metavar="LIST",
        help="by FFmpeg's names, with commas, libx265 and libsvtav1 among them",
    )
    bench.add_argument(
        "--cloud",
        action="store_true",
        help="measure the cloud too: with NEMO_TOKEN, or at --base-url; it costs credits",
    )
    bench.add_argument("--base-url", metavar="URL", help="a server for --cloud")
    bench.add_argument("--report", metavar="DIR", help="write HTML, JSON and CSV")
    bench.add_argument("--compare", metavar="OLD.json", help="show what changed since")


def run(arguments: argparse.Namespace) -> int:
    """0 where everything was compared, 2 with one line where something is wrong with the input."""
    from ..compression_comparison import compare_compression

    return compare_compression(arguments)
