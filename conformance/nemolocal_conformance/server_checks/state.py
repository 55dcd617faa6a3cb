"""Section 7: the state and its draft (STA-1 to STA-5)."""

from typing import Any

from nemolocal_contract import endpoints as wire
from nemolocal_contract.codes import Code

from ..check import check
from ..expectations import expect, expect_one_of, expect_that, expect_type, field
from ..failures import expect_failure
from ..samples import CLIP, CLIP_SECONDS
from ..stage import PUT_ON_TIMELINE, Stage

_TITLE = "add a title 'Hello' for 1 second"
_SEGMENT_NAMES = {"id", "s", "d", "src", "ss", "sp", "v", "txt", "st", "fi", "fo", "tr", "fx", "m"}


def _segments(draft: dict[str, Any]) -> list[dict[str, Any]]:
    return [segment for track in draft["t"] for segment in track.get("sg") or ()]


@check("state.fields.outer", "STA-1", needs="session")
def state_names_its_session(stage: Stage) -> None:
    """`data` of a state MUST have session_id, task_id, task_name, user_id and state."""
    data = stage.state(stage.session)
    for name in ("session_id", "task_id", "task_name", "user_id"):
        expect_type(f"data.{name}", field("data", data, name), str)
    expect("data.session_id", data["session_id"], stage.session)
    expect_type("data.state", field("data", data, "state"), dict)


@check("state.fields.inner", "STA-1", needs="session")
def state_has_its_parts(stage: Stage) -> None:
    """`data.state` MUST have draft, video_infos, canvas_config and generated_media."""
    state = field("data", stage.state(stage.session), "state")
    expect_type("draft", field("state", state, "draft"), dict)
    expect_type("video_infos", field("state", state, "video_infos"), list)
    expect_type("generated_media", field("state", state, "generated_media"), list)
    canvas = field("state", state, "canvas_config")
    for name in ("width", "height", "ratio"):
        field("canvas_config", canvas, name)


@check("state.fields.task-name", "STA-1", "SES-1", needs="token")
def task_name_is_kept(stage: Stage) -> None:
    """`task_name` MUST be what the session was opened with."""
    session = stage.new_session(task_name="holiday film")
    expect("data.task_name", stage.state(session)["task_name"], "holiday film")


@check("state.uploads.listed", "STA-1", "UPL-2", needs="upload")
def uploads_are_in_video_infos(stage: Stage) -> None:
    """What was uploaded MUST be in `video_infos`."""
    infos = field("data", stage.state(stage.uploaded), "state", "video_infos")
    expect("names in video_infos", [info.get("filename") for info in infos], [CLIP])


@check("state.draft.names", "STA-2", needs="edit")
def draft_has_short_names(stage: Stage) -> None:
    """A draft MUST have its tracks in `t`, each with `tt` and `sg`, and its length in `d`."""
    draft = stage.draft(stage.edited)
    tracks = expect_type("t", field("draft", draft, "t"), list)
    expect_type("d", field("draft", draft, "d"), int, float)
    for track in tracks:
        expect_one_of("tt", field("track", track, "tt"), (0, 1, 7))
        expect_type("sg", field("track", track, "sg"), list)


@check("state.draft.video-type", "STA-2", needs="edit")
def video_is_of_type_0(stage: Stage) -> None:
    """A clip MUST stand on a track of type 0."""
    types = [t["tt"] for t in stage.draft(stage.edited)["t"] if t.get("sg")]
    expect("types of tracks", types, [0])


@check("state.draft.text-type", "STA-2", needs="token", credits=50)
def title_is_of_type_7(stage: Stage) -> None:
    """A title MUST stand on a track of type 7."""
    session = stage.new_edited()
    stage.say(session, _TITLE)
    types = [t["tt"] for t in stage.draft(session)["t"] if t.get("sg")]
    expect("types of tracks", sorted(types), [0, 7])


@check("state.draft.milliseconds", "STA-2", needs="edit")
def draft_is_measured_in_milliseconds(stage: Stage) -> None:
    """Lengths MUST be milliseconds: a clip of 2 s is 2,000 long."""
    draft = stage.draft(stage.edited)
    off = abs(draft["d"] - 1000 * CLIP_SECONDS)
    expect_that("d", off <= 100, "2000, to a few frames", draft["d"])


@check("state.ready.after-edit", "STA-3", needs="token", credits=50)
def edited_draft_is_ready(stage: Stage) -> None:
    """After a clip was put on it, a timeline MUST have a track with a segment in `sg`."""
    session = stage.new_session()
    stage.upload(session, CLIP)
    stage.say(session, PUT_ON_TIMELINE)
    draft = stage.draft(session)
    filled = [track for track in field("draft", draft, "t") if track.get("sg")]
    expect_that("tracks with segments", bool(filled), "at least one", draft)


@check("state.segment.names", "STA-4", needs="edit")
def segment_names_are_ours(stage: Stage) -> None:
    """The names in a segment SHOULD be those of this project, which nobody else publishes."""
    names = set().union(*_segments(stage.draft(stage.edited)))
    expect("names that are not ours", sorted(names - _SEGMENT_NAMES), [])


@check("state.segment.times", "STA-4", needs="token", credits=50)
def segments_do_not_overlap(stage: Stage) -> None:
    """Segments of a track MUST have no negative time and not overlap."""
    session = stage.new_edited()
    stage.say(session, _TITLE)
    for track in stage.draft(session)["t"]:
        at = 0
        for segment in sorted(track["sg"], key=lambda s: s["s"]):
            expect_that("s", segment["s"] >= at, f"at least {at}", segment["s"])
            expect_that("d", segment["d"] > 0, "more than 0", segment["d"])
            at = segment["s"] + segment["d"]


@check("state.newest", "STA-1", "SES-2", needs="token", credits=50)
def latest_is_the_newest(stage: Stage) -> None:
    """`latest` MUST be the draft after the last edit, each time it is asked."""
    session = stage.new_edited()
    stage.say(session, _TITLE)
    first = stage.draft(session)
    texts = [segment["txt"] for segment in _segments(first) if "txt" in segment]
    expect("titles", texts, ["Hello"])
    expect("asked again", stage.draft(session), first)


@check("state.read-only", "STA-1", "CRD-1", needs="edit")
def reading_changes_nothing(stage: Stage) -> None:
    """Reading the state MUST change neither draft nor balance."""
    before = stage.draft(stage.edited), stage.balance()
    stage.state(stage.edited)
    expect("draft and balance", (stage.draft(stage.edited), stage.balance()), before)


@check("state.bad-id", "SES-3", needs="token")
def odd_session_ids_are_not_found(stage: Stage) -> None:
    """A session id that no session can have MUST be 1002."""
    for odd in ("abc", "0", "9" * 60, "%2e%2e", "-1"):
        answer = stage.call(wire.STATE, session=odd)
        expect_failure(stage, answer, Code.SESSION_NOT_FOUND)
