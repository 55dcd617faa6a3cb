"""Every form of every report, made of fixed findings: nothing is judged or measured here."""

import contextlib
import io
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from unittest import mock

import msgspec

from nemolocal import compression_comparison
from nemolocal.conform_output import print_verdict
from nemolocal.main import main
from nemolocal_bench.bd_rate import BdRateSaving
from nemolocal_bench.cloud import PUBLISHED_TIMES
from nemolocal_bench.crf_search import CrfProbe
from nemolocal_bench.headline import write_headline
from nemolocal_bench.machine import MachineInfo
from nemolocal_bench.metrics import Instruments, Score
from nemolocal_bench.moments import MEDIAN, WORST, FramePicture, Moment
from nemolocal_bench.report import (
    REPORT_FORMAT,
    BenchReport as BenchReport,
    Comparison,
    SourceInfo,
    as_json,
)
from nemolocal_bench.sampling import SampleSpan
from nemolocal_bench.target_quality import TargetSearchResult
from nemolocal_bench.variants import VariantResult
from nemolocal_conformance.client_runner import scenario_report
from nemolocal_conformance.client_runner.scenario_result import ScenarioResult as Ran
from nemolocal_conformance.evidence import HttpExchange
from nemolocal_conformance.reports import REPORT_FORMATS
from nemolocal_conformance.reports.report_text import headline
from nemolocal_conformance.verdicts import ConformanceReport, Verdict, VerdictOutcome

from .frozen import Make

_INPUT = Path(__file__).parent / "input"
_SKILLS = Path(__file__).parents[2] / "fixtures" / "skills" / "planted"
_PLANTED = ("wrong-402.md", "poll-every-5-seconds.md", "token-in-url.md")
_EXCHANGE = HttpExchange(
    method="POST",
    url="http://nemolocal.test/run_sse",
    request_headers={"authorization": "[secret]", "x-skill-source": "it's me"},
    request_body='{"session_id": "1", "new_message": {"parts": [{"text": "<hi>"}]}}',
    status=200,
    response_headers={"content-type": "text/event-stream"},
    response_body='data: {"a": "<b> & c"}\n\n',
    seconds=0.012,
)


def reports() -> Iterator[tuple[str, Make]]:
    """The reports by the names of their files: the command, then the form."""
    for name, form in REPORT_FORMATS.items():
        yield f"conform-{name}", partial(form, _SERVER)
    yield "conform-told.txt", partial(_captured, _tell_server)
    yield "conform-list.txt", partial(_output, "conform", "--list")
    for check in ("token.new.credits", "chat.silent.rate", "render.shape"):
        yield f"conform-explain-{check}.txt", partial(_output, "conform", "--explain", check)
    yield "verdict.txt", partial(_verdict)
    yield "verdict.json", partial(_verdict, "--json")
    yield "verdict-list.txt", partial(_output, "verdict", "--list")
    yield "verdict-explain.txt", partial(_output, "verdict", "--explain", "client.resend")
    yield "conform_client-list.txt", partial(_output, "conform-client", "--list")
    yield "conform_client.txt", _tell_runs
    yield "conform_client.json", partial(scenario_report.as_json, _RUNS)
    yield "conform_client.md", partial(scenario_report.as_markdown, _RUNS)
    for written, suffix in (("text", "txt"), ("json", "json"), ("sarif", "sarif")):
        yield f"skill_check.{suffix}", partial(_skill, written)
    for suffix in ("txt", "html", "json", "csv"):
        yield f"bench.{suffix}", partial(_bench_form, suffix)


def _captured(say: Callable[[], object]) -> str:
    reported, unwanted = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(reported), contextlib.redirect_stderr(unwanted):
        say()
    return reported.getvalue()


def _output(*words: str) -> str:
    """What a command prints, and how it ends."""
    status = 0

    def run() -> None:
        nonlocal status
        status = main(words)

    return f"{_captured(run)}<status {status}>\n"


def _verdict(*options: str) -> str:
    shutil.copy(_INPUT / "journal.jsonl", "journal.jsonl")
    return _output("verdict", "journal.jsonl", *options)


def _skill(form: str) -> str:
    for name in _PLANTED:
        shutil.copy(_SKILLS / name, name)
    return _output("skill", "check", "--format", form, *_PLANTED)


# A server that was judged


def _found(outcome: VerdictOutcome, check: str, **more: object) -> Verdict:
    fields: dict[str, object] = {"reason": "the end came too early"}
    fields |= {"expected": "'clean'", "actual": "'<cut> | `it`'"}
    if outcome in ("passed", "not applicable"):
        fields = {"reason": "" if outcome == "passed" else "the server is not ours"}
    return Verdict(
        check=check,
        rules=("SSE-4", "SSE-5"),
        sentence="A turn MUST end with `the last chunk`.",
        level="MUST",
        grade="D",
        outcome=outcome,
        seconds=0.25,
        evidence=(_EXCHANGE,),
        **{**fields, **more},  # type: ignore[arg-type]
    )


