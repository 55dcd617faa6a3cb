"""The connection to an engine: its certificates and API key, and which renders it is used for."""

import asyncio
import logging
import ssl
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import trustme
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from nemolocal_farm import farm_build, farm_executor, farm_worker
from nemolocal_farm.engine import Engine, EngineOptions, EngineUnreachable, FarmWorker
from nemolocal_farm.farm import FarmLimits
from nemolocal_farm.farm_build import queue_name, roll_call_queue
from nemolocal_farm.farm_executor import FarmExecutor
from nemolocal_farm.farm_key import FarmSetupError, read_farm_key, write_farm_key
from nemolocal_farm.part_store import PartStore
from nemolocal_farm.part_watch import PartView
from nemolocal_render import encoders
from nemolocal_render.encoders import SOFTWARE_ENCODER, Encoder, EncoderProbe
from nemolocal_render.planning.render_plan import RenderPlan
from nemolocal_render.render_log import CURRENT_LOG, RenderLog
from tests.farm.test_farm_protocol import CLIP, KEY, small_part


def tls_files(folder: Path) -> tuple[tuple[Path, Path, Path], trustme.CA]:
    """A client's certificate and key, and the authority of both sides."""
    authority = trustme.CA()
    client = authority.issue_cert("worker@example.com")
    files = (folder / "client.pem", folder / "client.key", folder / "authority.pem")
    client.cert_chain_pems[0].write_to_path(files[0])
    client.private_key_pem.write_to_path(files[1])
    authority.cert_pem.write_to_path(files[2])
    return files, authority


