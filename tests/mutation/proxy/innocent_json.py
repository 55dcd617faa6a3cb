"""Innocent changes of JSON: its fields, their order, how it is spelled, its texts, ids and times.

Each takes the value of a body or of an event and returns another one that says the same. `Noise`
is where what varies comes from, so that every run is the same.
"""

import itertools
import json
import random
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

JsonChange = Callable[[Any, "Noise"], Any]
# What a tool is called with and returns is the tool's own.
OPAQUE = ("args", "response", "result")
_NAMES = (
    *(
        "aFurtherField",
        "x-trace-id",
        "updated_at",
        "",
        " ",
        "0",
        "日本語",
        "$ref",
        "a.b",
        "n" * 200,
    ),
    *("__proto__", "constructor", "null", "Code", "DATA", "tokens", "sg2", "version"),
)
_VALUES: tuple[Any, ...] = (
    *(True, False, 0, -1, 3, 0.5, 1e300, 10**30, "", " ", "done", "[DONE]", "null", "0"),
    *([], {}, [[]], [{"code": 1001}], {"error": "none"}, "\u2028\u0085", "é" * 300, "data: x\n\n"),
)
# What real services add: the names that an object is known by, and its further fields.
_CUSTOMARY: tuple[tuple[set[str], dict[str, Any]], ...] = (
    ({"code", "message"}, {"success": False, "details": [], "request_id": "r-2"}),
    ({"code", "data"}, {"success": True, "message": "ok", "request_id": "r-1", "error": None}),
    ({"token", "credits"}, {"token_type": "bearer", "refresh_token": None, "scope": "read write"}),
    ({"available", "frozen"}, {"currency": "credits", "granted": 100, "expires": None}),
    ({"task_id", "session_id"}, {"created_at": 1.5, "title": "", "status": "active"}),
    ({"filename", "cdn_url"}, {"size": 7, "mime_type": "video/mp4", "codec": None, "url": "#"}),
    ({"draft", "video_infos"}, {"version": 3, "error": None, "output": None}),
    ({"status", "progress"}, {"error": None, "output": None, "eta": 3.5, "createdAt": "now"}),
    ({"url", "size"}, {"width": 1, "checksum": "00", "expires_at": None}),
    ({"success", "data"}, {"code": 0, "message": ""}),
)
# What ADK events have besides, which leave out nulls.
_ADK = {"partial": False, "turnComplete": True, "finishReason": "STOP", "branch": "a.b"}
_ADK |= {"longRunningToolIds": [], "usageMetadata": {"totalTokenCount": 7}, "modelVersion": "2"}
_WORD_GAP = re.compile(r"(?<=\S)(\s+)(?=\S)")


class Noise:
    """A source of varying values that is the same in every run."""

    def __init__(self, seed: object) -> None:
        self.random = random.Random(str(seed))
        self.count = itertools.count()

    def fields(self, taken: Iterable[str]) -> dict[str, Any]:
        """Return some fields with odd names and values, with other values each time."""
        names = [name for name in self.random.sample(_NAMES, 3) if name not in taken]
        return {name: self.random.choice(_VALUES) for name in names} | {"seen": next(self.count)}


