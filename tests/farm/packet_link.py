"""A network of two machines whose packets pass through this process, which may lose them.

Linux and root only: the far machine is a network namespace, and the wire a pair of TUN devices.
The packets are those of the kernel's own TCP, which sends lost ones again. Everything is gone when
the process ends.
"""

import contextlib
import errno
import os
import random
import select
import shutil
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

# Addresses for tests of networks (RFC 2544).
NEAR, FAR = "198.18.0.1", "198.18.0.2"
_TUN = Path("/dev/net/tun")
_SET_DEVICE = 0x400454CA
_IP_WITHOUT_HEADER = 0x1001
_MOST_BYTES = 65_536
_SECONDS = 20


class Loss(NamedTuple):
    """The shares of packets that are lost on the way to the far machine and from it."""

    to_far: float = 0.0
    from_far: float = 0.0


def is_possible() -> bool:
    """Whether this process may make such a network."""
    has_tools = all(shutil.which(tool) for tool in ("ip", "unshare", "nsenter"))
    is_root = sys.platform == "linux" and os.geteuid() == 0
    return is_root and has_tools and os.access(_TUN, os.R_OK | os.W_OK)


class PacketLink:
    """The network; the near machine is this process, best in a network namespace of its own."""

    def __init__(self, chance: random.Random) -> None:
        self.loss = Loss()
        self.lost = 0
        self._chance = chance
        self._near, self._far = _open_device("near"), _open_device("far")
        self._far_machine = subprocess.Popen(
            ["unshare", "--net", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._wait_for_namespace()
        self._set_up()
        self._ended, self._end = os.pipe()
        self._carrier = threading.Thread(target=self._carry, daemon=True)
        self._carrier.start()

    @property
    def prefix(self) -> list[str]:
        """What starts a command on the far machine."""
        return ["nsenter", f"--net=/proc/{self._far_machine.pid}/ns/net", "--"]

    def close(self) -> None:
        """Take the network away; the far machine ends with its last process."""
        os.close(self._end)
        self._carrier.join(_SECONDS)
        for descriptor in (self._near, self._far, self._ended):
            os.close(descriptor)
        self._far_machine.communicate(timeout=_SECONDS)

    def _wait_for_namespace(self) -> None:
        streams = self._far_machine.stdin, self._far_machine.stdout
        assert streams[0] is not None
        assert streams[1] is not None
        streams[0].write(b"\n")
        streams[0].flush()
        assert select.select([streams[1]], [], [], _SECONDS)[0], "the far machine does not start"
        assert streams[1].readline() == b"\n"

    def _set_up(self) -> None:
        _run("ip", "link", "set", "far", "netns", str(self._far_machine.pid))
        _run("ip", "address", "add", NEAR, "peer", FAR, "dev", "near")
        _run("ip", "link", "set", "near", "up")
        _run(*self.prefix, "ip", "address", "add", FAR, "peer", NEAR, "dev", "far")
        _run(*self.prefix, "ip", "link", "set", "far", "up")
        _run(*self.prefix, "ip", "link", "set", "lo", "up")

    def _carry(self) -> None:
        ways = {self._near: (self._far, 0), self._far: (self._near, 1)}
        while True:
            ready, _, _ = select.select([self._ended, *ways], [], [])
            if self._ended in ready:
                return
            for source in ready:
                target, way = ways[source]
                packet = os.read(source, _MOST_BYTES)
                if self._chance.random() < self.loss[way]:
                    self.lost += 1
                    continue
                with contextlib.suppress(OSError):
                    os.write(target, packet)


def _open_device(name: str) -> int:
    import fcntl

    device = os.open(_TUN, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(device, _SET_DEVICE, struct.pack("16sH22x", name.encode(), _IP_WITHOUT_HEADER))
    except OSError as error:
        os.close(device)
        if error.errno == errno.EBUSY:
            raise RuntimeError("there is such a device: use a network namespace") from error
        raise
    return device


def _run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=_SECONDS)
