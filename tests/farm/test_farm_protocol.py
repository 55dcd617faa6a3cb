"""What passes between server, engine and workers: sealed, signed, checked."""

import asyncio
import re
import stat
from collections.abc import AsyncIterator
from fractions import Fraction
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, strategies as st
from temporalio.api.common.v1 import Payload

from nemolocal_contract.draft import draft_from_wire
from nemolocal_contract.effect_presets import effect_presets
from nemolocal_contract.effects import TRANSITIONS
from nemolocal_contract.endpoints import FARM_PREFIX, RENDERS
from nemolocal_farm.farm_key import FarmKey, FarmSetupError, read_farm_key, write_farm_key
from nemolocal_farm.part_store import PartRejected, PartStore, PartUnwanted
from nemolocal_farm.part_tasks import (
    DIGEST_HEADER,
    TaskRejected,
    decode_plan_of_task,
    decode_task,
    encode_plan_for_workers,
    files_of_part,
    part_id,
)
from nemolocal_farm.sealed_payloads import SealBroken, SealingCodec
from nemolocal_farm.signed_paths import is_signed, sign_path
from nemolocal_farm.transfer_app import build_transfer_app, file_path, upload_path
from nemolocal_farm.worker_transfers import RenderEnded, WorkerTransfers
from nemolocal_render.filtergraph.ffmpeg_commands import EncodeResources, render_command
from nemolocal_render.media import MediaInfo, MediaSource
from nemolocal_render.planning.plan_splitting import split_by_seconds
from nemolocal_render.planning.planner import OutputSpec, plan_render
from nemolocal_render.planning.render_plan import ClipSlice, RenderPlan, VideoClip
from nemolocal_server import Settings
from nemolocal_server.access.access_policy import AccessPolicy, AccessRequest

KEY = FarmKey(b"s" * 32, b"u" * 32)
OTHER = FarmKey(b"t" * 32, b"v" * 32)
PART = "0123456789abcdef0123456789abcdef"


def test_a_key_is_written_once_and_only_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "farm.key"
    write_farm_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = read_farm_key(path)
    assert len({key.sealing, key.signing}) == 2
    with pytest.raises(FarmSetupError, match="exists already"):
        write_farm_key(path)
    assert read_farm_key(path) == key
    write_farm_key(tmp_path / "other.key")
    assert read_farm_key(tmp_path / "other.key") != key


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a key file"),
        (b"nemolocal-farm-key-1:c2hvcnQ=", "is not a key file"),
        (b"nemolocal-farm-key-1:!!!!", "is not a key file"),
        (b"\xff\xfe", "is not a key file"),
        (None, "key file not found: .*; `nemolocal farm key .*` makes one"),
    ],
)
def test_a_file_that_is_no_key_is_refused(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "farm.key").write_bytes(content)
    with pytest.raises(FarmSetupError, match=message):
        read_farm_key(tmp_path / "farm.key")


def test_the_engine_sees_nothing_and_can_change_nothing() -> None:
    payload = Payload(metadata={"encoding": b"binary/plain"}, data=b"a private title")
    (sealed,) = asyncio.run(SealingCodec(KEY).encode([payload]))
    assert b"private" not in sealed.SerializeToString()
    assert asyncio.run(SealingCodec(KEY).decode([sealed])) == [payload]
    changed = Payload(
        metadata=sealed.metadata, data=sealed.data[:-1] + bytes([sealed.data[-1] ^ 1])
    )
    for refused in (payload, changed, Payload(metadata=sealed.metadata, data=b"")):
        with pytest.raises(SealBroken):
            asyncio.run(SealingCodec(KEY).decode([refused]))
    with pytest.raises(SealBroken):
        asyncio.run(SealingCodec(OTHER).decode([sealed]))


def test_a_signed_path_is_valid_for_one_method_and_a_while() -> None:
    path, _, query = sign_path(KEY, "GET", "/a/b", 60).partition("?")
    assert is_signed(KEY, "GET", path, query)
    assert not is_signed(KEY, "PUT", path, query)
    assert not is_signed(KEY, "GET", "/a/c", query)
    assert not is_signed(OTHER, "GET", path, query)
    assert not is_signed(KEY, "GET", path, query.replace("expires=", "expires=9"))
    assert not is_signed(KEY, "GET", path, "")
    _, _, late = sign_path(KEY, "GET", "/a/b", -2).partition("?")
    assert not is_signed(KEY, "GET", path, late)