def each_object(value: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """Return a value with every object changed, inner ones first, but what tools say."""
    if isinstance(value, list):
        return [each_object(held, change) for held in value]
    if not isinstance(value, dict):
        return value
    return change(
        {
            name: held if name in OPAQUE else each_object(held, change)
            for name, held in value.items()
        }
    )


def _is_event(value: Any) -> bool:
    return isinstance(value, dict) and "invocationId" in value


def with_odd_fields(value: Any, noise: Noise) -> Any:
    """Every object has further fields with odd names, types and values, before and after."""

    def add(known: dict[str, Any]) -> dict[str, Any]:
        return {**noise.fields(known), **known, **noise.fields(known)}

    return each_object(value, add)


def with_customary_fields(value: Any, noise: Noise) -> Any:
    """Objects have the further fields that real services send, null where they have no value."""
    del noise
    if _is_event(value):
        return {**value, **_ADK}

    def add(known: dict[str, Any]) -> dict[str, Any]:
        for names, fields in _CUSTOMARY:
            if names <= set(known):
                return {**fields, **known}
        return known

    return each_object(value, add)


def reversed_order(value: Any, noise: Noise) -> Any:
    """The fields of every object come last to first."""
    del noise
    return _reordered(value, lambda names: names[::-1])


def shuffled_order(value: Any, noise: Noise) -> Any:
    """The fields of every object come in another order each time."""
    return _reordered(value, lambda names: noise.random.sample(names, len(names)))


def _reordered(value: Any, order: Callable[[list[str]], list[str]]) -> Any:
    if isinstance(value, list):
        return [_reordered(held, order) for held in value]
    if isinstance(value, dict):
        return {name: _reordered(value[name], order) for name in order(list(value))}
    return value


def floats(value: Any, noise: Noise) -> Any:
    """Whole numbers are spelled with a fraction of zero."""
    del noise
    return _with_floats(value)


def _with_floats(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_floats(held) for held in value]
    if isinstance(value, dict):
        return {
            name: held if name in OPAQUE else _with_floats(held) for name, held in value.items()
        }
    return float(value) if type(value) is int and abs(value) < 10**15 else value


def spell_compact(value: Any) -> bytes:
    """As the reference does."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def spell_indented(value: Any) -> bytes:
    """On several lines, with a line break at the end."""
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


def spell_spaced(value: Any) -> bytes:
    """With white space wherever it may stand."""
    text = json.dumps(value, ensure_ascii=True, separators=(" \t, ", " : "))
    return f" \r\n\t{text}  ".encode()


def spell_escaped(value: Any) -> bytes:
    """With every character of every text escaped."""
    return "".join(_escaped(value)).encode()


def _escaped(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        pairs = (f"{_escaped_text(n)}:{''.join(_escaped(held))}" for n, held in value.items())
        yield "{" + ",".join(pairs) + "}"
    elif isinstance(value, list):
        yield "[" + ",".join("".join(_escaped(held)) for held in value) + "]"
    else:
        yield _escaped_text(value) if isinstance(value, str) else json.dumps(value)


def _escaped_text(text: str) -> str:
    units = text.encode("utf-16-be")
    pairs = (units[place : place + 2] for place in range(0, len(units), 2))
    return '"' + "".join(f"\\u{pair.hex()}" for pair in pairs) + '"'


def longer_messages(value: Any, noise: Noise) -> Any:
    """Failures say more, and are numbered."""
    return _with_message(value, lambda said: f"Sorry! {said} (request {next(noise.count)}.)")


def bilingual_messages(value: Any, noise: Noise) -> Any:
    """Failures are told in Chinese first."""
    del noise
    return _with_message(value, lambda said: f"请求失败。\n{said}\n请稍后再试。")


def _with_message(value: Any, change: Callable[[str], str]) -> Any:
    """Change what a failure says, in an envelope or in the form of the ADK."""
    if not isinstance(value, dict):
        return value
    name = "message" if value.get("code") else "detail"
    said = value.get(name)
    return {**value, name: change(said)} if isinstance(said, str) else value


def decorated_texts(value: Any, noise: Noise) -> Any:
    """The agent adds a sign to what it says, and a number."""
    return _with_text(value, lambda said: [f"✨ {said} ({next(noise.count)})"])


def split_texts(value: Any, noise: Noise) -> Any:
    """What the agent says comes in several parts, after a thought that is for nobody."""
    del noise

    def split(said: str) -> list[str]:
        gaps = list(_WORD_GAP.finditer(said))
        if not gaps:
            return [said]
        end = gaps[len(gaps) // 2].end()
        return [said[:end], said[end:]]

    return _with_text(value, split)


def _with_text(value: Any, change: Callable[[str], list[str]]) -> Any:
    """Change the texts of an event; only events of the ADK have several parts."""
    if not isinstance(value, dict):
        return value
    if value.get("type") == "text" and isinstance(value.get("content"), str):
        said = change(value["content"])
        return {**value, "content": "".join(said)}
    if not _is_event(value):
        return value
    parts: list[Any] = []
    for part in value["content"]["parts"]:
        if "text" not in part:
            parts.append(part)
            continue
        said = change(part["text"])
        parts += [{"text": "Let me think.", "thought": True}] if len(said) > 1 else []
        parts += [{"text": text} for text in said]
    return {**value, "content": {**value["content"], "parts": parts}}


MARK = "-0a.v2~x"
"""The end of longer ids, which is taken off again where a client sends it."""
_SECRETS = re.compile(r"\b(?:nmv_[a-z]{1,16}_|clm_|anon_)[A-Za-z0-9_-]+")
_ID_NAMES = ("task_id", "hash", "invocationId", "src")
# The `id` of their items is the `src` of segments.
_MEDIA_LISTS = ("video_infos", "generated_media")


def longer_ids(value: Any, noise: Noise) -> Any:
    """Ids and tokens are longer, with a dot, a dash and a tilde."""
    del noise
    return _with_longer_ids(value)


def _with_longer_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_longer_ids(held) for held in value]
    if isinstance(value, str):
        return _SECRETS.sub(lambda found: found[0] + MARK, value)
    if not isinstance(value, dict):
        return value
    named = {name: _with_longer_ids(held) for name, held in value.items()}
    for name in _ID_NAMES:
        if named.get(name) and isinstance(value[name], str):
            named[name] = value[name] + MARK
    for name in _MEDIA_LISTS:
        for media in named.get(name) or ():
            if isinstance(media, dict) and isinstance(media.get("id"), str):
                media["id"] += MARK
    return named


def other_times(value: Any, noise: Noise) -> Any:
    """`expires_at` has the offset +00:00 and nanoseconds, or no fraction at all."""
    del noise
    data = value.get("data") if isinstance(value, dict) else None
    if not isinstance(data, dict) or not isinstance(data.get("expires_at"), str):
        return value
    said = data["expires_at"].removesuffix("Z").partition(".")[0]
    return {**value, "data": {**data, "expires_at": f"{said}.000000000+00:00"}}
