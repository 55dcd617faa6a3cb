"""Answers of a model in a file, so that a run can be repeated without one.

A line is an answer as a JSON object. Its key is the message, a hash of the project as the model saw
it, and the name of the model; of several with the same key the last one counts.
"""

from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from nemolocal_contract.draft import Draft, draft_to_wire
from nemolocal_contract.responses import decode_json, encode_json

from ..data.sessions import Asset
from .chat_completions import ModelCall
from .endpoint import ModelSetupError

_HASH_DIGITS = 16


class RecordedAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tool calls of a model for a message and a draft."""

    message: str
    draft: str
    model: str
    calls: tuple[ModelCall, ...]


def hash_project(draft: Draft, assets: list[Asset]) -> str:
    """Return a hash of a draft and its media that does not depend on the ids of the media."""
    names = {asset.id: f"{asset.origin}:{asset.filename}" for asset in assets}
    media = [[names[asset.id], asset.info.kind, round(asset.info.duration, 3)] for asset in assets]
    content = [_rename(draft_to_wire(draft), names), media]
    return sha256(msgspec.json.encode(content, order="sorted")).hexdigest()[:_HASH_DIGITS]


def _rename(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _rename(item, names) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rename(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


class AnswerRecorder:
    """Adds answers to a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.open("ab").close()
        except OSError as error:
            raise ModelSetupError(
                f"cannot write the answers of the model to {path}: {error.strerror}"
            ) from error

    def add(self, answer: RecordedAnswer) -> None:
        """Write an answer; raises OSError."""
        with self._path.open("ab") as file:
            file.write(encode_json(answer) + b"\n")


class RecordedAnswers:
    """The answers in a file; raises `ModelSetupError` with the line that is invalid."""

    def __init__(self, path: Path) -> None:
        self._answers: dict[tuple[str, str, str], tuple[ModelCall, ...]] = {}
        try:
            lines = path.read_bytes().splitlines()
        except OSError as error:
            raise ModelSetupError(
                f"cannot read the recorded answers in {path}: {error.strerror}"
            ) from error
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                answer = decode_json(line, type=RecordedAnswer)
            except (msgspec.MsgspecError, RecursionError, ValueError) as error:
                raise ModelSetupError(
                    f"{path}, line {number}: not a recorded answer: {error}"
                ) from error
            for model in (answer.model, ""):  # without a name, any model will do
                self._answers[answer.message, answer.draft, model] = answer.calls

    def find(self, message: str, draft: str, model: str) -> tuple[ModelCall, ...] | None:
        """Return the answer of a model, or of any model if `model` is empty."""
        return self._answers.get((message, draft, model))
