"""The pytest plugin in other projects."""

from importlib.metadata import entry_points

import pytest

pytest_plugins = "pytester"
pytestmark = pytest.mark.usefixtures("memoized_servers")

CLIP = """
import pytest
from nemolocal_conformance.samples import read_sample

@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(read_sample("clip.mp4"))
    return path
"""
FIVE = """
import pytest

def test_edit(nemo_client, nemo_journal, clip, tmp_path):
    nemo_client.upload(clip)
    assert nemo_client.say("trim to the first second").lines
    assert nemo_client.export(tmp_path / "out.mp4").path.read_bytes()[4:8] == b"ftyp"
    assert nemo_client.claim_link()
    nemo_journal.assert_conformant()

@pytest.mark.nemo(faults=["silent"])
def test_silence(nemo_client, nemo_journal, clip):
    nemo_client.upload(clip)
    assert nemo_client.say("trim to the first second").changes
    nemo_journal.assert_conformant("client.silent", "client.resend")

def test_cut(nemo_client, nemo_faults, nemo_journal, nemo_clock, clip):
    assert not nemo_faults.armed()
    nemo_faults.arm("cut-fin", endpoint="chat", after=1)
    nemo_client.upload(clip)
    before = nemo_clock.time()
    nemo_client.say("trim to the first second")
    assert nemo_clock.time() - before >= 30
    assert not nemo_faults.armed()
    assert [entry.faults for entry in nemo_journal.entries("chat")] == [("cut-fin",)]
    nemo_journal.assert_conformant()

def test_week(nemo_client, nemo_clock, nemo_journal):
    nemo_client.balance()
    nemo_clock.advance(8 * 86_400)
    assert nemo_client.balance().available == 100
    assert len(nemo_journal.entries("token")) == 2

def test_no_socket(nemo_respx, clip, tmp_path):
    from nemolocal_client import Attribution, Client, MemoryProfile
    from nemolocal_contract.clock import ManualClock

    me = {"profile": MemoryProfile(), "environment": {}, "clock": ManualClock()}
    with Client(attribution=Attribution("mine", "1"), **me) as client:
        assert client.upload(clip)[0].filename == "clip.mp4"
        assert client.say("add a title").lines[0] == "Done! The title is there."
        assert client.balance().available == 100
        assert client.export(tmp_path / "out.mp4").seconds == 2
        assert "clm_canned" in client.claim_link()
    assert nemo_respx["chat"].call_count == 1
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project whose folders have names like ours, with the plugin loaded."""
    pytester.makeconftest(CLIP)
    for name in ("client", "fixtures"):
        pytester.mkpydir(name).joinpath("__init__.py").write_text("raise SystemExit('not ours')")
    # In an editable install pytest finds the plugin by itself.
    found = entry_points(group="pytest11", name="nemolocal")
    load = "" if found else " -p nemolocal_pytest"
    pytester.makeini(f"[pytest]\naddopts = --strict-markers -p no:schemathesis{load}\n")
    return pytester


def test_fixtures_work_together(project: pytest.Pytester) -> None:
    project.makepyfile(FIVE)
    project.runpytest_inprocess().assert_outcomes(passed=5)


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["2", "8"])
def test_workers_have_a_server_each(project: pytest.Pytester, workers: str) -> None:
    project.makepyfile(FIVE)
    project.runpytest_subprocess("-n", workers).assert_outcomes(passed=5)


