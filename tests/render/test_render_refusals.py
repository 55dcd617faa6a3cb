"""Nonsense in a draft is refused with the path of the field, in short names (REN-9)."""

import math
from pathlib import Path
from typing import Any

import pytest

from nemolocal_contract.draft import draft_from_wire
from nemolocal_render.media import MediaInfo
from nemolocal_render.planning.planner import DraftRejected, MediaSource, RenderPlan, plan_render

SOURCES = {
    "clip": MediaSource(Path("/media/1.mp4"), MediaInfo("video", "mp4", 10.0, 1280, 720, 30.0)),
    "music": MediaSource(Path("/media/4.m4a"), MediaInfo("audio", "m4a", 60.0, audio_codec="aac")),
    "photo": MediaSource(Path("/media/5.jpg"), MediaInfo("image", "jpg", 0.0, 4032, 3024)),
}


def clip(**fields: Any) -> dict[str, Any]:
    return {"s": 0, "d": 1000, "src": "clip", **fields}


def plan(*tracks: dict[str, Any], **draft: Any) -> RenderPlan:
    return plan_render(draft_from_wire({"t": list(tracks), **draft}), SOURCES)


def video(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"tt": 0, "sg": list(segments)}


def audio(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"tt": 1, "sg": list(segments)}


def text(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"tt": 7, "sg": list(segments)}


SIZE = {"mode": "size"}
MEGABYTES = "draft.m.compress.megabytes"
FX = "draft.t[0].sg[0].fx"