def test_an_engine_with_certificates_sees_the_client_s_and_is_verified(tmp_path: Path) -> None:
    files, authority = tls_files(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.set_alpn_protocols(["h2"])
    authority.issue_cert("localhost").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED

    async def connect() -> Any:
        seen = asyncio.get_running_loop().create_future()

        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if not seen.done():
                seen.set_result(writer.get_extra_info("peercert"))
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
            port = server.sockets[0].getsockname()[1]
            engine = Engine(EngineOptions(f"localhost:{port}", KEY, tls=files))
            connecting = asyncio.create_task(engine.client())
            await asyncio.wait({seen, connecting}, return_when=asyncio.FIRST_COMPLETED)
            connecting.cancel()
            return seen.result()

    certificate = asyncio.run(connect())
    assert certificate["subjectAltName"] == (("email", "worker@example.com"),)


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_certificate_that_cannot_be_read_is_named(tmp_path: Path, missing: int) -> None:
    files, _ = tls_files(tmp_path)
    files[missing].unlink()
    engine = Engine(EngineOptions("127.0.0.1:9", KEY, tls=files))
    with pytest.raises(FarmSetupError) as error:
        asyncio.run(engine.client())
    assert str(error.value) == f"cannot read {files[missing]}: No such file or directory"


class ScriptedEngine:
    """Stands for a Temporal client: notes how it was made and lists these pollers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *pollers: tuple[str, float]) -> None:
        self.connections: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.error: Exception | None = None
        self._pollers = pollers
        self.workflow_service = self
        monkeypatch.setattr(Client, "connect", self._connect)

    async def _connect(self, address: str, **options: Any) -> "ScriptedEngine":
        self.connections.append({"address": address, **options})
        return self

    async def describe_task_queue(self, request: Any, **_: object) -> Any:
        from google.protobuf.timestamp_pb2 import Timestamp

        from nemolocal_contract.clock import WallClock

        if self.error is not None:
            raise self.error
        self.asked.append(request.task_queue.name)
        now = WallClock().time()
        return SimpleNamespace(
            pollers=[
                SimpleNamespace(
                    identity=identity, last_access_time=Timestamp(seconds=int(now - age))
                )
                for identity, age in self._pollers
            ]
        )


@pytest.mark.parametrize(
    ("has_files", "key", "tls", "sent"),
    [
        (False, "", False, None),
        (False, "secret", True, "secret"),
        (True, "secret", "files", "secret"),
    ],
)
def test_an_api_key_goes_over_tls_only(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    has_files: bool,
    key: str,
    tls: bool | str,
    sent: str | None,
) -> None:
    scripted = ScriptedEngine(monkeypatch)
    files = tls_files(tmp_path)[0] if has_files else None
    options = EngineOptions("engine.example:7233", KEY, "videos", files, key)

    async def connect_twice() -> None:
        engine = Engine(options)
        assert await engine.client() is await engine.client()

    asyncio.run(connect_twice())
    (made,) = scripted.connections
    assert (made["address"], made["namespace"]) == ("engine.example:7233", "videos")
    assert made.get("api_key") == sent
    if files is None:
        assert made["tls"] is tls
    else:
        assert made["tls"].client_cert == files[0].read_bytes()
        assert made["tls"].client_private_key == files[1].read_bytes()
        assert made["tls"].server_root_ca_cert == files[2].read_bytes()


def test_only_workers_that_have_reported_lately_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pollers = (("b:2 queue-2", 5.0), ("a:1 queue-1", 60.0), ("gone:3 queue-1", 100.0))
    scripted = ScriptedEngine(monkeypatch, *pollers)

    async def list_them() -> tuple[list[FarmWorker], list[str]]:
        engine = Engine(EngineOptions("e:1", KEY))
        return await engine.workers(), await engine.workers_of("queue-2")

    workers, named = asyncio.run(list_them())
    assert workers == [FarmWorker("a:1", "queue-1"), FarmWorker("b:2", "queue-2")]
    assert named == ["b:2"]
    assert set(scripted.asked) == {roll_call_queue(KEY)}
    scripted.error = RPCError("gone", RPCStatusCode.UNAVAILABLE, b"")
    with pytest.raises(EngineUnreachable, match=r"^no engine answers at e:1$"):
        asyncio.run(Engine(EngineOptions("e:1", KEY)).workers())


@pytest.fixture
def unsettled_build() -> Any:
    """The build is found out again, as in a process that has just started."""
    farm_build.farm_build.cache_clear()
    yield
    farm_build.farm_build.cache_clear()


@pytest.mark.usefixtures("unsettled_build")
def test_a_queue_without_ffmpeg_says_how_to_name_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEMOLOCAL_FFMPEG", str(tmp_path / "missing"))
    with pytest.raises(FarmSetupError, match=r"^FFmpeg was not found: set NEMOLOCAL_FFMPEG to a"):
        queue_name(KEY, SOFTWARE_ENCODER)
    binary = tmp_path / "ffmpeg"
    binary.write_bytes(b"one build")
    monkeypatch.setenv("NEMOLOCAL_FFMPEG", str(binary))
    queue = queue_name(KEY, SOFTWARE_ENCODER)
    assert queue.endswith("-libx264")
    farm_build.farm_build.cache_clear()
    binary.write_bytes(b"another build")
    assert queue_name(KEY, SOFTWARE_ENCODER) != queue


def test_a_worker_without_a_working_ffmpeg_does_not_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def broken(name: str) -> EncoderProbe:
        return EncoderProbe(name, "it was not found")

    monkeypatch.setattr(encoders, "probe_encoder", broken)
    options = farm_worker.WorkerOptions(EngineOptions("127.0.0.1:9", KEY), "http://127.0.0.1:9")
    with pytest.raises(FarmSetupError) as error:
        asyncio.run(farm_worker.run_worker(options, lambda _: None))
    assert str(error.value) == (
        "FFmpeg does not work here: it was not found; see `nemolocal doctor`"
    )


def test_a_key_that_cannot_be_written_or_read_says_why(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "farm.key"
    with pytest.raises(FarmSetupError) as error:
        write_farm_key(path)
    assert str(error.value) == f"cannot write {path}: No such file or directory"
    with pytest.raises(FarmSetupError) as error:
        read_farm_key(tmp_path)
    assert str(error.value) == f"cannot read key file {tmp_path}: Is a directory"


def test_a_part_that_no_worker_has_is_not_slow() -> None:
    view = PartView()
    assert not view.is_straggling(1e6, 1.0, 1.5)
    view.begun = 0.0
    assert view.is_straggling(1e6, 1.0, 1.5)


class Renders:
    """A server with a farm: which renders use it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = PartStore(folder / "parts", folder)
        self.folder = folder
        self.encoder = Encoder(SOFTWARE_ENCODER, "")
        self.log = RenderLog(lambda: 0.0)
        options = EngineOptions("e:1", KEY)
        self.executor = FarmExecutor(options, self.store, folder, FarmLimits())
        monkeypatch.setattr(farm_executor, "choose_encoder", self._choose)

    async def _choose(self) -> Encoder:
        return self.encoder

    def farm_for(self, plan: RenderPlan) -> Any:
        async def find() -> Any:
            CURRENT_LOG.set(self.log)
            return await self.executor._farm_for(plan, "file")

        return asyncio.run(find())

    @property
    def lines(self) -> list[str]:
        return [line.text for line in self.log.lines]


@pytest.fixture
def renders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Renders:
    return Renders(tmp_path, monkeypatch)


def long_plan(**changes: Any) -> RenderPlan:
    """A plan of 30 s."""
    plan = small_part()
    ((picture,),) = plan.layers
    clip = msgspec.structs.replace(picture.clip, frames=900)
    longer = msgspec.structs.replace(picture, clip=clip, frames=900)
    return msgspec.structs.replace(plan, frames=900, layers=((longer,),), **changes)


def test_long_renders_use_the_farm_while_it_has_workers_of_this_build(
    renders: Renders, monkeypatch: pytest.MonkeyPatch
) -> None:
    ScriptedEngine(monkeypatch, (f"host:1 {queue_name(KEY, SOFTWARE_ENCODER)}", 1.0))
    farm = renders.farm_for(long_plan())
    assert farm is not None
    assert farm.store is renders.store
    assert renders.farm_for(small_part()) is None
    assert renders.farm_for(long_plan(copy_source=CLIP)) is None
    assert renders.lines == []


def test_a_hardware_encoder_is_used_unless_the_file_must_be_small(
    renders: Renders, monkeypatch: pytest.MonkeyPatch
) -> None:
    ScriptedEngine(monkeypatch, (f"host:1 {queue_name(KEY, SOFTWARE_ENCODER)}", 1.0))
    renders.encoder = Encoder("h264_nvenc", "it works")
    assert renders.farm_for(long_plan()) is None
    assert renders.lines == ["not on the farm: the hardware encoder of this machine is used"]
    small = msgspec.structs.replace(long_plan().encoding, max_bytes=1_000_000)
    assert renders.farm_for(long_plan(encoding=small)) is not None


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_farm_without_workers_is_used_only_to_go_on_with_its_parts(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    is_gone: bool,
) -> None:
    scripted = ScriptedEngine(monkeypatch, ("host:1 other-build", 1.0))
    if is_gone:
        scripted.error = RPCError("gone", RPCStatusCode.UNAVAILABLE, b"")
    reason = "no engine answers at e:1" if is_gone else "it has no worker of this version"
    renders = Renders(tmp_path, monkeypatch)
    with caplog.at_level(logging.WARNING, "nemolocal_farm"):
        assert renders.farm_for(long_plan()) is None
    assert f"a render does not use the farm: {reason}" in caplog.text
    assert renders.lines == [f"not on the farm: {reason}"]
    # A killed server leaves the note that it has begun this render with parts.
    (tmp_path / "parts" / "file.begun").touch()
    (tmp_path / "parts" / f"{'ab' * 16}.mp4").touch()
    again = Renders(tmp_path, monkeypatch)
    assert again.farm_for(long_plan()) is not None
    assert again.lines == [f"goes on with the parts of the farm, although {reason}"]