@pytest.mark.slow
def test_tests_are_isolated(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", range(3))
        def test_anew(nemo_server, nemo_client, nemo_faults, nemo_journal, number):
            assert not nemo_journal.entries()
            assert not nemo_faults.armed()
            nemo_faults.arm("silent", times=0)
            assert nemo_server.make_token(credits=7)
            assert nemo_client.balance().available == 100
            assert len(nemo_journal.entries("balance")) == 1
        """
    )
    project.runpytest_inprocess().assert_outcomes(passed=3)


@pytest.mark.slow
def test_control_token_of_the_environment_is_used(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEMO_CONTROL_TOKEN", "mine")
    project.makepyfile(
        """
        import httpx

        def test_closed(nemo_server, nemo_clock, nemo_faults, nemo_journal):
            url = nemo_server.base_url + "/__nemolocal__/journal"
            assert httpx.get(url, trust_env=False).status_code == 403
            assert nemo_server.control_token == "mine"
            nemo_faults.arm("silent")
            nemo_clock.advance(60)
            assert [entry.status for entry in nemo_journal.entries()] == [403]
        """
    )
    project.runpytest_inprocess().assert_outcomes(passed=1)


def test_violation_is_reported_with_its_entries(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import httpx

        def test_bare(nemo_server, nemo_journal):
            httpx.get(nemo_server.base_url + "/api/credits/balance/simple", trust_env=False)
            nemo_journal.assert_conformant("client.bearer")

        def test_nothing(nemo_journal):
            nemo_journal.assert_conformant()

        def test_typo(nemo_journal):
            nemo_journal.report("client.nothing")
        """
    )
    result = project.runpytest_inprocess()
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines_random(
        [
            "*the client broke the contract:",
            "*client.bearer: Authorization: expected Bearer …, saw nothing (entry 1)",
            "*no calls to evaluate: *",
            "*no check id starts with client.nothing",
        ]
    )


def test_marker_arms_scenarios_and_faults_with_their_arguments(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        def names(faults):
            return [fault.name for fault in faults.armed()]

        @pytest.mark.nemo(scenario="silent-treatment", faults="bad-json")
        def test_both(nemo_faults):
            assert names(nemo_faults) == ["silent", "silent-not-applied", "silent-late", "bad-json"]
            nemo_faults.clear()
            assert not names(nemo_faults)

        @pytest.mark.nemo(faults=[{"name": "stall"}])
        def test_stall(nemo_server): ...

        @pytest.mark.nemo(scenario="slow-backend")
        def test_stalls(nemo_server): ...

        @pytest.mark.nemo(faults=["no-such"])
        def test_unknown(nemo_server): ...
        """
    )
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=1, errors=3)
    result.stdout.fnmatch_lines(["*clock jumps over every wait here*"])
    result.stdout.fnmatch_lines(["*unknown fault 'no-such'*"])


@pytest.mark.slow
def test_coroutines_wait_by_the_clock_of_the_server(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import asyncio

        def test_sleep(nemo_clock):
            before = nemo_clock.elapsed()
            asyncio.run(nemo_clock.sleep(60))
            assert nemo_clock.elapsed() == before + 60
        """
    )
    project.runpytest_inprocess().assert_outcomes(passed=1)


@pytest.mark.slow
def test_fixtures_and_marker_are_listed(project: pytest.Pytester) -> None:
    fixtures = project.runpytest_inprocess("--fixtures")
    fixtures.stdout.fnmatch_lines(["nemo_client*", "*reference client*"])
    project.runpytest_inprocess("--markers").stdout.fnmatch_lines(["@pytest.mark.nemo(scenario=*"])


@pytest.mark.parametrize(
    ("fixture", "options", "there"),
    [
        pytest.param("nemo_client", [], True, marks=pytest.mark.slow),
        pytest.param("tmp_path", [], False, marks=pytest.mark.slow),
        pytest.param("nemo_client", ["--collect-only"], False, marks=pytest.mark.slow),
    ],
)
def test_server_is_imported_before_the_first_test_that_wants_one(
    project: pytest.Pytester, fixture: str, options: list[str], there: bool
) -> None:
    project.makepyfile(f"def test_one({fixture}): ...")
    project.makeconftest(
        """
        import sys

        def pytest_runtestloop():
            print("imported:", "nemolocal_server.serving" in sys.modules)
        """
    )
    result = project.runpytest_subprocess("-s", *options)
    result.stdout.fnmatch_lines([f"imported: {there}"])
