"""High dynamic range keeps its colours on a screen of today."""

from collections.abc import Callable
from pathlib import Path

import pytest

from nemolocal_render.job import RenderResult
from tests.support.frames import DecodedVideo
from tests.support.media import MediaCache, run_ffmpeg

pytestmark = pytest.mark.ffmpeg

Make = Callable[..., tuple[Path, RenderResult]]
HLG, PQ = "arib-std-b67", "smpte2084"
SLOW = pytest.mark.slow


def drawn(cache: MediaCache, color: str, transfer: str) -> Path:
    """A picture of one colour, each part a share of its full signal, as telephones record it."""
    scene = f"color=0x{color}:s=160x90:d=0.2:r=30"
    tags = f"color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc"
    light = f"scale=out_color_matrix=bt2020:out_range=tv,format=yuv420p10le,setparams={tags}"
    coded = f"log-level=error:colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc"
    arguments = ["-f", "lavfi", "-i", scene, "-vf", light, "-c:v", "libx265", "-x265-params", coded]
    name = f"{color}-{transfer}.mp4"
    return cache.file(name, lambda path: run_ffmpeg(*arguments, path), arguments)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("color", "transfer", "strong", "weak"),
    [
        pytest.param("E8E05E", HLG, "rg", "b", id="yellow"),
        pytest.param("E85E5E", HLG, "r", "gb", id="red", marks=SLOW),
        pytest.param("5EE85E", HLG, "g", "rb", id="green", marks=SLOW),
        pytest.param("5E5EE8", HLG, "b", "rg", id="blue", marks=SLOW),
        pytest.param("A0A050", PQ, "rg", "b", id="yellow of PQ", marks=SLOW),
        pytest.param("808080", HLG, "", "", id="gray", marks=SLOW),
    ],
)
def test_bright_colours_stay_colours(
    make: Make, media_cache: MediaCache, color: str, transfer: str, strong: str, weak: str
) -> None:
    clip = {"src": str(drawn(media_cache, color, transfer)), "s": 0, "d": 100}
    seen = DecodedVideo(make([{"tt": 0, "sg": [clip]}])[0])
    shown = dict(zip("rgb", seen.rgb(1, 0.5, 0.5), strict=True))
    if not strong:
        assert max(shown.values()) - min(shown.values()) < 6
    for bright in strong:
        assert shown[bright] > 190
        assert all(shown[bright] - shown[dim] > 120 for dim in weak)
