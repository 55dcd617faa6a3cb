"""The report of a comparison: headline, page, tables, changes."""

import asyncio
import re
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from nemolocal.main import main
from nemolocal_bench import machine
from nemolocal_bench.bd_rate import BdRateSaving
from nemolocal_bench.charts import (
    rate_quality_chart,
    size_chart,
    speed_quality_chart,
)
from nemolocal_bench.cloud import PUBLISHED_TIMES, PublishedTime, server_label
from nemolocal_bench.frame_chart import frame_chart
from nemolocal_bench.frame_pictures import SOURCE
from nemolocal_bench.headline import describe_samples, write_headline
from nemolocal_bench.html_report import as_html
from nemolocal_bench.metrics import Instruments, summarize_scores
from nemolocal_bench.moments import FramePicture, Moment
from nemolocal_bench.report import (
    REPORT_FORMAT,
    BenchReport,
    Comparison,
    ReportUnreadable,
    SourceInfo,
    as_csv,
    read_report,
)
from nemolocal_bench.report_changes import ReportChanges, diff_reports
from nemolocal_bench.sampling import SampleSpan
from nemolocal_bench.target_quality import TargetSearchResult
from nemolocal_bench.time_left import format_duration
from nemolocal_bench.variants import VariantResult, load_average

ALL = Instruments(neg=True, xpsnr=True, complaint="")


def local(name: str, size: int, vmaf: float, **more: Any) -> VariantResult:
    scores = (summarize_scores("vmaf", [vmaf], 1080),)
    facts = {"curve": name, "size": size, "saved": 100 - size, "seconds": 5.0, "speed": 2.0}
    return VariantResult(**{"name": name, "scores": scores, "bitrate": size, **facts, **more})


def compared(*results: VariantResult, seconds: float = 10.0, **more: Any) -> Comparison:
    source = SourceInfo("clip.mp4", "abc", 1920, 1080, 300, 30.0, seconds, 100, 98.0)
    return Comparison(
        **{
            "verdict": "",
            "source": source,
            "shown": "",
            "results": results,
            "found": None,
            "savings": (),
            "published": PUBLISHED_TIMES,
            **more,
        }
    )


def test_headline_names_the_recommended_file_and_what_is_smaller() -> None:
    other = local("libx265", 20, 96, note="not what the contract exports")
    legs = (local("big", 60, 97), local("small", 41, 95.2), local("bad", 9, 80), other)
    found = TargetSearchResult(95.0, "veryfast", chosen="small")
    assert write_headline(compared(*legs, seconds=25.0, found=found), 95) == (
        "On this machine, small gives 41 % of the size at VMAF 95.2 (vmaf_v0.6.1 at 1080 lines) "
        "in 5.0 s, 0.2 s per second of video. Smaller at VMAF 95 or more: libx265 (20 % at "
        "VMAF 96.0). Only preset veryfast was searched; slower presets make smaller files. The "
        "cloud's own figure is 30–90 s for a clip of 30 s (S0:56, published, not measured), 1 to 3 "
        "s per second of video: 5 to 15 times as long as here."
    )


@pytest.mark.parametrize("seconds", [1.0, 14.0, 61.0, 7200.0])
def test_clip_of_another_length_is_not_compared_with_the_published_time(seconds: float) -> None:
    text = write_headline(compared(local("small", 41, 95.2), seconds=seconds), 95)
    assert text.endswith(f"which cannot be compared with {seconds:.3g} s.")
    assert "as long as here" not in text


def test_headline_compares_with_the_cloud_where_it_was_measured() -> None:
    small = local("small", 41, 95.2)
    cloud = local("cloud (example.com)", 50, 94, where="cloud", seconds=10.0)
    text = write_headline(compared(small, cloud), 95)
    assert (
        "The cloud (example.com) took 10.0 s, 2 times as long as here, and gives 50 % of the size"
        in text
    )
    assert "published" not in text
    assert server_label("https://example.com/x") == "cloud (example.com)"


def test_whole_encode_is_recommended_before_a_smaller_sampled_one() -> None:
    sampled = local("guess", 30, 95.5, sampled=True, sample_scores=(94.0, 97.0))
    whole = local("whole", 41, 95.2)
    text = write_headline(compared(sampled, whole), 95)
    assert text.startswith("On this machine, whole gives 41 % of the size")
    assert "Smaller at VMAF 95 or more: guess (30 % at VMAF 95.5, sampled)." in text
    alone = write_headline(compared(sampled), 95)
    assert "VMAF 95.5 (vmaf_v0.6.1 at 1080 lines; 2 samples, 94.0 to 97.0)" in alone


def reported(*comparisons: Comparison) -> BenchReport:
    about = asyncio.run(machine.describe_machine())
    return BenchReport(
        REPORT_FORMAT, about, ALL, {"h264_qsv": "no device"}, "quick", 95, comparisons
    )


def test_a_report_without_any_score_can_still_be_read() -> None:
    report = reported(compared(VariantResult(name="<x>", curve="x", complaint="no <pair>")))
    page = as_html(report, ReportChanges())
    assert "&lt;x&gt; (no score: no &lt;pair&gt;)" in page
    assert "h264_qsv does not work here" in page
    assert "<svg viewBox" not in page
    assert "no <pair>" in as_csv(report)


