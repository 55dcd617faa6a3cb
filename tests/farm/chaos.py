"""`python -m tests.farm.chaos`: faults at random moments of renders on a farm of real processes.

Each seed renders the same film, draws a moment and a fault, and afterwards the film must be the
same, byte for byte, with no process and no file left. A cancelled render leaves no film.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

from tests.farm.chaos_farm import MEMBERS, ChaosFarm
from tests.farm.conftest import make_footage
from tests.farm.packet_link import Loss, PacketLink, is_possible
from tests.support.media import MediaCache

# Which of them are killed together: each alone first.
_KILLED = [list(each) for count in (1, 2, 3) for each in combinations(MEMBERS, count)]
# Shorter and longer than the time after which a worker is lost.
_LEAST_SECONDS, _MOST_SECONDS = 1.0, 12.0
_LINKS = {
    "cut": Loss(1.0, 1.0),
    "half-open, nothing arrives": Loss(to_far=1.0),
    "half-open, nothing returns": Loss(from_far=1.0),
    "5 % loss": Loss(0.05, 0.05),
}
_MOST_PROGRESS = 96
_CANCELLED = "cancelled"
_OWN_NETWORK = "--own-network"


class Case(NamedTuple):
    """A render with a fault: the name of its export, and what is drawn from its seed."""

    farm: ChaosFarm
    name: str
    seed: int
    chance: random.Random


def kill(case: Case) -> str:
    farm, chance = case.farm, case.chance
    members = _KILLED[case.seed % len(_KILLED)]
    chance.shuffle(members)
    farm.kill(members)
    pause = chance.choice([0.0, chance.uniform(0.0, _MOST_SECONDS)])
    time.sleep(pause)
    farm.start_again(chance.sample(members, len(members)))
    return f"{' + '.join(members)} killed, {pause:.1f} s: {farm.require_file(case.name)}"


def freeze(case: Case) -> str:
    member = MEMBERS[case.seed % len(MEMBERS)]
    seconds = case.chance.uniform(_LEAST_SECONDS, _MOST_SECONDS)
    pid = case.farm.pid_of(member)
    os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(pid, signal.SIGCONT)
    return f"{member} frozen for {seconds:.1f} s: {case.farm.require_file(case.name)}"


def disturb_link(case: Case) -> str:
    farm = case.farm
    assert farm.link is not None
    kind, loss = list(_LINKS.items())[case.seed % len(_LINKS)]
    lost, seconds = farm.link.lost, case.chance.uniform(_LEAST_SECONDS, _MOST_SECONDS)
    farm.link.loss = loss
    try:
        if loss.to_far < 1 and loss.from_far < 1:
            farm.exporter.wait_end(case.name)
        else:
            time.sleep(seconds)
    finally:
        farm.link.loss = Loss()
    lost = farm.link.lost - lost
    return f"link {kind}, {lost} packets lost: {farm.require_file(case.name)}"


def cancel(case: Case) -> str:
    farm, name = case.farm, case.name
    before = farm.server.rendered()
    farm.exporter.cancel(name)
    status = farm.exporter.wait_end(name)
    if status["status"] == "completed":
        return f"too late: {farm.require_file(name)}"
    assert (status["status"], status["error"]) == ("failed", _CANCELLED), status
    farm.require_clean()
    assert farm.server.rendered() <= before, "a cancelled render has left a file"
    return "cancelled, no file"


FAULTS: dict[str, Callable[[Case], str]] = {
    "kill": kill,
    "freeze": freeze,
    "link": disturb_link,
    "cancel": cancel,
}


def run_seed(farm: ChaosFarm, fault: str, seed: int) -> str:
    """Render with one fault; return what happened. Raises AssertionError."""
    chance = random.Random(f"{fault} {seed}")
    name, begun = f"{fault}-{seed}", time.monotonic()
    farm.renders_without_farm()
    farm.exporter.export(name)
    # By progress, since how long a render takes depends on what else the machine does.
    farm.exporter.wait_progress(name, chance.randrange(_MOST_PROGRESS))
    time.sleep(chance.random())
    progress = farm.exporter.status(name)["progress"]
    said = FAULTS[fault](Case(farm, name, seed, chance))
    farm.require_clean()
    seconds = time.monotonic() - begun
    return f"at {progress} % {said}, {seconds:.1f} s"


def run(faults: list[str], seeds: list[int], folder: Path) -> int:
    """Run the seeds of each fault; return the number of failures."""
    link = PacketLink(random.Random(0)) if is_possible() else None
    footage = make_footage(MediaCache(folder / "media")).path
    failures = 0
    farm: ChaosFarm | None = None
    try:
        for fault in faults:
            if fault == "link" and link is None:
                print("link: skipped, only root on Linux may make a network", flush=True)
                continue
            for seed in seeds:
                farm = farm or _started(Path(tempfile.mkdtemp(dir=folder)), footage, link)
                try:
                    print(f"{fault} {seed}: {run_seed(farm, fault, seed)}", flush=True)
                except Exception:
                    failures += 1
                    print(f"{fault} {seed}: FAILED\n{traceback.format_exc()}", flush=True)
                    farm.end()
                    print(farm.last_words(), flush=True)
                    farm = None
    finally:
        if farm is not None:
            farm.end()
        if link is not None:
            link.close()
    return failures


def _started(folder: Path, footage: Path, link: PacketLink | None) -> ChaosFarm:
    farm = ChaosFarm(folder, footage, link)
    try:
        farm.start()
    except BaseException:
        farm.end()
        raise
    return farm


def main() -> int:
    """Return 0 if each seed ends as it should, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.farm.chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="of each fault (default: 20)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default: 0)")
    parser.add_argument("--faults", nargs="+", choices=FAULTS, default=list(FAULTS))
    parser.add_argument(_OWN_NETWORK, action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if is_possible() and not options.own_network:
        # The engine listens for the far worker, and nobody else is to reach it.
        again = [sys.executable, "-m", "tests.farm.chaos", *sys.argv[1:], _OWN_NETWORK]
        os.execvp("unshare", ["unshare", "--net", *again])
    if options.own_network:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True, timeout=20)
    seeds = list(range(options.first, options.first + options.seeds))
    with tempfile.TemporaryDirectory(prefix="farm-chaos-") as folder:
        failures = run(options.faults, seeds, Path(folder))
    print(f"{failures} failures" if failures else "all as without faults")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
