"""The report's frames in a real browser: slider, flip, difference, zoom, plot, keyboard."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from nemolocal_bench.html_report import as_html
from nemolocal_bench.report import BenchReport, read_report
from nemolocal_bench.report_changes import ReportChanges
from tests.support.chromium import open_document, scrolls_sideways, serious_violations

from .conftest import bench

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.ffmpeg, pytest.mark.browser]

ENCODE = "libx264 veryfast CRF 28"

# Mean difference of two pictures in a part of their width; PNG or WebP as data URLs.
_DIFFERENCE = """async ([first, second, from, to]) => {
  const pixels = async (url) => {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, image.width, image.height);
  };
  const [a, b] = [await pixels(first), await pixels(second)];
  if (a.width !== b.width || a.height !== b.height) throw new Error(`${a.width} ${b.width}`);
  let sum = 0, count = 0;
  for (let y = 0; y < a.height; y++)
    for (let x = Math.floor(from * a.width); x < Math.floor(to * a.width); x++)
      for (let c = 0; c < 3; c++, count++)
        sum += Math.abs(a.data[4 * (y * a.width + x) + c] - b.data[4 * (y * a.width + x) + c]);
  return sum / count;
}"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def report(measured: Path, tmp_path: Path) -> Path:
    """The page of a comparison of plain.mp4."""
    assert bench(measured, "--encoders", "libx264", "--report", tmp_path) == 0
    return tmp_path / "bench.html"


@pytest.fixture
def page(report: Path) -> Iterator["Page"]:
    with open_document(report) as opened:
        opened.wait_for_selector(".viewer:not([hidden])")
        opened.select_option(".choose-right", ENCODE)
        yield opened


def picture(page: "Page", name: str) -> str:
    """The data URL of a picture of the current moment."""
    moment = pressed(page)
    selector = f'.pictures img[data-moment="{moment}"][data-name="{name}"]'
    return str(page.get_attribute(selector, "src"))


def pressed(page: "Page") -> int:
    (number,) = page.eval_on_selector_all(
        ".moments [aria-pressed=true]", "all => all.map(each => Number(each.dataset.moment))"
    )
    return int(number)


def shown(page: "Page") -> str:
    """What the stage shows at 1:1, without tags and divider, as a data URL."""
    page.focus(".stage")
    page.keyboard.press("1")
    page.evaluate(
        "() => document.querySelectorAll('.tag, .divider').forEach(e => e.style.opacity = 0)"
    )
    page.evaluate("document.querySelector('.stage').scrollIntoView({block: 'center'})")
    box = page.locator(".layers img.left").bounding_box()
    assert box is not None
    raw = page.screenshot(clip=box)
    return "data:image/png;base64," + base64.b64encode(raw).decode()


def difference(
    page: "Page", first: str, second: str, begin: float = 0.0, end: float = 1.0
) -> float:
    return float(page.evaluate(_DIFFERENCE, [first, second, begin, end]))


def test_slider_shows_one_picture_on_each_side(page: "Page") -> None:
    source, encode = picture(page, "source"), picture(page, ENCODE)
    assert difference(page, source, encode) > 2
    both = shown(page)
    assert difference(page, both, source, 0.0, 0.45) < 1
    assert difference(page, both, encode, 0.55, 1.0) < 1
    # The keyboard moves the slider to the left end: the encode is everywhere.
    page.focus(".slider")
    page.keyboard.press("Home")
    assert difference(page, shown(page), encode) < 1


def test_space_flips_between_the_pictures(page: "Page") -> None:
    page.focus(".stage")
    source, encode = picture(page, "source"), picture(page, ENCODE)
    for expected in (encode, source, encode):
        page.keyboard.press("Space")
        assert difference(page, shown(page), expected) < 1
    assert page.get_attribute("[data-mode=flip]", "aria-pressed") == "true"
    # The page did not scroll.
    before = page.evaluate("scrollY")
    page.keyboard.press("Space")
    assert page.evaluate("scrollY") == before


def test_difference_is_dark_where_the_pictures_agree(page: "Page") -> None:
    black = page.evaluate(
        """() => { const canvas = document.createElement("canvas");
        [canvas.width, canvas.height] = [192, 108];
        canvas.getContext("2d").fillRect(0, 0, 192, 108); return canvas.toDataURL(); }"""
    )
    away = difference(page, picture(page, "source"), picture(page, ENCODE))
    page.focus(".stage")
    page.keyboard.press("d")
    bright = difference(page, shown(page), black)
    # Six times as bright, but where it would be brighter than white.
    assert 2 * away < bright <= 6 * away + 3
    page.select_option(".choose-right", "source")
    assert difference(page, shown(page), black) < 0.5


