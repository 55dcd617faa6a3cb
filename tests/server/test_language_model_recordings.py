"""Answers of a model are recorded, and replayed where there is none."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nemolocal_contract.responses import decode_json
from nemolocal_contract.turn_events import Text
from nemolocal_server.language_model.endpoint import ModelSetupError
from nemolocal_server.language_model.model_settings import ModelSettings
from nemolocal_server.services import Services
from nemolocal_server.settings import Settings
from nemolocal_server.settings_loader import load_settings
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.model_endpoint import ScriptedModel, as_json, scripted_model
from tests.support.servers import ServerFactory
from tests.support.tables import check_rows

WISH = "make it flibber the wobble"
KEY = "sk-secret-key-of-the-operator"
URL = "http://127.0.0.1:11434/v1"


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedModel]:
    monkeypatch.setenv("MY_KEY", KEY)
    with scripted_model() as running:
        yield running


def outcomes(caller: HttpCaller) -> list[tuple[str, str]]:
    entries = caller.get("/__nemolocal__/journal?endpoint=chat")["entries"]
    models = [entry["turn"].get("model", {}) for entry in entries]
    return [(model.get("name", ""), model.get("outcome", "")) for model in models]


def edit_twice(caller: HttpCaller, sample: Path) -> dict[str, Any]:
    """The draft after the same message on two different drafts."""
    caller.upload(sample)
    caller.say(WISH)
    caller.say(WISH)
    return caller.draft()


def test_a_recorded_session_is_played_without_an_endpoint(
    servers: ServerFactory,
    new_caller: NewCaller,
    model: ScriptedModel,
    sample: Path,
    tmp_path: Path,
) -> None:
    file = tmp_path / "answers.jsonl"
    asked = ModelSettings(url=model.url, name="tiny-1", key_variable="MY_KEY", record=file)
    model.edits(("keep", {"first_ms": 1500}), ("add-title", {"text": "Hi"}))
    model.edits(("keep", {"first_ms": 700}))
    caller = new_caller(servers.start(model=asked)).connect()
    recorded = edit_twice(caller, sample)
    model.arm(as_json({}, 500))
    caller.say("another wobble to flibber")
    assert model.keys == [f"Bearer {KEY}"] * 3
    lines = [decode_json(line) for line in file.read_bytes().splitlines()]
    assert [(line["message"], line["model"]) for line in lines] == [(WISH, "tiny-1")] * 2
    assert lines[0]["draft"] != lines[1]["draft"]
    assert lines[1]["calls"] == [{"name": "keep", "arguments": {"first_ms": 700}}]
    assert KEY not in file.read_text("utf-8")

    caller = new_caller(servers.start(model=ModelSettings(replay=file)), "client-2").connect()
    again = edit_twice(caller, sample)
    assert again["d"] == recorded["d"] == 700
    assert again["t"][1]["sg"] == recorded["t"][1]["sg"]
    (text,) = (e.text for e in caller.say("another wobble to flibber") if isinstance(e, Text))
    assert text.startswith("I did not understand")
    said = [("recorded", "edited"), ("recorded", "edited"), ("recorded", "not_recorded")]
    assert outcomes(caller) == said
    other = ModelSettings(replay=file, name="large-9")
    caller = new_caller(servers.start(model=other), "client-3").connect()
    edit_twice(caller, sample)
    assert outcomes(caller) == [("large-9", "not_recorded")] * 2
    assert len(model.requests) == 3


def test_the_last_answer_counts_and_is_checked_like_a_fresh_one(
    servers: ServerFactory, new_caller: NewCaller, model: ScriptedModel, tmp_path: Path
) -> None:
    file = tmp_path / "answers.jsonl"
    model.edits(("start-over", {}))
    model.edits(("undo", {}))
    caller = new_caller(
        servers.start(model=ModelSettings(url=model.url, name="tiny-1", record=file))
    )
    caller.connect().say(WISH)
    caller.open_session().say(WISH)
    replayed = ModelSettings(replay=file, name="tiny-1")
    caller = new_caller(servers.start(model=replayed), "client-2").connect()
    caller.say(WISH)
    assert outcomes(caller) == [("tiny-1", "destructive")]
    entries = caller.get("/__nemolocal__/journal?endpoint=chat")["entries"]
    assert "would undo" in entries[0]["turn"]["model"]["detail"]


def test_a_file_that_cannot_be_used_is_refused_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text("\n{}\n")
    for settings, reason in (
        (ModelSettings(replay=tmp_path / "none"), "cannot read the recorded answers"),
        (ModelSettings(replay=broken), r"broken.jsonl, line 2: not a recorded answer"),
        (ModelSettings(url=URL, name="m", record=tmp_path / "no" / "x"), "cannot write"),
    ):
        with pytest.raises(ModelSetupError, match=reason):
            Services(Settings(model=settings))
    monkeypatch.setenv("NEMOLOCAL_MODEL_KEY", "sk-two\nlines")
    with pytest.raises(ModelSetupError, match="the key in NEMOLOCAL_MODEL_KEY has") as error:
        Services(Settings(model=ModelSettings(url=URL, name="m")))
    assert "two" not in str(error.value)
    answers = tmp_path / "answers.jsonl"
    answers.touch()
    services = Services(Settings(model=ModelSettings(replay=answers)))  # which needs no key
    services.context.store.close()


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"url": URL}, "model.url needs model.name"),
    ({"name": "m"}, "model.name needs model.url"),
    ({"record": Path("a"), "replay": Path("b")}, "cannot be combined"),
    ({"record": Path("a")}, "model.record needs model.url"),
    ({"url": "ftp://x", "name": "m"}, "must be an http or https URL"),
    ({"url": "http://[", "name": "m"}, "must be an http or https URL"),
    ({"url": "http://x:port", "name": "m"}, "must be an http or https URL"),
    ({"url": "http://x/ü", "name": "m"}, "without spaces"),
    ({"url": "http://u:secret@x/v1", "name": "m"}, "no user, password or query"),
    ({"url": "http://x/v1?key=secret", "name": "m"}, "no user, password or query"),
    ({"url": URL, "name": "m\n"}, "printable"),
    ({"url": URL, "name": "m", "seconds": 0}, "model.seconds must be greater than 0"),
    ({"url": URL, "name": "m", "seconds": 1e6}, "model.seconds must be at most 900"),
    ({"url": URL, "name": "m", "key_variable": "sk-secret"}, "not the key"),
]


def test_settings_that_cannot_be_used_are_refused(subtests: pytest.Subtests) -> None:
    def check(fields: dict[str, Any], reason: str) -> None:
        with pytest.raises(ValueError, match=reason) as error:
            ModelSettings(**fields)
        assert "secret" not in str(error.value)

    check_rows(subtests, REFUSED, check)


def test_options_change_single_settings_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(f'[model]\nurl = "{URL}/"\nname = "tiny-1"\nseconds = 5.0', encoding="utf-8")
    model = load_settings(file, {"model": {"name": "large-9"}}).model
    assert (model.name, model.seconds) == ("large-9", 5.0)
    assert model.completions_url == f"{URL}/chat/completions"
    assert load_settings(file, {"port": 1}).model.name == "tiny-1"
    assert not load_settings().model.is_enabled
    whole = ModelSettings(url=f"{URL}/chat/completions", name="m")
    assert whole.completions_url == f"{URL}/chat/completions"
    replay = load_settings(file, {"model": {"replay": "x.jsonl"}}).model
    assert replay.replay == Path("x.jsonl")


def test_an_answer_that_cannot_be_recorded_is_used_all_the_same(
    servers: ServerFactory,
    new_caller: NewCaller,
    model: ScriptedModel,
    sample: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    file = tmp_path / "answers.jsonl"
    settings = ModelSettings(url=model.url, name="tiny-1", key_variable="MY_KEY", record=file)
    caller = new_caller(servers.start(model=settings)).connect()
    file.unlink()
    file.mkdir()
    model.edits(("keep", {"first_ms": 1500}))
    caller.upload(sample)
    caller.say(WISH)
    assert caller.draft()["d"] == 1500
    assert "an answer of the model could not be recorded: Is a directory" in caplog.text