def test_report_is_printed_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report = reported(compared(local("whole", 41, 95.2)))
    monkeypatch.setattr("nemolocal.compression_comparison.compare", lambda *_: report)
    assert main(["bench", "clip.mp4", "--json"]) == 0
    assert read_report(capsys.readouterr().out.encode()) == report


def test_a_curve_without_a_saving_says_why_in_the_legend() -> None:
    savings = (BdRateSaving("b", "a", None, "no overlap"),)
    drawn = rate_quality_chart(compared(local("a", 9, 90), local("b", 5, 80), savings=savings))
    assert "b: no BD-rate, no overlap" in drawn
    assert "a (anchor)" in drawn


def test_wide_and_narrow_rates_have_readable_ticks() -> None:
    near = rate_quality_chart(compared(local("a", 210_000, 90), local("b", 390_000, 95)))
    assert [f">{tick}<" in near for tick in ("0.25", "0.3", "0.35")] == [True] * 3
    far = rate_quality_chart(compared(local("a", 200_000, 90), local("b", 3_000_000_000, 95)))
    assert [f">{tick}<" in far for tick in ("0.5", "10", "2,000")] == [True] * 3


def test_the_sizes_explain_a_star_only_where_there_is_one() -> None:
    plain = local("a", 9, 90)
    assert "*" not in size_chart(compared(plain))
    other = local("b", 5, 80, note="not what the contract exports")
    assert "* not what the contract exports" in size_chart(compared(plain, other))


def test_twelve_curves_differ_without_colour() -> None:
    named = [local(f"e{n}", 100 + n, 90 + n / 9, speed=1 + n) for n in range(12)]
    for drawn in (rate_quality_chart(compared(*named)), speed_quality_chart(compared(*named))):
        legend = re.findall(r"<(?:circle|polygon)[^>]*/>(?=<text)", drawn)
        shapes = re.sub(r" s\d\"", '"', "\n".join(legend))
        # Its position does not distinguish it.
        looks = {_about_itself(shape) for shape in shapes.splitlines()}
        assert len(legend) == len(looks) == len(named)


def _about_itself(shape: str) -> str:
    way = re.search(r'points="([^"]*)"', shape)
    if way is None:
        return re.sub(r'c[xy]="[^"]*"', "", shape)
    corners = [tuple(map(float, corner.split(","))) for corner in way[1].split()]
    left, top = (min(ends) for ends in zip(*corners, strict=True))
    return shape.replace(way[1], str([(round(x - left), round(y - top)) for x, y in corners]))


@pytest.mark.slow
def test_a_page_can_be_printed() -> None:
    new = reported(compared(local("a", 123_456, 95, vmaf_frames=(90.0, 99.0)), shown="a"))
    old = reported(compared(local("a", 99, 94.0)))
    page = as_html(new, diff_reports(old, new))
    # In print, the head of a table is repeated and no row or figure is cut.
    assert page.count("<thead><tr><th scope") == page.count("<table>") - 1
    assert "thead { display: table-header-group; }" in page
    for kept in ("break-inside: avoid", "tr { break-inside: avoid; }"):
        assert kept in page
    assert "<td>bytes</td><td>99</td><td>123456</td>" in page
    assert "<td>mean VMAF</td><td>94.000</td><td>95.000</td>" in page


@pytest.mark.slow
def test_markup_is_escaped_on_the_page() -> None:
    said = "</td><script>alert(1)</script>{{ 7 * 7 }}"
    vmaf = summarize_scores("vmaf", [9.0], 1080)
    scores = (vmaf, msgspec.structs.replace(vmaf, name=said, model=said))
    shown = local(said, 123_456, 95, vmaf_frames=(90.0, 99.0), note=said, scores=scores)
    pictures = (FramePicture(SOURCE, b"p"), FramePicture(said, b"p"))
    created = compared(
        shown,
        VariantResult(name=f"{said}2", curve=said, complaint=said),
        shown=said,
        verdict=said,
        sample_line=said,
        moments=(Moment(said, 0, 0, 0.0, {said: 9.0}, pictures),),
        found=TargetSearchResult(95, said, complaint=said),
        savings=(BdRateSaving(said, said, None, said),),
        published=(PublishedTime(said, 1, 2, said, said),),
    )
    clip = msgspec.structs.replace(created.source, name=said)
    report = reported(msgspec.structs.replace(created, source=clip))
    about = msgspec.structs.replace(report.machine, processor=said, system=said, ffmpeg=said)
    whole = msgspec.structs.replace(report, machine=about, missing={said: said})
    earlier = msgspec.structs.replace(about, processor="another")
    page = as_html(whole, diff_reports(msgspec.structs.replace(whole, machine=earlier), whole))
    assert "<script>" not in page
    assert page.count("<script type=") == page.count("</script>") == 2
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;{{ 7 * 7 }}") >= 25