_SERVER = ConformanceReport(
    base_url="http://nemolocal.test",
    version="1.2.3",
    ours=False,
    verdicts=(
        _found("passed", "chat.end.clean"),
        _found("failed", "chat.end.cut"),
        _found("warning", "chat.heartbeat.sent"),
        _found("learned", "chat.silent.rate", alternatives=("SSE-2: sse=adk",)),
        _found("known", "chat.time.talk", known="theirs is slow"),
        _found("not applicable", "token.life.over"),
        _found("not judgeable", "chat.time.edit"),
        _found("error", "render.reply.shape", reason="TypeError: it went wrong"),
    ),
    alternatives={"GEN-2": ("errors=http",), "SSE-2": ("sse=adk", "sse=typed")},
    left_out=("credits.hold",),
    unknown_ids=("chat.gone",),
    seconds=12.345,
    at="2023-11-14T22:13:20.000Z",
)


def _tell_server() -> None:
    for verdict in _SERVER.verdicts:
        print_verdict(verdict)
    print(headline(_SERVER))


# Programs that were run

_RUNS = (
    Ran("silent", "passed", (), 0, 1.25, _SERVER),
    Ran("cut", "failed", ("client.resend: it said it | twice", "it gave up"), 1, 2.5, _SERVER),
    Ran("expired", "not met", ("the program made no request",), None, 0.75, _SERVER),
)


def _tell_runs() -> str:
    return "\n".join(
        [*map(scenario_report.scenario_line, _RUNS), scenario_report.summary(_RUNS), ""]
    )


# A bench that was measured


def _leg(name: str, crf: float, size: int, vmaf: float, **more: object) -> VariantResult:
    score = Score("vmaf", "vmaf_v0.6.1", 1080, vmaf, vmaf - 0.1, vmaf - 4, vmaf - 2, vmaf - 8)
    fields: dict[str, object] = {"seconds": 5.0, "speed": 2.0, "cpu_seconds": 9.5}
    return VariantResult(
        name=f"{name} crf {crf:g}",
        curve=name,
        crf=crf,
        size=size,
        saved=100 - size / 10_000,
        bitrate=size * 0.8,
        width=1920,
        height=1080,
        scores=(score,),
        **{**fields, **more},  # type: ignore[arg-type]
    )


_LEGS = (
    _leg("libx264", 18, 600_000, 97.5, vmaf_frames=(97.0, 98.0, 89.5), load=0.5,
         memory_bytes=150_000_000, stages={"encode": 4.0, "decode": 1.0},
         encode_line="ffmpeg -i clip.mp4 -crf 18 encode.mp4", measure_line="ffmpeg -i encode.mp4"),
    _leg("libx264", 23, 400_000, 95.25, sampled=True, sample_scores=(94.5, 96.0),
         vmaf_frames=(96.0, 95.5, 93.0)),
    _leg("libx264", 28, 250_000, 91.0),
    _leg("libx264", 33, 150_000, 84.0),
    _leg("libx265", 25, 300_000, 95.0, note="not what the contract exports", seconds=20.0),
    VariantResult(name="broken", curve="broken", complaint="the <pair> differs"),
)  # fmt: skip


def _moment(kind: str, number: int, frame: int) -> Moment:
    pictures = (FramePicture("source", b"a picture"), FramePicture(_LEGS[0].name, b"another"))
    size = {"left": 2, "top": 4, "width": 1280, "height": 720, "quality": 88}
    return Moment(kind, number, frame, frame / 30, {_LEGS[0].name: 89.5}, pictures, **size)


def _bench(seconds: float) -> BenchReport:
    created = Comparison(
        verdict="",
        source=SourceInfo("clip.mp4", "abc", 1920, 1080, 300, 30.0, seconds, 1_000_000, 98.5),
        shown=_LEGS[0].name,
        results=_LEGS,
        found=TargetSearchResult(
            95.0, "veryfast", 2.0, (CrfProbe(23, 95.4),), (CrfProbe(24, 95.1),), _LEGS[1].name
        ),
        savings=(
            BdRateSaving("libx265", "libx264", -31.5),
            BdRateSaving("other", "libx264", None, "no curve"),
        ),
        published=PUBLISHED_TIMES,
        spans=(SampleSpan(10, 2), SampleSpan(200, 1)),
        sample_line="ffmpeg -i clip.mp4 sample.mkv",
        moments=(_moment(WORST, 2, 200), _moment(MEDIAN, 1, 11)),
    )
    reported = msgspec.structs.replace(created, verdict=write_headline(created, 95.0))
    machine = MachineInfo("a processor", 4, 8_000_000_000, "a system", "3.x", "ffmpeg 7", "1.2.3")
    missing = {"h264_qsv": "no device"}
    return BenchReport(
        REPORT_FORMAT, machine, Instruments(True, True, "", 5), missing, "quick", 95.0, (reported,)
    )


_BENCH = _bench(10.0)
_OLD_BENCH = msgspec.structs.replace(
    _BENCH,
    comparisons=(
        msgspec.structs.replace(
            _BENCH.comparisons[0], results=(_leg("libx264", 23, 420_000, 95.0, seconds=6.0),)
        ),
    ),
)


def _bench_form(suffix: str) -> str:
    """What the command prints or writes once all has been measured."""
    Path("old.json").write_bytes(as_json(_OLD_BENCH))
    with mock.patch.object(compression_comparison, "compare", return_value=_BENCH):
        reported = _output("bench", "clip.mp4", "--report", "bench", "--compare", "old.json")
    return reported if suffix == "txt" else Path(f"bench/bench.{suffix}").read_bytes().decode()