CLIP = MediaSource(Path("/media/clip.mp4"), MediaInfo("video", "mp4", 60.0, 640, 360, 29.97))
LOGO = MediaSource(Path("/media/logo.png"), MediaInfo("image", "png", width=80, height=40))
EFFECTS: list[dict[str, Any]] = [
    *({"type": name, "amount": 0.5} for name in effect_presets()),
    {"type": "zoom", "start": 1, "end": 2},
    {"type": "crop", "x": 0.1, "y": 0.1, "width": 0.5, "height": 0.5},
    {"type": "stabilize", "amount": 0.5},
    {"type": "chroma-key", "color": "green"},
    {"type": "smooth-motion"},
    {"type": "freeze"},
    {"type": "solid", "color": "red"},
    {"type": "lut", "source": "look.cube", "amount": 0.5},
]


@pytest.mark.slow
@given(
    effects=st.lists(st.sampled_from(EFFECTS), max_size=3),
    transition=st.sampled_from(TRANSITIONS),
    fps=st.sampled_from([24, 29.97, 60]),
    title=st.sampled_from([{}, {"fx": [{"type": "typewriter"}]}, {"f": "Serif"}]),
)
def test_a_worker_makes_the_command_that_the_server_would(
    effects: list[dict[str, Any]], transition: str, fps: float, title: dict[str, Any]
) -> None:
    first = {"src": "clip", "s": 0, "d": 12_000, "fx": effects}
    second = {"src": "clip", "s": 12_000, "d": 12_000, "ss": 20_000}
    first["tr"] = {"type": transition, "d": 500}
    logo = {"src": "logo", "s": 0, "d": 24_000, "fx": [{"type": "overlay"}]}
    text = {"s": 0, "d": 24_000, "txt": "héllo", **title}
    tracks = [{"tt": 0, "sg": [first, second]}, {"tt": 0, "sg": [logo]}, {"tt": 7, "sg": [text]}]
    sources = {"clip": CLIP, "logo": LOGO, "look.cube": MediaSource(Path("l.cube"), LUT)}
    wire = {"t": tracks, "m": {"fps": fps, "compress": {"mode": "rtk"}}}
    plan = plan_render(draft_from_wire(wire), sources, OutputSpec())
    for part in split_by_seconds(plan, 8.0)[:2]:
        paths = {f"source-{n}": source.path for n, source in enumerate(part.sources)}
        text_of_part = encode_plan_for_workers(part)
        assert b"/media/" not in text_of_part
        arrived = decode_plan_of_task(text_of_part, paths)
        machine = EncodeResources("libx264", 2, tone_mapping=True, motion_measured=True)
        assert render_command(arrived, machine, "x.mp4") == render_command(part, machine, "x.mp4")


LUT = MediaInfo("lut", "cube", lut="3d")


def small_part() -> RenderPlan:
    from nemolocal_render.planning.output_settings import QUALITY_SETTINGS

    layer = (ClipSlice(VideoClip(CLIP, 30), 0, 30),)
    return RenderPlan(640, 360, Fraction(30), 30, 0, QUALITY_SETTINGS["low"], (layer,))


def test_equal_parts_have_one_id_and_others_another() -> None:
    machine, digests = EncodeResources("libx264", 2), {"source-0": (5, "ab")}
    plan = encode_plan_for_workers(small_part())
    same = part_id("1", plan, machine, digests)
    assert same == part_id("1", plan, machine, dict(digests))
    other_plan = encode_plan_for_workers(msgspec.structs.replace(small_part(), start_frame=1))
    others = {
        part_id("2", plan, machine, digests),
        part_id("1", other_plan, machine, digests),
        part_id("1", plan, EncodeResources("libx264", 4), digests),
        part_id("1", plan, machine, {"source-0": (5, "cd")}),
    }
    assert len(others | {same}) == 5


def task_with(**changes: Any) -> bytes:
    file = {"name": "source-0", "size": 1, "sha256": "ab" * 32, "path": "/x", **changes}
    plan = msgspec.Raw(encode_plan_for_workers(small_part()))
    machine = {"encoder": "libx264", "cores": 2}
    task = {"id": PART, "plan": plan, "machine": machine, "files": [file], "upload": "/u"}
    return msgspec.json.encode(task)


OUTSIDE = ("../x", "fonts/../../x.ttf", "/etc/passwd", "source-0/x", "part.mp4", "titles.ass\n")


