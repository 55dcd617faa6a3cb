"""What a fault did earns nothing: no rule is confirmed or contradicted by it, and no value changed.

Each exchange of a recording of the reference is hit by each kind of fault in turn, while the rest
of the recording stays as it was.
"""

import copy
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import pytest

from nemolocal_recording.learning.evaluation import RuleResult, evaluate_recordings
from nemolocal_recording.learning.faulty_exchanges import count_faults
from nemolocal_recording.learning.traffic_view import TrafficView
from nemolocal_recording.learning.values import (
    QUEUE_LEAST,
    QUEUE_MOST,
    RENDER_TIME,
    measured_values,
)
from nemolocal_recording.record_lines import ExchangeEnding, ResponseBodyLine, ResponseLine
from nemolocal_recording.recording import ExchangeRecord, Recording
from tests.support.ordinary_session import OrdinarySession
from tests.support.recorder import running_recorder
from tests.support.servers import ServerFactory

Fault = Callable[[ExchangeRecord], ExchangeRecord]
# Bounds, which polls that are not there make wider.
BOUNDS = {QUEUE_LEAST, QUEUE_MOST, RENDER_TIME}
JUDGED = ("confirmed", "contradicted", "alternative")


def cut(ending: ExchangeEnding | None) -> Fault:
    """The response ends so, before its last half."""

    def hit(exchange: ExchangeRecord) -> ExchangeRecord:
        chunks = exchange.chunks[: len(exchange.chunks) // 2]
        is_stream = exchange.is_stream
        body = exchange.response_body if is_stream else None
        return msgspec.structs.replace(exchange, ending=ending, chunks=chunks, response_body=body)

    return hit


def unanswered(exchange: ExchangeRecord) -> ExchangeRecord:
    return msgspec.structs.replace(
        exchange, response=None, response_body=None, chunks=[], ending="unreachable"
    )


def answered(status: int, body: Mapping[str, Any]) -> Fault:
    """Something on the way answers, and not the server."""

    def hit(exchange: ExchangeRecord) -> ExchangeRecord:
        number = exchange.request.exchange
        kind = "application/json" if "json" in body else "text/html"
        head = {"content-type": kind, "retry-after": "7"}
        return msgspec.structs.replace(
            exchange,
            response=ResponseLine(number, exchange.request.at, status, head, 0),
            response_body=ResponseBodyLine(number, 9, dict(body), []),
            chunks=[],
            ending="clean",
        )

    return hit


PAGE = {"kind": "text", "size": 9}
REFUSAL = {"kind": "json", "json": {"code": 500, "message": "<text:9>", "data": None}}
FAULTS: dict[str, Fault] = {
    "fin": cut("fin"), "rst": cut("rst"), "client": cut("client"), "recorder": cut("recorder"),
    "killed recorder": cut(None), "unreachable": unanswered,
    "500": answered(500, REFUSAL), "502": answered(502, PAGE), "503": answered(503, PAGE),
    "504": answered(504, PAGE), "408": answered(408, PAGE),
}  # fmt: skip


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    servers = ServerFactory()
    path = tmp_path_factory.mktemp("reference") / "r.jsonl"
    try:
        with running_recorder(servers.start(), path) as recorder:
            OrdinarySession(recorder.base_url).play()
        yield recorder.recording()
    finally:
        servers.stop()


def hit_in_turn(recording: Recording, fault: Fault) -> Iterator[tuple[int, Recording]]:
    """The recording with each of its exchanges hit by a fault, and which one it is."""
    for at, exchange in enumerate(recording.exchanges):
        exchanges = list(recording.exchanges)
        exchanges[at] = fault(copy.copy(exchange))
        yield exchange.request.exchange, Recording(recording.header, exchanges)


def judged(results: list[RuleResult]) -> dict[str, str]:
    """The rules about which something is said, and what."""
    return {one.rule: one.outcome for one in results if one.outcome in JUDGED}


def values_of(recording: Recording) -> Counter[tuple[str, float]]:
    measured = measured_values(TrafficView(recording))
    return Counter(
        (name, value)
        for (name, _), held in measured.items()
        for value in held
        if name not in BOUNDS
    )


@pytest.mark.slow
@pytest.mark.usefixtures("memoized_servers")
@pytest.mark.parametrize("fault", FAULTS)
def test_fault_confirms_and_contradicts_nothing(fault: str, reference: Recording) -> None:
    before, values = judged(evaluate_recordings([reference])), values_of(reference)
    assert "contradicted" not in before.values()
    assert "confirmed" in before.values()
    wrong = []
    for number, hit in hit_in_turn(reference, FAULTS[fault]):
        after = judged(evaluate_recordings([hit]))
        wrong += [(number, *one) for one in after.items() - before.items()]
        assert not values_of(hit) - values, number
        assert sum(count_faults(hit.exchanges).values()) == 1, number
    assert wrong == []


@pytest.mark.slow
@pytest.mark.usefixtures("memoized_servers")
@pytest.mark.parametrize("seed", range(4))
def test_many_faults_confirm_and_contradict_nothing(seed: int, reference: Recording) -> None:
    """What one call has done is in the replies to others, which may be hit as well."""
    before, values = judged(evaluate_recordings([reference])), values_of(reference)
    draw = random.Random(seed)
    for _ in range(60):
        share = draw.choice((0.1, 0.3, 0.5))
        chosen = {
            one.request.exchange: draw.choice(list(FAULTS))
            for one in reference.exchanges
            if draw.random() < share
        }
        hit = Recording(
            reference.header,
            [
                FAULTS[chosen[number]](one) if (number := one.request.exchange) in chosen else one
                for one in reference.exchanges
            ],
        )
        assert judged(evaluate_recordings([hit])).items() <= before.items(), chosen
        assert not values_of(hit) - values, chosen
