"""What people say, from fixtures/phrases, and what the agent takes it for."""

import tomllib
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from nemolocal_contract import effects
from nemolocal_server.agent import intents
from nemolocal_server.agent.intents import Generate, Moment, Talk, Topic, Which
from nemolocal_server.agent.understanding import understand

PHRASES = Path(__file__).parents[2] / "fixtures" / "phrases"
NAMES = {name: getattr(intents, name) for name in intents.__all__} | {
    name: effect for name, effect in vars(effects).items() if name[0].isupper()
}
TIMELINES = (60_000, 47_310)


def phrases() -> list[Any]:
    """Every phrase of every file, known by its file and its words."""
    return [
        pytest.param(phrase, id=f"{file.stem}: {phrase['say'][:60]}")
        for file in sorted(PHRASES.glob("*.toml"))
        for phrase in tomllib.loads(file.read_text(encoding="utf-8"))["phrase"]
    ]


def seen_on(value: Any, total_ms: int) -> Any:
    """A wish as it shows on a timeline: moments as times, names without case."""
    if isinstance(value, Moment):
        return value.resolve(total_ms)
    if isinstance(value, Generate):
        return (Generate, value.scene, value.seconds)
    if isinstance(value, Which):
        name = value.name.lower() if value.name else None
        return (Which, value.number, name, seen_on(value.span, total_ms))
    if isinstance(value, msgspec.Struct):
        fields = (getattr(value, name) for name in value.__struct_fields__)
        return (type(value), *(seen_on(field, total_ms) for field in fields))
    if isinstance(value, tuple):
        return tuple(seen_on(item, total_ms) for item in value)
    return round(value, 4) if isinstance(value, float) else value


@pytest.mark.parametrize("phrase", phrases())
def test_what_people_say_is_understood(phrase: dict[str, Any]) -> None:
    heard = understand(phrase["say"])
    if "talk" in phrase:
        assert phrase["talk"] in get_args(Topic)
        assert isinstance(heard, Talk), heard
        assert heard.topic == phrase["talk"]
        return
    wanted = tuple(eval(want, {"__builtins__": {}}, NAMES) for want in phrase["want"])
    assert not isinstance(heard, Talk), heard
    for total_ms in TIMELINES:
        assert seen_on(heard, total_ms) == seen_on(wanted, total_ms)


def test_no_phrase_stands_twice() -> None:
    said = [param.values[0]["say"] for param in phrases()]
    assert len(said) > 400
    assert len(said) == len(set(said))