def test_a_task_names_no_path_of_the_worker() -> None:
    assert decode_task(task_with()).files[0].is_source
    for name in OUTSIDE:
        with pytest.raises(TaskRejected, match="unknown name"):
            decode_task(task_with(name=name))
    digest = "ab" * 32
    wrong: tuple[dict[str, Any], ...] = (
        {"size": "large"},
        {"ranges": [{"begin": -1, "end": 1, "sha256": digest}]},
        {"ranges": [{"begin": 0, "end": 2, "sha256": digest}]},
        {"ranges": [{"begin": 1, "end": 1, "sha256": digest}]},
        {"shared": "../clip.mp4"},
        {"shared": ".hidden"},
        {"shared": "/etc/passwd"},
        {"command": "rm"},
        {"sha256": "../../x"},
        {"path": "@example.com/x"},
    )
    for text in (b"", b"[]", b'{"id": 1}', *(task_with(**changes) for changes in wrong)):
        with pytest.raises(TaskRejected):
            decode_task(text)
    plan = encode_plan_for_workers(small_part())
    with pytest.raises(TaskRejected, match="'source-0' is not known"):
        decode_plan_of_task(plan, {})
    with pytest.raises(TaskRejected):
        decode_plan_of_task(plan.replace(b'"30/1"', b'"30/0"'), {"source-0": CLIP.path})


def test_a_plan_with_a_value_of_no_known_type_is_not_sent() -> None:
    with pytest.raises(NotImplementedError, match="object"):
        encode_plan_for_workers(msgspec.structs.replace(small_part(), samples=object()))


def test_a_part_reads_its_tables_titles_and_measured_motion() -> None:
    effects = [{"type": "lut", "source": "look.cube"}, {"type": "stabilize", "amount": 0.5}]
    clip = {"src": "clip", "s": 0, "d": 4000, "fx": effects}
    draft = draft_from_wire({"t": [{"tt": 0, "sg": [clip]}]})
    sources = {"clip": CLIP, "look.cube": MediaSource(Path("l.cube"), LUT)}
    plan = plan_render(draft, sources, OutputSpec())
    folder = Path("/job")
    unmeasured = files_of_part(folder, plan, EncodeResources("libx264", 2))
    (table,) = set(unmeasured) - {"source-0"}
    assert unmeasured == {"source-0": CLIP.path, table: folder / table}
    assert re.fullmatch(r"lut-[0-9a-f]{32}\.cube", table)
    measured = files_of_part(folder, plan, EncodeResources("libx264", 2, motion_measured=True))
    (motion,) = set(measured) - set(unmeasured)
    assert re.fullmatch(r"motion[-0-9]+\.trf", motion)
    for name in measured:
        assert decode_task(task_with(name=name)).files[0].name == name


def test_workers_need_no_control_token_but_a_known_name() -> None:
    policy = AccessPolicy(Settings(control_token="ctl_x"))

    def refusal(path: str, host: bytes = b"127.0.0.1") -> str:
        request = AccessRequest(method="GET", path=path, scheme="http", headers=[(b"host", host)])
        return policy.evaluate(request).refusal

    assert refusal(upload_path(PART)) == ""
    assert "control" in refusal(RENDERS.template)
    assert "control" in refusal(FARM_PREFIX)
    assert refusal(upload_path(PART), b"evil.example") != ""


class Endpoints:
    """The endpoints of a farm as a worker calls them."""

    def __init__(self, folder: Path) -> None:
        (folder / "work").mkdir()
        self.store = PartStore(folder / "work" / "parts", folder / "work")
        self.app = build_transfer_app(KEY, self.store)

    def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def call() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
                return await client.request(method, path, **options)

        return asyncio.run(call())


@pytest.fixture
def endpoints(tmp_path: Path) -> Endpoints:
    return Endpoints(tmp_path)


def test_a_part_is_stored_whole_and_the_first_stays(endpoints: Endpoints, tmp_path: Path) -> None:
    path = sign_path(KEY, "PUT", upload_path(PART), 60)
    one, other = b"a part", b"another"
    with endpoints.store.offered(PART, {}):
        wrong = endpoints.send("PUT", path, content=one, headers={DIGEST_HEADER: "00"})
        assert (wrong.status_code, endpoints.store.has(PART)) == (400, False)
        for content in (one, one, other):
            digest = sha256(content).hexdigest()
            stored = endpoints.send("PUT", path, content=content, headers={DIGEST_HEADER: digest})
            assert stored.status_code == 204
        assert endpoints.store.path(PART).read_bytes() == one
        assert [path.name for path in (tmp_path / "work").iterdir()] == ["parts"]


