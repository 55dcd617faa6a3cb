"""Recordings and what was learnt from them, as text."""

import errno
import json
import os
from pathlib import Path

import pytest

from nemolocal_recording.learning.evaluation import ClaimResult, RuleResult
from nemolocal_recording.learning.learning_text import result_lines, value_lines
from nemolocal_recording.learning.observations import Observation
from nemolocal_recording.learning.values import SeenShare, SeenValue
from nemolocal_recording.record_lines import (
    ChunkLine,
    EndLine,
    Header,
    RecordLine,
    RefusalLine,
    RequestBodyLine,
    RequestLine,
    ResponseBodyLine,
    ResponseLine,
)
from nemolocal_recording.recording import assemble
from nemolocal_recording.recording_file import RecordingFile, RecordingUnreadable, read_lines
from nemolocal_recording.recording_text import recording_lines


def request(exchange: int, path: str = "/api/x") -> RequestLine:
    return RequestLine(
        exchange, 1.5, "POST", "chat", "/api/{x}", path, [["q", "<text:3>"]], 1, {"accept": "*"}, 2
    )


def test_everything_that_is_recorded_is_in_the_text() -> None:
    recording = assemble(
        [
            Header(1_000.0, "cloud"),
            request(1),
            RequestBodyLine(1, 1.6, 20, {"kind": "json", "json": {"message": "<text:5>"}}),
            ResponseLine(1, 2.0, 200, {"content-type": "text/event-stream"}, 1),
            ChunkLine(1, 2.5, 9, [{"data": ""}]),
            ResponseBodyLine(1, 9, {"kind": "events", "frames": 1}, [(2.5, 9)]),
            EndLine(1, 3.0, "rst"),
            request(2, "/api/y"),
            RefusalLine(2, 4.0, "turns"),
            request(3, "/api/z"),
        ]
    )
    assert list(recording_lines(recording)) == [
        "recording of the cloud, without texts, begun at 1970-01-01T00:16:40.000Z (version 1), "
        "3 exchanges",
        "",
        "1. 1.500 s  POST /api/x q=<text:3>",
        "   endpoint: chat",
        "   template: /api/{x}",
        "   generation: 1",
        "   accept: *",
        "   2 other headers, not kept",
        '   1.600 s  body of 20 bytes: {"kind":"json","json":{"message":"<text:5>"}}',
        "   2.000 s  HTTP 200",
        "   content-type: text/event-stream",
        "   1 other header, not kept",
        "   2.500 s  chunk of 9 bytes",
        '      {"data":""}',
        '   body of 9 bytes: {"kind":"events","frames":1}',
        "   chunks: [[2.5,9]]",
        "   3.000 s  reset by the server",
        "",
        "2. 1.500 s  POST /api/y q=<text:3>",
        "   endpoint: chat",
        "   template: /api/{x}",
        "   generation: 1",
        "   accept: *",
        "   2 other headers, not kept",
        "   4.000 s  not forwarded: --max-turns",
        "",
        "3. 1.500 s  POST /api/z q=<text:3>",
        "   endpoint: chat",
        "   template: /api/{x}",
        "   generation: 1",
        "   accept: *",
        "   2 other headers, not kept",
        "   not recorded to its end",
    ]


def test_rules_are_listed_with_what_is_missing_and_what_contradicts() -> None:
    unseen = ClaimResult("CRD-1", "It adds up.", 2, 0, ("it",))
    cases = ClaimResult("SSE-5:seconds", "A turn takes its time.", 1, 0, ("edit", "talk"))
    results = [
        RuleResult("GEN-2", "alternative", (cases,), alternative="http"),
        RuleResult("CRD-1", "held", (unseen,), out_of_sight="the ledger"),
        RuleResult("SSE-2", "contradicted", (), exchange=7, actual="typed"),
        RuleResult("REN-4", "contradicted", (), exchange=8),
        RuleResult("AUTH-1", "not seen", ()),
    ]
    seen = [
        Observation("CRD-1", "held", day, f"hash-{day}", "cloud")
        for day in ("2026-01-01", "2026-01-02")
    ]
    lines = {line.split()[0]: line for line in result_lines(results, ["a.jsonl"], seen)}
    assert lines["SSE-2"].endswith("contradicted: typed (exchange 7 of a.jsonl)")
    assert lines["REN-4"].endswith("contradicted: several variants (exchange 8 of a.jsonl)")
    assert lines["GEN-2"].endswith(
        "alternative http: seen 1 time; not seen: SSE-5:seconds (edit, talk)"
    )
    assert lines["CRD-1"].endswith(
        "held: seen 2 times; not seen: CRD-1; a recording does not show the ledger"
        "; stable: 2 days in the cloud"
    )
    assert lines["AUTH-1"].endswith("not seen")


def test_values_are_told_with_their_spread() -> None:
    lines = value_lines(
        [SeenValue("heartbeat interval", 3, 9.5, 10, 11, "s")],
        SeenShare("silent edits", 3, 10, 0.108, 0.603),
    )
    assert list(lines) == [
        "heartbeat interval: 9.5 to 11, median 10 s (seen 3 times)",
        "silent edits: 3 of 10, 30 % (95 % interval: 11 to 60 %)",
    ]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b'{"line": "end", "exchange": 1, "at": 1, "ending": "clean"}\n', "no header"),
        (b'{"line": "recording", "started": 1, "server": "other", "version": 99}\n', "version 99"),
        (b"no json\n", "line 1"),
    ],
)
def test_file_that_is_no_recording_says_why(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(RecordingUnreadable, match=reason):
        list(read_lines(path))


def test_missing_file_says_why(tmp_path: Path) -> None:
    with pytest.raises(RecordingUnreadable, match="No such file"):
        list(read_lines(tmp_path / "missing.jsonl"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device is full here")
def test_recording_stops_at_the_first_failed_write(tmp_path: Path) -> None:
    file = RecordingFile(tmp_path / "x.jsonl")
    file.write(Header(1.0, "other"))
    with open("/dev/full", "wb") as full:
        os.dup2(full.fileno(), file._descriptor)
    file.write(request(1))
    file.write(request(2))
    file.close()
    assert file.error is not None
    assert file.error.errno == errno.ENOSPC
    assert list(read_lines(file.path)) == [Header(1.0, "other")]


def test_json_of_the_file_is_that_of_its_lines(tmp_path: Path) -> None:
    file = RecordingFile(tmp_path / "x.jsonl")
    lines: list[RecordLine] = [Header(1.0, "other"), request(1), EndLine(1, 2.0, "clean")]
    for line in lines:
        file.write(line)
    file.close()
    assert list(read_lines(file.path)) == lines
    kinds = [json.loads(row)["line"] for row in file.path.read_text().splitlines()]
    assert kinds == ["recording", "request", "end"]
