"""The project page that a claim token opens, in a real browser."""

from pathlib import Path

import pytest

from nemolocal_contract.draft import draft_from_wire
from nemolocal_server.api.claim_endpoints import build_project_page
from tests.support.chromium import open_document, scrolls_sideways, serious_violations
from tests.support.media import run_ffmpeg

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.ffmpeg]

DRAFT = draft_from_wire({"t": [{"tt": 7, "sg": [{"s": 0, "d": 1, "txt": "Hello"}]}]})


def written(folder: Path, size: str) -> Path:
    """The page of a film of this size, beside it."""
    # Free codecs, which every Chromium plays.
    made = ("-f", "lavfi", "-i", f"testsrc2=s={size}:r=5:d=1", "-c:v", "libvpx", "-b:v", "1M")
    run_ffmpeg(*made, folder / "film.webm")
    page = build_project_page("Holiday", DRAFT, (folder / "film.webm").as_uri(), "newest export")
    # A file has no origin that "self" could stand for.
    page = page.replace("media-src 'self'", "media-src file:")
    (folder / "page.html").write_text(page, encoding="utf-8")
    return folder / "page.html"


@pytest.mark.parametrize("width", [1280, 390])
def test_upright_film_leaves_room_for_its_controls(width: int, tmp_path: Path) -> None:
    with open_document(written(tmp_path, "540x960"), width=width) as page:
        page.wait_for_function("document.querySelector('video').readyState >= 2")
        box = page.locator("video").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 900
        assert box["width"] / box["height"] == pytest.approx(540 / 960, abs=0.01)
        assert not scrolls_sideways(page)


def test_small_film_is_not_enlarged(tmp_path: Path) -> None:
    with open_document(written(tmp_path, "320x240")) as page:
        page.wait_for_function("document.querySelector('video').readyState >= 2")
        box = page.locator("video").bounding_box()
        assert box is not None
        assert (box["width"], box["height"]) == (320, 240)
        link = page.get_by_role("link", name="Download the newest export")
        assert str(link.get_attribute("href")).endswith("/film.webm")


@pytest.mark.parametrize("dark", [False, True])
def test_project_page_is_accessible(dark: bool, tmp_path: Path) -> None:
    with open_document(written(tmp_path, "320x240"), dark=dark) as page:
        assert serious_violations(page) == []
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == ("rgb(15, 20, 25)" if dark else "rgb(246, 247, 249)")