def test_only_signed_paths_lead_to_files_of_running_renders(
    endpoints: Endpoints, tmp_path: Path
) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"0123456789")
    path = sign_path(KEY, "GET", file_path(PART, "source-0"), 60)
    assert endpoints.send("GET", path).status_code == 404
    with endpoints.store.offered(PART, {"source-0": clip}):
        assert endpoints.send("GET", path).content == b"0123456789"
        ranged = endpoints.send("GET", path, headers={"range": "bytes=2-4"})
        assert (ranged.status_code, ranged.content) == (206, b"234")
        assert endpoints.send("GET", file_path(PART, "source-0")).status_code == 403
        stranger = sign_path(OTHER, "GET", file_path(PART, "source-0"), 60)
        assert endpoints.send("GET", stranger).status_code == 403
        assert endpoints.send("PUT", upload_path(PART), content=b"x").status_code == 403
        assert not endpoints.store.has(PART)
        unknown = sign_path(KEY, "GET", file_path(PART, "source-1"), 60)
        assert endpoints.send("GET", unknown).status_code == 404
    assert endpoints.send("GET", path).status_code == 404
    bad = sign_path(KEY, "PUT", f"{FARM_PREFIX}/parts/..", 60)
    assert endpoints.send("PUT", bad, content=b"").status_code in (400, 404)


def test_a_part_that_breaks_off_leaves_nothing(endpoints: Endpoints, tmp_path: Path) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionError

    with pytest.raises(ConnectionError):
        asyncio.run(endpoints.store.receive(PART, "00", chunks()))
    assert [path.name for path in (tmp_path / "work").iterdir()] == ["parts"]
    with pytest.raises(PartRejected):
        endpoints.store.path("../../x")


def test_a_part_that_comes_after_its_render_is_not_kept(
    endpoints: Endpoints, tmp_path: Path
) -> None:
    path = sign_path(KEY, "PUT", upload_path(PART), 60)
    headers = {DIGEST_HEADER: sha256(b"late").hexdigest()}
    with endpoints.store.offered(PART, {}):
        pass
    late = endpoints.send("PUT", path, content=b"late", headers=headers)
    assert (late.status_code, late.text) == (410, "the render of this part has ended\n")
    assert [each.name for each in (tmp_path / "work").rglob("*")] == ["parts"]
    # The worker does not try again, which would take a minute.
    part = tmp_path / "part.mp4"
    part.write_bytes(b"late")
    transfers = WorkerTransfers("http://x")
    transfers._client = httpx.AsyncClient(transport=httpx.ASGITransport(endpoints.app))
    with pytest.raises(RenderEnded):
        asyncio.run(transfers.send(part, path))
    # The next render of the same part wants it.
    with endpoints.store.offered(PART, {}):
        stored = endpoints.send("PUT", path, content=b"late", headers=headers)
        assert (stored.status_code, endpoints.store.has(PART)) == (204, True)


def test_two_renders_share_a_part_until_both_have_ended(endpoints: Endpoints) -> None:
    store = endpoints.store
    with store.offered(PART, {}):
        with store.offered(PART, {}):
            store.path(PART).write_bytes(b"x")
        assert store.has(PART)
    assert not store.has(PART)


def test_parts_of_a_killed_server_stay_for_a_day_if_a_render_begins_again(
    endpoints: Endpoints, tmp_path: Path
) -> None:
    import os

    old, new, render = "0" * 32, "1" * 32, "2" * 32

    def started_again() -> PartStore:
        return PartStore(tmp_path / "work" / "parts", tmp_path / "work")

    for name in (old, new):
        endpoints.store.path(name).write_bytes(b"x")
    os.utime(endpoints.store.path(old), (0, 0))
    with endpoints.store.rendering(render):
        again = started_again()
    assert (again.has(old), again.has(new), again.has_begun(render)) == (False, True, True)
    with again.rendering(render):
        pass
    assert not again.has_begun(render)
    assert not started_again().has(new)


def test_a_part_that_comes_before_its_render_begins_again_is_kept(
    endpoints: Endpoints, tmp_path: Path
) -> None:
    folder, digest = tmp_path / "work", sha256(b"x").hexdigest()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"x"

    with endpoints.store.rendering("2" * 32):
        again = PartStore(folder / "parts", folder)
    asyncio.run(again.receive(PART, digest, chunks()))
    assert again.has(PART)
    with again.rendering("2" * 32), again.offered(PART, {}):
        assert again.has(PART)
    with pytest.raises(PartUnwanted):
        asyncio.run(again.receive(PART, digest, chunks()))
    with pytest.raises(PartUnwanted):
        asyncio.run(again.receive("3" * 32, digest, chunks()))
    assert list((folder / "parts").iterdir()) == []
