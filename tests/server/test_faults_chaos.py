"""Chaos by seed and scenarios by file: the same faults in every run."""

from pathlib import Path

import httpx
import pytest

from nemolocal_server.faults.catalogue import CATALOGUE, ApiCall
from nemolocal_server.faults.fault_scenario import ScenarioError, builtin_scenarios, find_scenario
from nemolocal_server.faults.fault_service import Chaos
from nemolocal_server.seeded_random import SeededRandom
from nemolocal_server.services import Services
from nemolocal_server.settings import Settings
from tests.support import patient_http
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

BALANCE = "/api/credits/balance/simple"
FAULTS = "/__nemolocal__/faults"
SCENARIOS = "/__nemolocal__/scenarios"


def strikes(chaos: Chaos, client: str, endpoint: str, calls: int) -> list[str]:
    struck = (chaos.next_for(ApiCall(endpoint, client_id=client)) for _ in range(calls))
    return ["" if fault is None else fault.name for fault in struck]


def test_chaos_strikes_its_part_of_the_calls_with_what_a_client_survives() -> None:
    struck = strikes(Chaos(0.2, SeededRandom(1)), "client", "chat", 2000)
    assert 0.17 < sum(map(bool, struck)) / len(struck) < 0.23
    chaotic = {f.name for f in CATALOGUE.values() if f.chaotic and "chat" in f.endpoints}
    assert set(struck) - {""} == chaotic


def test_chaos_of_a_client_does_not_ask_who_else_calls_or_what_else_it_does() -> None:
    alone = Chaos(0.5, SeededRandom(3))
    crowd = Chaos(0.5, SeededRandom(3))
    expected = strikes(alone, "client", "chat", 50)
    struck = []
    for _ in range(50):
        strikes(crowd, "another", "chat", 2)
        strikes(crowd, "client", "render_status", 3)
        struck += strikes(crowd, "client", "chat", 1)
    assert struck == expected
    assert strikes(Chaos(0.5, SeededRandom(4)), "client", "chat", 50) != expected


def test_chaos_never_takes_the_only_token_of_a_week_away() -> None:
    struck = set(strikes(Chaos(1.0, SeededRandom(1)), "client", "token", 500))
    assert struck == {"rate-limited", "server-error", "bad-gateway", "slow-bytes"}


def test_without_a_rate_and_for_nobody_there_is_no_chaos() -> None:
    assert set(strikes(Chaos(0.0, SeededRandom(1)), "client", "chat", 200)) == {""}
    assert set(strikes(Chaos(1.0, SeededRandom(1)), "", "chat", 200)) == {""}


def seen(caller: HttpCaller, calls: int) -> list[str]:
    """What came of asking for the balance, over and over."""
    outcomes = []
    for _ in range(calls):
        try:
            reply = caller.http.get(BALANCE)
            outcomes.append(f"{reply.status_code} {reply.content!r}")
        except httpx.TransportError as error:
            outcomes.append(type(error).__name__)
    return outcomes


@pytest.mark.slow
def test_chaos_on_the_wire_is_the_same_in_every_run_and_order(
    servers: ServerFactory, new_caller: NewCaller
) -> None:
    def run(clients: list[str]) -> dict[str, list[str]]:
        base_url = servers.start(chaos=0.4, seed=5)
        heard = {}
        for client in clients:
            caller = new_caller(base_url, client)
            created = caller.post("/__nemolocal__/tokens", json={"client_id": client})
            caller.http.headers["Authorization"] = f"Bearer {created['token']}"
            heard[client] = seen(caller, 25)
        return heard

    first = run(["one", "two", "three"])
    assert first == run(["three", "two", "one"])
    assert len({tuple(outcomes) for outcomes in first.values()}) == 3
    assert {"RemoteProtocolError", "ReadError"} <= {
        o for reported in first.values() for o in reported
    }


def test_every_scenario_that_comes_along_has_a_sentence_and_faults() -> None:
    assert len(builtin_scenarios()) >= 4
    for scenario in builtin_scenarios().values():
        assert scenario.description.endswith(".")
        assert scenario.faults


