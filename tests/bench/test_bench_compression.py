"""`nemolocal bench` from a clip to its report, with a clip of one second."""

import csv
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from nemolocal_bench import target_quality, variant_runs, variants
from nemolocal_bench.cloud import PUBLISHED_TIMES
from nemolocal_client import CannotConnect
from nemolocal_contract.clock import WallClock
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings

from .conftest import bench

pytestmark = pytest.mark.ffmpeg


class Done(NamedTuple):
    """The result of a run of the command."""

    report: dict[str, Any]
    page: str
    rows: list[dict[str, str]]


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NEMOLOCAL_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.delenv("NEMO_TOKEN", raising=False)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with LocalServer(Settings(port=0, seed=3), WallClock(200.0)) as running:
        yield running.base_url


def done(folder: Path) -> Done:
    with (folder / "bench.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    report = json.loads((folder / "bench.json").read_bytes())
    return Done(report, (folder / "bench.html").read_text(encoding="utf-8"), rows)


@pytest.mark.slow
def test_a_clip_is_compared_and_the_report_agrees_with_itself(
    media: Path, server: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud = ("--cloud", "--base-url", server)
    clip = media / "plain.mp4"
    assert bench(clip, *cloud, "--encoders", "libx264,libx265", "--report", tmp_path) == 0
    text = capsys.readouterr()
    created = done(tmp_path)
    (comparison,) = created.report["comparisons"]
    assert comparison["verdict"].startswith("On this machine, libx264 ")
    assert comparison["verdict"] in text.out
    assert re.search(r"at most \d+ MB of disk", text.err)
    assert re.search(r"2/8 libx264 veryfast CRF 23, about \d+ s left", text.err)
    assert re.search(r"whole clip with CRF [\d.]+, about \d+ s left", text.err)

    names = [result["name"] for result in comparison["results"]]
    ladder = [*(f"libx264 veryfast CRF {crf}" for crf in (18, 23, 28)), "libx264 medium CRF 23"]
    found = comparison["found"]["chosen"]
    assert [name for name in names[:5] if name != found] == ladder
    assert names[-1] == "local server"
    _check_results(comparison)
    _check_search(comparison)
    _check_page(created, comparison)


def _check_results(comparison: dict[str, Any]) -> None:
    for result in comparison["results"][:-1]:
        assert result["complaint"] == ""
        assert result["seconds"] > 0
        assert result["cpu_seconds"] > 0
        assert result["memory_bytes"] > 1e6
        assert result["saved"] == pytest.approx(
            100 - 100 * result["size"] / comparison["source"]["size"]
        )
        assert len(result["scores"]) == 5
        other = result["name"].startswith("libx265")
        assert result["note"] == ("not what the contract exports" if other else "")
    veryfast = [r for r in comparison["results"] if r["curve"] == "libx264 veryfast"]
    assert len(veryfast) == 4
    assert [r["size"] for r in veryfast] == sorted((r["size"] for r in veryfast), reverse=True)
    server = comparison["results"][-1]
    assert server["note"] == "not the cloud"
    assert set(server["stages"]) <= {"upload", "edit", "queue", "render", "download"}
    assert {"upload", "edit", "download"} <= set(server["stages"])


def _check_search(comparison: dict[str, Any]) -> None:
    found = comparison["found"]
    assert len(found["probes"]) <= 6
    assert found["wholes"][-1]["vmaf"] >= 95
    assert comparison["shown"] == found["chosen"]
    assert [moment["kind"] for moment in comparison["moments"]] == [
        "worst frame",
        "5th percentile",
        "median",
        "biggest difference between encodes",
        "most motion",
    ]


def _check_page(created: Done, comparison: dict[str, Any]) -> None:
    assert created.page.count("<svg") == 5
    # The source and the eight encodes next to the target, of five moments.
    assert created.page.count("data:image/webp;base64,UklGR") == 5 * (1 + 8)
    assert created.page.count('data-name="local server"') == 5
    assert html.escape(comparison["verdict"]) in created.page
    assert "published, not measured" in created.page
    assert "S0:56" in created.page
    assert not re.search(r"(?:src|href)=\"?https?:", created.page)
    saving = comparison["savings"][0]
    assert f"BD-rate {saving['percent']:+.1f} % against {saving['anchor']}" in created.page
    _check_page_agrees(created)


def _check_page_agrees(created: Done) -> None:
    """Require that page and table show the figures of the JSON and no others."""
    (comparison,) = created.report["comparisons"]
    for result in comparison["results"]:
        saved = result["saved"]
        text = f"{saved:.1f} % saved" if saved >= 0 else f"{-saved:.1f} % larger"
        assert text in created.page
        for score in result["scores"]:
            assert f"<td>{score['mean']:.3f}</td>" in created.page
    assert not _numbers_not_in(created.report, created.page)
    wrong = f"{created.page}<table><td>12345.678</td></table>"
    assert _numbers_not_in(created.report, wrong) == {"12345.678"}
    scored = sum(len(result["scores"]) or 1 for result in comparison["results"])
    assert len(created.rows) == scored
    assert {row["score_model"] for row in created.rows if row["measure"] == "vmaf"} == {
        "vmaf_v0.6.1"
    }


def _numbers_not_in(report: dict[str, Any], page: str) -> set[str]:
    """Return numbers in tables and charts that are not in the JSON, rounded.

    Bytes are shown as MB, bits/s as Mb/s. Ticks of axes and numbers of moments do not count.
    """
    drawn = " ".join(re.findall(r"<table>.*?</table>|<svg viewBox.*?</svg>", page, flags=re.S))
    shown = re.sub(r"<text[^>]*class=\"(?:tick|moment)\".*?</text>", "", drawn, flags=re.S)
    # Part of a name, like 264 in libx264, is not a number.
    number = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\w)")
    values = list(_values_in(report))
    text = " ".join(value for value in values if isinstance(value, str))
    known = set(number.findall(text))
    missing = set(number.findall(html.unescape(re.sub(r"<[^>]+>", " ", shown)))) - known
    # A shift of 0 is what a score is about.
    figures = [value for value in values if not isinstance(value, str)] + [0]
    for decimals in range(4):
        for scale in (1, 1e-6, 1e-9):
            missing -= {f"{abs(value) * scale:.{decimals}f}" for value in figures}
    return missing


def _values_in(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _values_in(each)
    elif value is not None:
        yield value


def test_results_are_cached_and_changes_are_reported(
    measured: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = (measured, "--encoders", "libx264", "--report", tmp_path)
    assert bench(*asked) == 0
    _check_page_agrees(done(tmp_path))

    def never(*_: object) -> None:
        raise AssertionError("a finished leg was repeated")

    monkeypatch.setattr(variant_runs, "run_variant", never)
    monkeypatch.setattr(variant_runs, "encode_clip", never)
    monkeypatch.setattr(target_quality, "encode_clip", never)
    capsys.readouterr()
    assert bench(*asked, "--compare", tmp_path / "bench.json") == 0
    text = capsys.readouterr()
    assert "none of the 5 results in both reports changed" in text.out
    assert "4/4 libx264 medium CRF 23, cached" in text.err
    assert "<h2>What changed</h2>" in done(tmp_path).page


@pytest.mark.slow
def test_interrupted_run_keeps_finished_variants(
    media: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clip = media / "plain.mp4"
    monkeypatch.setitem(variants._X264, "quick", {"ultrafast": (24.0, 28.0, 32.0)})
    seen: list[str] = []

    def interrupted(settings: Any, *others: Any) -> Any:
        seen.append(settings.name)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return variants.run_variant(settings, *others)

    monkeypatch.setattr(variant_runs, "run_variant", interrupted)
    assert bench(clip, "--encoders", "libx264") == 130
    assert bench(clip, "--encoders", "libx264", "--report", tmp_path) == 0
    assert seen[2] == seen[3]
    assert len(set(seen)) == len(seen) - 1


@pytest.mark.slow
def test_without_the_cloud_published_figures_are_used(
    measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(measured, "--encoders", "libx264", "--report", tmp_path) == 0
    text = capsys.readouterr()
    assert "30–90 s for a clip of 30 s (S0:56, published, not measured)" in text.out
    labels = {each["label"] for each in done(tmp_path).report["comparisons"][0]["published"]}
    assert labels == {"published, not measured"}


def test_published_figures_are_in_their_source_lines() -> None:
    seeds = Path(__file__).parents[2] / "fixtures/seeds/ai-rtk-compressor.txt"
    lines = seeds.read_text(encoding="utf-8").splitlines()
    for each in PUBLISHED_TIMES:
        document, _, line = each.source.partition(":")
        assert document == "S0"
        claim = f"{each.least_seconds:.0f}-{each.most_seconds:.0f} seconds"
        assert claim in lines[int(line) - 1]


@pytest.mark.slow
def test_failed_export_is_in_the_report_and_the_exit_status(
    measured: Path,
    server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> None:
        raise CannotConnect("cannot connect any more")

    monkeypatch.setattr("nemolocal_bench.clip_comparison.run_cloud_export", fail)
    cloud = ("--cloud", "--base-url", server, "--encoders", "libx264", "--report", tmp_path)
    assert bench(measured, *cloud) == 1
    assert "local server: no score: cannot connect any more" in capsys.readouterr().out
    assert "no score: cannot connect any more" in done(tmp_path).page


@pytest.mark.slow
def test_fresh_measures_again_what_is_cached(
    measured: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[str] = []

    def counted(settings: Any, *others: Any) -> Any:
        seen.append(settings.name)
        return variants.run_variant(settings, *others)

    monkeypatch.setattr(variant_runs, "run_variant", counted)
    asked = (measured, "--encoders", "libx264", "--frames", "none")
    assert bench(*asked) == 0
    assert seen == []
    assert "4/4 libx264 medium CRF 23, cached" in capsys.readouterr().err
    assert bench(*asked, "--fresh") == 0
    assert len(seen) == len(set(seen)) >= 5
    assert "cached" not in capsys.readouterr().err


@pytest.mark.slow
def test_unreachable_target_is_reported(
    media: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("--target-vmaf", "99.9", "--encoders", "libx264", "--report", tmp_path)
    assert bench(media / "plain.mp4", *asked) == 0
    assert "no tested encode reaches VMAF 99.9" in capsys.readouterr().out
    assert "VMAF 99.9 is not reached" in done(tmp_path).page


@pytest.mark.slow
def test_unwritable_report_at_the_end_is_reported(
    measured: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bench.json").mkdir()
    assert bench(measured, "--encoders", "libx264", "--report", tmp_path) == 1
    assert "Is a directory; choose another folder" in capsys.readouterr().err
