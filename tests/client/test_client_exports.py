"""The export: state first, polled as the policy says, once more with a new id (CLI-8)."""

from pathlib import Path
from typing import Any

import pytest

from nemolocal_client import (
    BadReply,
    BadRequest,
    Client,
    ExportBlocked,
    FileProblem,
    NothingToExport,
    Notice,
    PollPolicy,
    RenderFailed,
)
from tests.support.client_faces import ClientFactory
from tests.support.scripted_backend import Answer, Cut, Piece, ReceivedRequest, ScriptedBackend

RENDER = "/api/render/proxy/lambda"
STATUS = "/api/render/proxy/lambda/"


def submissions(backend: ScriptedBackend) -> list[Any]:
    """The bodies of all submits."""
    return [r.json for r in backend.of(RENDER) if r.method == "POST"]


def status(backend: ScriptedBackend, state: str, **more: Any) -> Answer:
    """A status reply for whatever render is asked for."""

    def answer(request: ReceivedRequest) -> list[Piece]:
        render = request.json["id"] if request.body else request.path.rpartition("/")[2]
        return backend.wire.json({"id": render, "status": state, **more})

    return answer


@pytest.mark.slow
def test_state_is_read_then_submitted_polled_and_downloaded(
    client: Client, backend: ScriptedBackend, tmp_path: Path, video: bytes
) -> None:
    client.open_session()
    done = client.export(tmp_path / "out.mp4")
    assert [path.split("/nemo_agent")[0] for path in backend.paths()[2:]] == [
        "GET /api/state",
        "POST /api/render/proxy/lambda",
        "GET /api/render/proxy/lambda/render_1700000000000",
        "GET /cdn/x.mp4",
    ]
    assert done.path.read_bytes() == video
    assert (done.seconds, done.size, done.url) == (10.0, len(video), "/cdn/x.mp4")


@pytest.mark.slow
def test_submit_has_the_shape_of_the_contract(
    client: Client, backend: ScriptedBackend, tmp_path: Path
) -> None:
    client.export(tmp_path / "out.mp4")
    assert submissions(backend) == [
        {
            "id": "render_1700000000000",
            "sessionId": "1" * 19,
            "draft": backend.draft,
            "output": {"format": "mp4", "quality": "high"},
        }
    ]


@pytest.mark.slow
def test_warnings_of_the_render_are_handed_on(
    client: Client, backend: ScriptedBackend, tmp_path: Path
) -> None:
    done = {"url": "/cdn/x.mp4"}
    backend.arm(STATUS, status(backend, "completed", output=done, warnings=["no glyph for 字"]))
    assert client.export(tmp_path / "out.mp4").warnings == ("no glyph for 字",)


@pytest.mark.slow
def test_resolution_is_asked_for_when_given(
    client: Client, backend: ScriptedBackend, tmp_path: Path
) -> None:
    client.export(str(tmp_path / "out.mp4"), resolution="4k")
    assert submissions(backend)[0]["output"]["resolution"] == "4k"


@pytest.mark.slow
def test_empty_timeline_is_not_submitted(
    client: Client, backend: ScriptedBackend, tmp_path: Path
) -> None:
    backend.draft = {"t": [{"tt": 0, "sg": []}]}
    with pytest.raises(NothingToExport, match="upload a file and ask for an edit first"):
        client.export(tmp_path / "out.mp4")
    assert not submissions(backend)


@pytest.mark.slow
def test_destination_is_checked_before_anything_is_submitted(
    client: Client, backend: ScriptedBackend, tmp_path: Path
) -> None:
    with pytest.raises(FileProblem, match="folder not found"):
        client.export(tmp_path / "none" / "out.mp4")
    assert not submissions(backend)


@pytest.mark.slow
def test_polls_are_thirty_seconds_apart(
    client: Client, backend: ScriptedBackend, tmp_path: Path, notices: list[Notice]
) -> None:
    backend.arm(STATUS, *[status(backend, "processing", progress=p) for p in (10, 60)])
    client.export(tmp_path / "out.mp4")
    times = [r.at - backend.received[0].at for r in backend.of(RENDER)]
    assert times == [0, 30, 60, 90]
    shown = [n.progress for n in notices if n.kind == "render"]
    assert shown == [0, 0.1, 0.6]


@pytest.mark.slow
def test_ten_polls_and_no_more(client: Client, backend: ScriptedBackend, tmp_path: Path) -> None:
    backend.arm(STATUS, *[status(backend, "processing")] * 20)
    with pytest.raises(RenderFailed, match="within 10 checks, 30 s apart"):
        client.export(tmp_path / "out.mp4")
    assert len(backend.of(STATUS)) == 10
    assert len(submissions(backend)) == 1


def test_render_that_completes_at_the_last_poll_counts(
    client: Client, backend: ScriptedBackend, tmp_path: Path
) -> None:
    backend.arm(STATUS, *[status(backend, "processing")] * 9)
    assert client.export(tmp_path / "out.mp4").size
    assert len(backend.of(STATUS)) == 10


@pytest.mark.slow
def test_policy_decides_how_often_it_is_polled(
    make_client: ClientFactory, backend: ScriptedBackend, tmp_path: Path
) -> None:
    backend.arm(STATUS, *[status(backend, "processing")] * 20)
    client = make_client(polling=PollPolicy(0.5, 3))
    with pytest.raises(RenderFailed, match="3 checks"):
        client.export(tmp_path / "out.mp4")
    assert [r.at - backend.received[0].at for r in backend.of(STATUS)] == [0.5, 1.0, 1.5]