def test_a_scenario_is_armed_at_start_and_on_request(
    servers: ServerFactory, new_caller: NewCaller, tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[[faults]]\nname = "bad-gateway"\ntimes = 2\n'
                    'match = { endpoint = "balance", client_id = "one" }\n')  # fmt: skip
    base_url = servers.start(scenario=str(file))
    one, two = new_caller(base_url, "one").connect(), new_caller(base_url, "two").connect()
    assert [one.http.get(BALANCE).status_code for _ in range(3)] == [502, 502, 200]
    assert two.http.get(BALANCE).status_code == 200
    shown = {scenario["name"] for scenario in one.get(SCENARIOS)["scenarios"]}
    assert shown == set(builtin_scenarios())
    order = {"name": "silent-treatment", "match": {"user_id": two.user_id}}
    assert len(one.post(SCENARIOS, json=order)["ids"]) == 3
    assert one.say("hello")
    assert [two.say("hello") for _ in range(3)] == [[], [], []]
    assert two.say("hello")


@pytest.mark.rule("AUTH-4")
def test_a_scenario_switches_a_setting_until_all_is_disarmed(
    servers: ServerFactory, tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[settings]\naddress_limit = 2\n")
    with patient_http.Client(base_url=servers.start(scenario=str(file))) as http:

        def limit() -> int | None:
            shown: dict[str, int | None] = http.get(FAULTS).json()["settings"]
            return shown["address_limit"]

        def ask(client: str) -> int:
            headers = {"X-Client-Id": client}
            return http.post("/api/auth/anonymous-token", headers=headers).status_code

        assert [ask("a"), ask("b"), ask("c"), limit()] == [200, 200, 429, 2]
        http.delete(FAULTS)
        assert [ask("c"), limit()] == [200, None]
        assert len(http.post(SCENARIOS, json={"name": "rate-limits"}).json()["ids"]) == 1
        assert [ask("d"), limit()] == [200, 10]
        http.post("/__nemolocal__/reset", json={})
        assert [ask("a"), ask("b"), ask("c"), limit()] == [200, 200, 429, 2]


def test_a_setting_is_never_switched_for_some_calls_only(caller: HttpCaller) -> None:
    order = {"name": "rate-limits", "match": {"client_id": "one"}}
    response = caller.http.post(SCENARIOS, json=order)
    assert response.status_code == 400
    assert "match: this scenario changes a setting" in response.json()["message"]
    assert (caller.get(FAULTS)["armed"], caller.get(FAULTS)["settings"]) == (
        [], {"address_limit": None},
    )  # fmt: skip


def test_a_scenario_that_comes_along_is_found_by_its_name() -> None:
    assert find_scenario("hard-export") == builtin_scenarios()["hard-export"]


def test_a_scenario_that_does_not_exist_is_400(caller: HttpCaller) -> None:
    response = caller.http.post(SCENARIOS, json={"name": "quiet-day"})
    assert response.status_code == 400
    assert "unknown scenario 'quiet-day'; choose from bad-account" in response.json()["message"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("faults = 3", "$.faults"),
        ("[[faults]]\nnam = 1", "`nam`"),
        ("[[faults]]\nname = 'no-such'", "faults[0]: name: unknown fault 'no-such'"),
        ("[[faults]]\nname = 'silent'\n[[faults]]\nname = 'stall'\nargs = {second = 1}",
         "faults[1]: args of fault 'stall'"),
        ("[[faults]]\nname = 'silent'\nmatch = {endpoint = 'state'}", "match.endpoint"),
        ("[[faults]\n", "mine.toml"),
        ("seed = 1", "seed"),
        ("settings = 1", "$.settings"),
        ("[settings]\naddress_limit = 0", "$.settings.address_limit"),
        ("[settings]\nseed = 1",
         "settings: a scenario cannot change 'seed', only address_limit"),
    ],
)  # fmt: skip
def test_a_scenario_that_is_no_good_names_file_and_field(
    tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ScenarioError) as refused:
        Services(Settings(scenario=str(file)))
    assert str(file) in str(refused.value)
    assert said in str(refused.value)


def test_a_scenario_that_cannot_be_read_names_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"cannot read scenario .*missing.*hard-export"):
        find_scenario(str(tmp_path / "missing.toml"))