REFUSED: list[tuple[str, list[dict[str, Any]], dict[str, Any], str]] = [
    ("no tracks", [], {}, "draft.t"),
    ("no segments", [{"tt": 0, "sg": []}], {}, "draft.t"),
    ("only unknown tracks", [{"tt": 5, "sg": [clip()]}], {}, "draft.t"),
    ("no track type", [{"sg": [clip()]}], {}, "draft.t[0].tt"),
    ("wrong track type", [{"tt": "0", "sg": [clip()]}], {}, "draft.t[0].tt"),
    ("unknown media", [video(clip(), clip(s=1000, src="x"))], {}, "draft.t[0].sg[1].src"),
    ("no media", [video({"s": 0, "d": 5})], {}, "draft.t[0].sg[0].src"),
    ("sound as picture", [video(clip(src="music"))], {}, "draft.t[0].sg[0].src"),
    ("picture as sound", [audio(clip(src="photo"))], {}, "draft.t[0].sg[0].src"),
    ("negative start", [video(clip(s=-1))], {}, "draft.t[0].sg[0].s"),
    ("nan start", [video(clip(s=math.nan))], {}, "draft.t[0].sg[0].s"),
    ("endless", [video(clip(d=math.inf))], {}, "draft.t[0].sg[0].d"),
    ("nan", [video(clip(d=math.nan))], {}, "draft.t[0].sg[0].d"),
    ("huge", [video(clip(d=10**400))], {}, "draft.t[0].sg[0].d"),
    ("zero", [video(clip(d=0))], {}, "draft.t[0].sg[0].d"),
    ("no duration", [video({"s": 0, "src": "clip"})], {}, "draft.t[0].sg[0].d"),
    ("too late", [text(clip(s=7_000_000, d=700_000, txt="x"))], {}, "draft.t[0].sg[0].d"),
    ("past the end", [video(clip(ss=9500))], {}, "draft.t[0].sg[0].d"),
    ("starts past the end", [video(clip(ss=11000))], {}, "draft.t[0].sg[0].ss"),
    ("too fast", [video(clip(sp=9))], {}, "draft.t[0].sg[0].sp"),
    ("too loud", [video(clip(v=5))], {}, "draft.t[0].sg[0].v"),
    ("text as number", [video(clip(d="1000"))], {}, "draft.t[0].sg[0].d"),
    ("boolean as number", [video(clip(v=True))], {}, "draft.t[0].sg[0].v"),
    ("number as text", [text(clip(txt=3))], {}, "draft.t[0].sg[0].txt"),
    ("wrong style", [text(clip(txt="a", st={"size": []}))], {}, "draft.t[0].sg[0].st.size"),
    ("wrong style size", [text(clip(txt="a", st={"size": -2}))], {}, "draft.t[0].sg[0].st.size"),
    ("no text", [text(clip())], {}, "draft.t[0].sg[0].txt"),
    ("long text", [text(clip(txt="a" * 2001))], {}, "draft.t[0].sg[0].txt"),
    ("fades in too long", [video(clip(fi=1001))], {}, "draft.t[0].sg[0].fi"),
    ("fades out too long", [video(clip(fi=600, fo=600))], {}, "draft.t[0].sg[0].fo"),
    ("overlap", [video(clip(), clip(s=500))], {}, "draft.t[0].sg[1].s"),
    ("fit", [video(clip())], {"m": {"fit": "stretch"}}, "draft.m.fit"),
    ("resolution", [video(clip())], {"m": {"resolution": "8k"}}, "draft.m.resolution"),
    ("size", [video(clip())], {"m": {"compress": SIZE | {"megabytes": 0}}}, MEGABYTES),
    ("no size", [video(clip())], {"m": {"compress": SIZE}}, MEGABYTES),
    ("size in words", [video(clip())], {"m": {"compress": SIZE | {"megabytes": "x"}}}, MEGABYTES),
    ("tiny size", [video(clip())], {"m": {"compress": SIZE | {"megabytes": 0.001}}}, MEGABYTES),
    (
        "quality",
        [video(clip())],
        {"m": {"compress": {"mode": "quality", "quality": "best"}}},
        "draft.m.compress.quality",
    ),
    ("transition", [video(clip(tr={"type": "circle", "d": -1}))], {}, "draft.t[0].sg[0].tr.d"),
    ("effects", [video(clip(fx={}))], {}, "draft.t[0].sg[0].fx"),
    ("amount", [video(clip(fx=[{}, {"type": "blur", "amount": 2}]))], {}, f"{FX}[1].amount"),
    ("nan amount", [video(clip(fx=[{"type": "blur", "amount": math.nan}]))], {}, f"{FX}[0].amount"),
    ("no degrees", [video(clip(fx=[{"type": "rotate"}]))], {}, f"{FX}[0].degrees"),
    ("degrees", [video(clip(fx=[{"type": "rotate", "degrees": 45}]))], {}, f"{FX}[0].degrees"),
    ("axis", [video(clip(fx=[{"type": "flip", "axis": 1}]))], {}, f"{FX}[0].axis"),
    ("nothing left", [video(clip(fx=[{"type": "crop", "width": 0}]))], {}, f"{FX}[0].width"),
    (
        "outside",
        [video(clip(fx=[{"type": "crop", "y": 0.6, "height": 0.5}]))],
        {},
        f"{FX}[0].height",
    ),
    ("shorter than a frame", [video(clip(d=10))], {}, "draft.t"),
    ("wrong canvas", [video(clip())], {"m": {"width": "wide"}}, "draft.m.width"),
    ("tiny canvas", [video(clip())], {"m": {"width": 2, "height": 2}}, "draft.m.width"),
    ("nan canvas", [video(clip())], {"m": {"width": math.nan, "height": 9}}, "draft.m.width"),
    ("half a canvas", [video(clip())], {"m": {"width": 640}}, "draft.m.height"),
    ("other half", [video(clip())], {"m": {"height": 640}}, "draft.m.width"),
    ("rate", [video(clip())], {"m": {"fps": 0}}, "draft.m.fps"),
    ("compression", [video(clip())], {"m": {"compress": {"mode": "zip"}}}, "draft.m.compress.mode"),
    ("absurd length", [video(clip())], {"d": 10**400}, "draft.d"),
    ("many clips", [video(*[clip(s=n * 1000) for n in range(201)])], {}, "draft.t[0].sg"),
    ("many segments", [text(*[clip(txt="a") for _ in range(1001)])], {}, "draft.t"),
]


@pytest.mark.parametrize(
    ("tracks", "rest", "path"), [case[1:] for case in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_nonsense_is_refused_with_its_path(
    tracks: list[dict[str, Any]], rest: dict[str, Any], path: str
) -> None:
    with pytest.raises(DraftRejected) as refusal:
        plan(*tracks, **rest)
    assert refusal.value.path == path
    assert str(refusal.value) == f"{path}: {refusal.value.reason}"


def test_the_reason_is_said_in_words() -> None:
    with pytest.raises(DraftRejected, match=r"^draft\.t\[0\]\.sg\[0\]\.src: unknown media$"):
        plan(video(clip(src="nope")))