@pytest.mark.slow
def test_failed_render_is_tried_once_more_with_a_new_id(
    client: Client, backend: ScriptedBackend, tmp_path: Path
) -> None:
    backend.arm(STATUS, status(backend, "failed", error="out of memory"))
    client.export(tmp_path / "out.mp4")
    first, second = submissions(backend)
    assert first["id"] != second["id"]
    assert first["draft"] == second["draft"]


@pytest.mark.slow
def test_render_that_fails_twice_says_why(
    client: Client, backend: ScriptedBackend, tmp_path: Path
) -> None:
    failed = status(backend, "failed", error="out of memory")
    backend.arm(STATUS, failed, failed)
    with pytest.raises(RenderFailed, match="out of memory"):
        client.export(tmp_path / "out.mp4")
    assert len(submissions(backend)) == 2


@pytest.mark.slow
def test_failure_at_submit_is_tried_once_more_as_well(
    client: Client, backend: ScriptedBackend, tmp_path: Path
) -> None:
    backend.arm(RENDER, status(backend, "failed", error="busy"))
    client.export(tmp_path / "out.mp4")
    first, second = submissions(backend)
    # No time has passed, and the id is another one all the same.
    assert (first["id"], second["id"]) == ("render_1700000000000", "render_1700000000001")


@pytest.mark.slow
def test_duplicate_id_is_mended_by_a_new_one(
    client: Client, backend: ScriptedBackend, tmp_path: Path
) -> None:
    backend.arm(RENDER, backend.wire.fail(400, "duplicate id 'render_1'", 400))
    client.export(tmp_path / "out.mp4")
    assert len({body["id"] for body in submissions(backend)}) == 2


def test_draft_that_is_refused_is_not_submitted_again(
    client: Client, backend: ScriptedBackend, tmp_path: Path
) -> None:
    backend.arm(RENDER, backend.wire.fail(400, "draft.t[0].sg[0].src is unknown", 400))
    with pytest.raises(BadRequest, match=r"draft.t\[0\].sg\[0\].src is unknown"):
        client.export(tmp_path / "out.mp4")
    assert len(submissions(backend)) == 1


@pytest.mark.slow
def test_blocked_export_says_to_register_or_upgrade(
    client: Client, backend: ScriptedBackend, tmp_path: Path
) -> None:
    backend.arm(RENDER, backend.wire.fail(402, "no credits", 402))
    with pytest.raises(ExportBlocked) as caught:
        client.export(tmp_path / "out.mp4")
    assert "register or upgrade your plan to unlock export" in str(caught.value)
    assert "credit" not in str(caught.value)


def test_submit_whose_reply_is_lost_is_asked_about_and_not_sent_again(
    client: Client, backend: ScriptedBackend, tmp_path: Path, cut: type[Cut]
) -> None:
    backend.arm(RENDER, [cut()])
    client.export(tmp_path / "out.mp4")
    assert len(submissions(backend)) == 1


@pytest.mark.slow
def test_poll_that_goes_wrong_is_one_poll_of_ten(
    client: Client, backend: ScriptedBackend, tmp_path: Path, cut: type[Cut]
) -> None:
    backend.arm(STATUS, backend.wire.html(502), [cut()])
    client.export(tmp_path / "out.mp4")
    assert len(backend.of(STATUS)) == 3


def test_polls_that_all_go_wrong_end_with_the_reason(
    client: Client, backend: ScriptedBackend, tmp_path: Path
) -> None:
    backend.arm(STATUS, *[backend.wire.html(502)] * 10)
    with pytest.raises(BadReply, match="HTTP 502"):
        client.export(tmp_path / "out.mp4")


@pytest.mark.slow
def test_nested_render_replies_are_read(
    client: Client, backend: ScriptedBackend, tmp_path: Path, video: bytes
) -> None:
    nested = {"id": "render_1", "status": "completed", "progress": 100, "outputUrl": "/cdn/x.mp4"}
    backend.arm(RENDER, backend.wire.json({"success": True, "data": nested}))
    done = client.export(tmp_path / "out.mp4")
    # The nested shape gives no length: the draft does.
    assert (done.seconds, done.size) == (10.0, len(video))


@pytest.mark.slow
@pytest.mark.rule("REN-8")
def test_export_whose_wait_was_given_up_can_be_cancelled(
    client: Client, backend: ScriptedBackend, tmp_path: Path
) -> None:
    backend.arm(STATUS, *[status(backend, "processing")] * 10)
    with pytest.raises(RenderFailed):
        client.export(tmp_path / "out.mp4")
    render = submissions(backend)[0]["id"]
    cancelled = backend.wire.json({"id": render, "status": "failed", "error": "cancelled"})
    backend.arm(f"{RENDER}/{render}/cancel", cancelled)
    assert client.cancel_export()
    assert backend.paths()[-1] == f"POST {RENDER}/{render}/cancel"
    assert not client.cancel_export()
    assert backend.paths()[-1] == f"POST {RENDER}/{render}/cancel"


def test_without_an_export_there_is_nothing_to_cancel(
    client: Client, backend: ScriptedBackend, tmp_path: Path
) -> None:
    assert not client.cancel_export()
    client.export(tmp_path / "out.mp4")
    assert not client.cancel_export()
    assert not [path for path in backend.paths() if path.endswith("/cancel")]


@pytest.mark.slow
def test_export_that_had_ended_already_is_not_cancelled(
    client: Client, backend: ScriptedBackend, tmp_path: Path
) -> None:
    backend.arm(STATUS, *[status(backend, "processing")] * 10)
    with pytest.raises(RenderFailed):
        client.export(tmp_path / "out.mp4")
    render = submissions(backend)[0]["id"]
    backend.arm(f"{RENDER}/{render}/cancel", backend.completed(render))
    assert not client.cancel_export()