def test_zoomed_picture_cannot_be_moved_out_of_the_stage(page: "Page") -> None:
    page.focus(".stage")
    page.keyboard.press("0")
    for _ in range(6):
        page.keyboard.press("+")
    assert page.inner_text(".zoom") != "100 %"
    stage = page.locator(".stage").bounding_box()
    assert stage is not None
    middle = stage["x"] + stage["width"] * 0.8, stage["y"] + stage["height"] / 2
    for away in (3000, -3000):
        page.mouse.move(*middle)
        page.mouse.down()
        page.mouse.move(middle[0] + away, middle[1] + away)
        page.mouse.up()
        inside: dict[str, Any] = page.evaluate(
            """() => { const box = e => document.querySelector(e).getBoundingClientRect();
            const [a, b] = [box(".stage"), box(".layers img.left")];
            return {x: b.left <= a.left + 1 && b.right >= a.right - 1,
                    y: b.top <= a.top + 1 && b.bottom >= a.bottom - 1}; }"""
        )
        assert inside == {"x": True, "y": True}


def test_click_in_the_plot_picks_the_nearest_moment(page: "Page", report: Path) -> None:
    (comparison,) = read_report((report.parent / "bench.json").read_bytes()).comparisons
    frames = [moment.frame for moment in comparison.moments]
    assert len(set(frames)) == len(frames) == 5
    page.evaluate("document.querySelector('.frame-plot').scrollIntoView({block: 'center'})")
    ends = page.evaluate(
        """() => { const plot = document.querySelector(".frame-plot");
        const at = x => new DOMPoint(x, 100).matrixTransform(plot.getScreenCTM());
        const data = JSON.parse(document.querySelector(".series").textContent);
        const [a, b] = [at(data.left), at(data.right)];
        return [a.x, b.x, a.y]; }"""
    )
    for frame in range(comparison.source.frames):
        x = ends[0] + frame / (comparison.source.frames - 1) * (ends[1] - ends[0])
        away = [abs(each - frame) for each in frames]
        if away.count(min(away)) > 1:
            continue
        page.mouse.click(x, ends[2])
        assert pressed(page) == away.index(min(away))
    assert f"Frame {frames[pressed(page)]}," in page.inner_text(".readout")


def test_frames_are_led_by_keyboard_alone(page: "Page") -> None:
    page.keyboard.press("Tab")
    for _ in range(40):
        if page.evaluate("document.activeElement.dataset.moment") == "0":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert pressed(page) == 1
    page.keyboard.press("n")
    assert pressed(page) == 2
    page.keyboard.press("p")
    page.keyboard.press("p")
    assert pressed(page) == 0


@pytest.mark.parametrize("dark", [False, True])
def test_report_is_accessible_and_fits_a_phone(report: Path, dark: bool) -> None:
    with open_document(report, dark=dark) as wide:
        wide.wait_for_selector(".viewer:not([hidden])")
        assert serious_violations(wide) == []
    with open_document(report, width=390, dark=dark) as narrow:
        narrow.wait_for_selector(".viewer:not([hidden])")
        assert not scrolls_sideways(narrow)
        ground = narrow.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == ("rgb(15, 20, 25)" if dark else "rgb(246, 247, 249)")


def test_report_without_frames_opens(measured: Path, tmp_path: Path) -> None:
    asked = ("--encoders", "libx264", "--frames", "none", "--report", tmp_path)
    assert bench(measured, *asked) == 0
    with open_document(tmp_path / "bench.html") as opened:
        assert opened.locator(".frame-plot polyline").count() >= 5
        assert opened.locator(".viewer").count() == 0
    assert (tmp_path / "bench.html").stat().st_size < 200_000


def test_hostile_names_stay_text(report: Path, tmp_path: Path) -> None:
    said = '"></script><img src=x onerror=alert(1)><script>alert(1)</script>'
    made = read_report((report.parent / "bench.json").read_bytes())
    path = tmp_path / "hostile.html"
    path.write_text(as_html(_renamed(made, said), ReportChanges(remarks=(said,))), encoding="utf-8")
    with open_document(path) as opened:
        assert said in opened.inner_text("h2 >> nth=0")
        assert said in opened.inner_text("body")


def _renamed(report: BenchReport, said: str) -> BenchReport:
    (comparison,) = report.comparisons
    results = tuple(
        msgspec.structs.replace(each, name=each.name + said, complaint=said, measure_line=said)
        for each in comparison.results
    )
    made = msgspec.structs.replace(
        comparison,
        source=msgspec.structs.replace(comparison.source, name=said),
        verdict=said,
        results=results,
        shown=comparison.shown + said,
    )
    return msgspec.structs.replace(report, comparisons=(made,))
