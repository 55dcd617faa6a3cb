"""Uploads and drafts that were made to do harm, sent to a server that really renders."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

FIXTURES = Path(__file__).parents[2] / "fixtures"
NAMES = [
    "-rf.mp4",
    "--version.mp4",
    "file:name.mp4",
    "http://x.mp4",
    "pipe:0.mp4",
    "%03d.mp4",
    "%{pts}.mp4",
    "a'b;[v]movie=x.mp4",
    "$(id) `id` && id.mp4",
    "a\nb.mp4",
    "a\0b.mp4",
    "../../../up.mp4",
    "..\\..\\up.mp4",
    "/etc/up.mp4",
    "\u202egpj.mp4",
    "x" * 3000 + ".mp4",
    "名前 .mp4",
    ".mp4",
    "shout.MP4",
]

# Small files of huge pictures; to make them takes a second.
PICTURES = ("widest.png", "wide.gif", "profile.png")


def script(name: str) -> ModuleType:
    path = FIXTURES / "attacks" / name
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def rendering(servers: ServerFactory, new_caller: NewCaller, data: Path) -> HttpCaller:
    """A caller of a server that renders with FFmpeg."""
    return new_caller(servers.start(data_dir=data)).connect()


def send(caller: HttpCaller, name: str, content: bytes) -> dict[str, Any]:
    """Upload under a name that goes as it is, not as a library would write it."""
    written = name.encode().replace(b'"', b"%22")
    head = b'Content-Disposition: form-data; name="files"; filename="' + written + b'"'
    body = b"--b\r\n" + head + b"\r\n\r\n" + content + b"\r\n--b--\r\n"
    reply: dict[str, Any] = caller.post(
        f"/api/upload-video/nemo_agent/me/{caller.session}",
        content=body,
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    return reply


def asset(reply: dict[str, Any]) -> str:
    return Path(reply["data"]["files"][0]["cdn_url"]).stem


def kept(data: Path) -> list[Path]:
    return [path for path in data.rglob("*") if path.is_file() and "nemolocal" not in path.name]


@pytest.mark.rule("UPL-3", "UPL-5")
@pytest.mark.parametrize(
    "names",
    [
        ["playlist.mp4", "svg.png"],
        pytest.param(
            ["concat.mp4", "dash.webm", "laughs.jpg", "subtitles.avi", *PICTURES],
            marks=pytest.mark.slow,
        ),
    ],
    ids=["some", "others"],
)
def test_attacks_are_4001_with_a_reason_and_leave_nothing(
    rendering: HttpCaller, data: Path, sample: Path, names: list[str]
) -> None:
    clip = sample.read_bytes()
    good = dict.fromkeys(["clip.mp4", "clip.mkv", "still.jpg", "still.gif", "tone.wav"], clip)
    attacks = script("lures.py").lures("/etc/passwd", "http://127.0.0.1:9", good)
    known = attacks | (script("bombs.py").picture_bombs() if set(PICTURES) & set(names) else {})
    for name, (content, reason) in ((name, known[name]) for name in names):
        reply = send(rendering, name, content)
        assert reply["code"] == 4001, name
        assert reason in reply["message"], reply
        assert "Accepted: mp4, mov" in reply["message"]
        assert str(data) not in reply["message"]
    assert kept(data) == []
    assert rendering.state()["state"]["video_infos"] == []


@pytest.mark.slow
@pytest.mark.ffmpeg
@pytest.mark.rule("UPL-2")
def test_names_are_told_and_never_used(rendering: HttpCaller, data: Path, sample: Path) -> None:
    content = sample.read_bytes()
    assets = []
    for name in NAMES:
        reply = send(rendering, name, content)
        if reply["code"] == 400 and set(name) & set("\n\0"):
            continue  # no header holds such a name
        assert reply["code"] == 0, (name, reply)
        assets.append(asset(reply))
    assert len(assets) >= len(NAMES) - 2
    assert {path.parent.name for path in kept(data)} == {"media"}
    assert all(path.stem in assets and path.suffix == ".mp4" for path in kept(data))
    segments = [{"s": 100 * n, "d": 100, "src": one, "v": 0} for n, one in enumerate(assets)]
    draft = {"t": [{"tt": 0, "sg": segments}], "m": {"width": 64, "height": 36, "fps": 30}}
    assert rendering.submit("render_1", draft)["status"] == "pending"
    done = rendering.finished("render_1")
    assert done["status"] == "completed", done
    assert done["output"]["duration"] == pytest.approx(0.1 * len(assets))


def long(text: str) -> dict[str, Any]:
    return {"s": 0, "d": 200, "txt": text}


@pytest.mark.rule("REN-9")
@pytest.mark.parametrize(
    ("segment", "path"),
    [
        (long("a" * 100_000), "draft.t[0].sg[0].txt: is longer"),
        ({**long("a"), "st": {"size": 1e9}}, "draft.t[0].sg[0].st.size"),
        ({**long("a"), "d": 1e18}, "draft.t[0].sg[0].d"),
        ({"s": 0, "d": 200, "txt": None}, "draft.t[0].sg[0].txt"),
    ],
)
def test_a_draft_made_to_do_harm_is_400_with_its_path(
    rendering: HttpCaller, segment: dict[str, Any], path: str
) -> None:
    reply = rendering.submit("render_1", {"t": [{"tt": 7, "sg": [segment]}]})
    assert (reply["code"], path in reply["message"]) == (400, True), reply


@pytest.mark.parametrize(
    "source",
    ["/etc/passwd", "../media/x", "file:///etc/passwd", "http://127.0.0.1:9/", "concat:a|b"],
)
def test_a_source_is_an_asset_and_nothing_else(rendering: HttpCaller, source: str) -> None:
    draft = {"t": [{"tt": 0, "sg": [{"s": 0, "d": 200, "src": source}]}]}
    reply = rendering.submit("render_1", draft)
    assert reply["code"] == 400
    assert reply["message"] == "draft.t[0].sg[0].src: unknown media"


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_hostile_titles_are_rendered_as_texts(rendering: HttpCaller, data: Path) -> None:
    texts = [r"{\p1}m 0 0", "%{pts}", "it's", "back\\slash", "nul\0", "\u202egpj", "W" * 2000]
    segments = [{"s": 100 * n, "d": 100, "txt": text} for n, text in enumerate(texts)]
    draft = {"t": [{"tt": 7, "sg": segments}], "m": {"width": 64, "height": 36, "fps": 30}}
    assert rendering.submit("render_1", draft)["status"] == "pending"
    assert rendering.finished("render_1")["status"] == "completed"
    assert [path.parent.name for path in kept(data)] == ["renders"]