def test_labels_of_close_levels_do_not_overlap() -> None:
    near = local("a", 9, 95.0, vmaf_frames=(95.0, 95.2))
    first, fifth = (
        float(place)
        for place in re.findall(r'y="([\d.]+)"[^>]*>p[15] ', frame_chart(compared(near, shown="a")))
    )
    assert first - fifth >= 12


def test_only_changed_figures_are_reported() -> None:
    old = reported(compared(local("a", 9, 90), local("b", 9, 90)))
    new = reported(compared(local("a", 8, 91), local("b", 9, 90)))
    changes = diff_reports(old, new)
    assert [(c.name, c.what, c.before, c.after) for c in changes.figures] == [
        ("a", "bytes", 9, 8),
        ("a", "mean VMAF", 90.0, 91.0),
    ]
    assert changes.remarks == ()
    same = diff_reports(new, new)
    assert same == ReportChanges((), ("none of the 2 results in both reports changed",))


def _renamed(comparison: Comparison, name: str, digest: str) -> Comparison:
    source = msgspec.structs.replace(comparison.source, name=name, digest=digest)
    return msgspec.structs.replace(comparison, source=source)


def test_what_cannot_be_compared_is_reported_with_the_reason() -> None:
    whole = compared(local("a", 9, 90), local("gone", 9, 90))
    spans = (SampleSpan(0, 30),)
    sampled = compared(local("a", 8, 91, sampled=True), local("new", 9, 90), spans=spans)
    old, new = reported(whole), reported(sampled)
    assert diff_reports(old, new) == ReportChanges(
        (),
        (
            "clip.mp4, only in the earlier report: gone",
            "clip.mp4, only in the new report: new",
            "clip.mp4, measured on other frames (--samples): a",
            "the reports have no result in common",
        ),
    )
    edited = diff_reports(old, reported(_renamed(whole, "clip.mp4", "def")))
    assert edited.remarks == (
        "clip.mp4 is another file than in the earlier report: its content differs",
        "the reports have no result in common",
    )
    other = diff_reports(old, reported(_renamed(whole, "b.mp4", "def")))
    assert other.remarks[0] == "b.mp4 is not in the earlier report, which has clip.mp4"
    full = msgspec.structs.replace(old, ladder="full")
    assert diff_reports(old, full).remarks[0] == "the ladder differs: quick before, full now"
    # The same clip under another name is the same clip.
    assert not diff_reports(old, reported(_renamed(whole, "b.mp4", "abc"))).figures


def test_reports_of_other_formats() -> None:
    old = reported(compared(local("a", 9, 90)))
    earlier = msgspec.structs.replace(old, format=1)
    assert read_report(msgspec.json.encode(earlier)) == earlier
    with pytest.raises(ReportUnreadable, match="it has format 9"):
        read_report(msgspec.json.encode(msgspec.structs.replace(old, format=9)))


def test_machine_with_little_information_is_described(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def unknown(_: str) -> str:
        raise PackageNotFoundError

    monkeypatch.setattr(machine, "_CPU_INFO", tmp_path / "none")
    monkeypatch.setattr(machine, "version", unknown)
    monkeypatch.setattr(machine, "os", SimpleNamespace())
    text = asyncio.run(machine.describe_machine())
    assert (text.memory_bytes, text.nemolocal) == (0, "0")
    assert text.python == ".".join(map(str, sys.version_info[:3]))
    assert text.processor is not None


def test_changed_times_are_reported() -> None:
    old, new = (reported(compared(local("a", 9, 90, seconds=time))) for time in (5.0, 4.0))
    (change,) = diff_reports(old, new).figures
    assert (change.what, change.before, change.after) == ("seconds", 5.0, 4.0)


def test_page_says_what_was_sampled_and_what_was_scaled() -> None:
    pictures = tuple(FramePicture(name, b"") for name in (SOURCE, "cloud"))
    moment = Moment("lowest", 5, 5, 0.2, {}, pictures, 0, 0, 1920, 1080)
    cloud = local("cloud", 50, 96, where="cloud", width=1280, height=720, vmaf_frames=(90.0,))
    page = as_html(reported(compared(cloud, moments=(moment,), shown="cloud")), ReportChanges())
    assert "Scaled to the size of the source: cloud (1280×720)." in page
    spans = (SampleSpan(0, 30), SampleSpan(100, 30))
    sampled = local("a", 9, 90, sampled=True)
    page = as_html(reported(compared(sampled, spans=spans)), ReportChanges())
    assert "Measured on 2 samples (60 of 300 frames)" in page
    assert "Measured as a whole" not in page


def test_sampled_result_without_the_score_of_each_sample_says_so() -> None:
    assert describe_samples(local("a", 9, 90, sampled=True)) == "sampled"
    scores = local("a", 9, 90, sampled=True, sample_scores=(89.0, 91.04))
    assert describe_samples(scores) == "2 samples, 89.0 to 91.0"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "1 s"), (89, "89 s"), (120, "2 min"), (5400, "1 h 30 min")]
)
def test_time_left_is_in_the_unit_that_fits(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_load_is_unknown_where_the_system_does_not_report_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr("os.getloadavg")
    assert load_average() is None
