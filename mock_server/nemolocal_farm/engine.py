"""The connection to the engine, a Temporal server."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client, TLSConfig
from temporalio.service import RPCError

from nemolocal_contract.clock import WallClock

from .farm_build import roll_call_queue
from .farm_key import FarmKey, FarmSetupError
from .sealed_payloads import sealing_converter

_log = logging.getLogger(__name__)

_CONNECT_SECONDS = 5.0
# The engine lists a worker for some minutes after its last report; each reports at least once a
# minute.
_REPORTED_RECENTLY = timedelta(seconds=75)
_SEPARATOR = " "
_RPC_TIMEOUT = timedelta(seconds=5)


class EngineUnreachable(Exception):
    """The engine does not answer; the message says at which address."""


class EngineOptions(msgspec.Struct, frozen=True):
    """Where the engine is: HOST:PORT, a namespace, and what a real one asks for.

    `tls` are files: a client certificate, its key, and the certificate of the authority; the engine
    needs none of them on loopback.
    """

    address: str
    key: FarmKey
    namespace: str = "default"
    tls: tuple[Path, Path, Path] | None = None
    api_key: str = ""


class FarmWorker(NamedTuple):
    """A worker: host and process, and the queue of which it takes tasks."""

    name: str
    queue: str

    @property
    def identity(self) -> str:
        """How it reports to the engine."""
        return f"{self.name}{_SEPARATOR}{self.queue}"


class Engine:
    """A connection that is made when it is first needed; only for one event loop."""

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._client: Client | None = None
        self._lock = asyncio.Lock()

    async def client(self) -> Client:
        """Return the connected client; raises EngineUnreachable after five seconds."""
        async with self._lock:
            if self._client is None:
                self._client = await self._connect()
            return self._client

    async def _connect(self) -> Client:
        options = self._options
        secure: dict[str, Any] = {"tls": False}
        if options.tls is not None:
            secure = {"tls": await asyncio.to_thread(_read_tls, options.tls)}
        elif options.api_key:
            secure = {"tls": True}
        if options.api_key:
            secure["api_key"] = options.api_key
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                return await Client.connect(
                    options.address,
                    namespace=options.namespace,
                    data_converter=sealing_converter(options.key),
                    connect_timeout=timedelta(seconds=_CONNECT_SECONDS),
                    **secure,
                )
        except (RuntimeError, RPCError, TimeoutError) as error:
            _log.debug("the engine cannot be reached: %s", error)
            raise EngineUnreachable(f"no engine answers at {options.address}") from error

    async def workers(self) -> list[FarmWorker]:
        """Return the workers that have reported in the last 75 s, also those of other builds.

        Raises EngineUnreachable.
        """
        client = await self.client()
        request = DescribeTaskQueueRequest(
            namespace=self._options.namespace,
            task_queue=TaskQueue(name=roll_call_queue(self._options.key)),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        )
        try:
            found = await client.workflow_service.describe_task_queue(request, timeout=_RPC_TIMEOUT)
        except RPCError as error:
            raise EngineUnreachable(f"no engine answers at {self._options.address}") from error
        oldest = datetime.fromtimestamp(WallClock().time(), UTC) - _REPORTED_RECENTLY
        recent = (
            poller.identity.partition(_SEPARATOR)
            for poller in found.pollers
            if poller.last_access_time.ToDatetime(tzinfo=UTC) >= oldest
        )
        return sorted(FarmWorker(name, queue) for name, _, queue in recent)

    async def workers_of(self, queue: str) -> list[str]:
        """Return the names of those workers that take tasks of a queue."""
        return [worker.name for worker in await self.workers() if worker.queue == queue]


def _read_tls(files: tuple[Path, Path, Path]) -> TLSConfig:
    certificate, key, authority = files
    try:
        return TLSConfig(
            client_cert=certificate.read_bytes(),
            client_private_key=key.read_bytes(),
            server_root_ca_cert=authority.read_bytes(),
        )
    except OSError as error:
        raise FarmSetupError(f"cannot read {error.filename}: {error.strerror}") from error
