"""A farm of real processes to break: an engine, a server, a far worker and a near one."""

import hashlib
from pathlib import Path

from nemolocal_farm.farm_key import write_farm_key
from nemolocal_render.temporary_folder import find_abandoned
from tests.farm.conftest import (
    LOOPBACK,
    SECONDS,
    EngineProcess,
    WorkerProcess,
    descendants,
    is_running,
    wait_until,
)
from tests.farm.packet_link import NEAR, PacketLink
from tests.farm.server_process import Exporter, ServerProcess
from tests.support.frames import DecodedVideo

WORKER, SERVER, ENGINE = "worker", "server", "engine"
MEMBERS = (WORKER, SERVER, ENGINE)
_WORKERS = 2
_NO_FARM = "a render does not use the farm"


class ChaosFarm:
    """One farm for many renders of one film; `usual` is the file of a render without faults.

    The first worker is the one that faults hit. It is behind `link`, if there is one.
    """

    def __init__(self, folder: Path, footage: Path, link: PacketLink | None) -> None:
        self.folder = folder
        self.link = link
        host = LOOPBACK if link is None else NEAR
        self.engine = EngineProcess(folder, host)
        write_farm_key(folder / "farm.key")
        self._farm = ["--farm", self.engine.address, "--farm-key", str(folder / "farm.key")]
        self.server = ServerProcess(folder, self._farm, host)
        self._temporary = folder / "tmp"
        self._temporary.mkdir()
        self.workers: list[WorkerProcess] = []
        self._started = 0
        self._footage = footage
        self.usual = b""
        self._log_seen = 0

    def start(self) -> None:
        """Start all, and render once without faults."""
        self.engine.start()
        self.server.start()
        self.workers = [self.start_worker(place) for place in range(_WORKERS)]
        self.wait_ready()
        self.exporter = Exporter(self.server, self._footage)
        self.exporter.export("usual")
        status = self.exporter.wait_end("usual")
        assert status["status"] == "completed", status
        self.usual = self.exporter.download(status)
        assert self.renders_without_farm() == 0, "the first render did not use the farm"
        self.require_frames(self.usual)
        self.require_clean()

    def end(self) -> None:
        for worker in self.workers:
            worker.end()
        self.server.end()
        self.engine.kill()

    def last_words(self) -> str:
        """The ends of the logs, to find out why a seed has failed."""
        logs = [self.server.log, *(worker.log for worker in self.workers)]
        return "\n".join(f"{log.name}:\n{log.read_text(errors='replace')[-3000:]}" for log in logs)

    def start_worker(self, place: int) -> WorkerProcess:
        self._started += 1
        arguments = [*self._farm, "--server", self.server.url, "--places", "1"]
        return WorkerProcess(
            arguments,
            self.folder / f"worker-{self._started}.log",
            {"TMPDIR": str(self._temporary)},
            self.link.prefix if self.link is not None and place == 0 else (),
        )

    def wait_ready(self) -> None:
        self.server.wait_ready()
        for worker in self.workers:
            worker.wait_ready()

    def pid_of(self, member: str) -> int:
        if member == WORKER:
            return self.workers[0].process.pid
        return self.server.pid if member == SERVER else self.engine.pid

    def kill(self, members: list[str]) -> None:
        """SIGKILL them, in this order; what they have started ends with them."""
        started = [pid for member in members for pid in descendants(self.pid_of(member))]
        for member in members:
            if member == WORKER:
                self.workers[0].kill()
            else:
                (self.server if member == SERVER else self.engine).kill()
        wait_until(lambda: not any(map(is_running, started)), "their children are gone")

    def start_again(self, members: list[str]) -> None:
        """Start them, the engine first: a worker that finds none ends."""
        if ENGINE in members:
            self.engine.start()
        for member in members:
            if member == WORKER:
                self.workers[0].end()
                self.workers[0] = self.start_worker(0)
            elif member == SERVER:
                self.server.start()
        self.wait_ready()

    def renders_without_farm(self) -> int:
        """How many renders since the last call of this were not given to workers."""
        text = self.server.log.read_text(errors="replace")
        count, self._log_seen = text[self._log_seen :].count(_NO_FARM), len(text)
        return count

    def require_file(self, name: str) -> str:
        """Fail unless an export ends with the file of a render without faults."""
        status = self.exporter.wait_end(name)
        assert status["status"] == "completed", status
        file = self.exporter.download(status)
        self.require_frames(file)
        if file == self.usual:
            return f"the same file, {hashlib.sha256(file).hexdigest()[:12]}"
        # Divided in another way, if the server found no farm when it began again.
        assert self.renders_without_farm(), "another file"
        return "whole, but without the farm"

    def require_frames(self, file: bytes) -> None:
        path = self.folder / "seen.mp4"
        path.write_bytes(file)
        seen = DecodedVideo(path)
        assert [seen.counter(n) for n in range(len(seen))] == [n % 120 for n in range(SECONDS * 30)]
        path.unlink()

    def require_clean(self) -> None:
        """Fail if a process or a file of a render is left."""
        owners = [self.server.pid, *(worker.process.pid for worker in self.workers)]

        def leftovers() -> list[str]:
            processes = [f"process {pid}" for owner in owners for pid in descendants(owner)]
            folders = [path for path in self._temporary.iterdir() if path not in abandoned()]
            parts = [path.name for each in folders for path in each.glob("parts/*")]
            more = [path.name for path in folders[_WORKERS:]]
            return [*processes, *self.server.files_of_work(), *parts, *more]

        def abandoned() -> set[Path]:
            # Of a killed worker: the next one that starts on its machine removes it.
            return set(find_abandoned(self._temporary))

        try:
            wait_until(lambda: not leftovers(), "nothing is left")
        except AssertionError:
            raise AssertionError(f"left: {leftovers()}") from None
        assert not abandoned(), "the folder of a killed worker is left"
