"""Snapshots are listed, thrown away, and bounded in number."""

from pathlib import Path

import pytest

from nemolocal_contract.clock import ManualClock
from nemolocal_server.data.snapshots import MAX_SNAPSHOTS
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

SNAPSHOT = "/__nemolocal__/snapshot"
RESTORE = "/__nemolocal__/restore"


def take(caller: HttpCaller) -> str:
    snapshot_id: str = caller.post(SNAPSHOT, json={})["id"]
    return snapshot_id


@pytest.mark.slow
def test_snapshots_are_listed_oldest_first_by_the_servers_time(
    servers: ServerFactory, new_caller: NewCaller, tmp_path: Path
) -> None:
    clock = ManualClock()
    caller = new_caller(servers.start(clock=clock, data_dir=tmp_path)).connect()
    assert caller.get(SNAPSHOT) == {"snapshots": [], "most": MAX_SNAPSHOTS}
    taken = []
    for _ in range(3):
        caller.post("/__nemolocal__/clock/advance", json={"seconds": 60})
        taken.append({"id": take(caller), "taken": clock.time()})
    assert caller.get(SNAPSHOT)["snapshots"] == taken
    caller.post("/__nemolocal__/reset", json={})
    servers.stop()
    again = new_caller(servers.start(clock=clock, data_dir=tmp_path))
    assert again.get(SNAPSHOT)["snapshots"] == taken


@pytest.mark.slow
def test_a_snapshot_that_was_thrown_away_is_gone_with_its_files(
    servers: ServerFactory, new_caller: NewCaller, sample: Path, tmp_path: Path
) -> None:
    caller = new_caller(servers.start(data_dir=tmp_path)).connect()
    caller.upload(sample)
    first, second = take(caller), take(caller)
    response = caller.http.delete(f"{SNAPSHOT}/{first}")
    assert (response.status_code, response.json()) == (200, {"id": first})
    assert [kept["id"] for kept in caller.get(SNAPSHOT)["snapshots"]] == [second]
    assert [folder.name for folder in (tmp_path / "snapshots").iterdir()] == [second]
    assert not any((tmp_path / "work").iterdir())
    assert caller.post(RESTORE, json={"id": first})["code"] == 400
    assert caller.post(RESTORE, json={"id": second}) == {"id": second}
    assert caller.state()["state"]["video_infos"][0]["filename"] == sample.name


@pytest.mark.slow
@pytest.mark.parametrize("snapshot_id", ["0" * 32, "..", "%2e%2e", "none", "..%2fmedia"])
def test_what_is_no_snapshot_cannot_be_thrown_away(caller: HttpCaller, snapshot_id: str) -> None:
    kept = take(caller)
    assert caller.http.delete(f"{SNAPSHOT}/{snapshot_id}").status_code in (404, 405)
    assert [snapshot["id"] for snapshot in caller.get(SNAPSHOT)["snapshots"]] == [kept]


@pytest.mark.slow
def test_the_snapshot_that_is_one_too_many_is_refused_with_the_way_out(caller: HttpCaller) -> None:
    first, *_ = (take(caller) for _ in range(MAX_SNAPSHOTS))
    refused = caller.post(SNAPSHOT, json={})
    assert refused["code"] == 400
    assert refused["message"].startswith(
        f"there are {MAX_SNAPSHOTS} snapshots, which is the maximum"
    )
    assert f"DELETE {SNAPSHOT}/<id>" in refused["message"]
    assert caller.http.delete(f"{SNAPSHOT}/{first}").status_code == 200
    assert len(caller.get(SNAPSHOT)["snapshots"]) == MAX_SNAPSHOTS - 1
    assert take(caller)
