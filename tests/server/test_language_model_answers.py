"""Whatever a model answers, it comes to edits that can be tried or to a reason why not."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, strategies as st

from nemolocal_contract.responses import encode_json
from nemolocal_server.language_model.chat_completions import (
    ModelCall,
    ModelFailed,
    edit_tables,
    read_calls,
    read_decline,
    tools_json,
)
from nemolocal_server.scripted_replies.reply_spec import ReplyError
from nemolocal_server.scripted_replies.scripted_reply import build_reply

TOOLS: dict[str, dict[str, Any]] = {
    tool["function"]["name"]: tool["function"]["parameters"]["properties"]
    for tool in json.loads(bytes(tools_json()))
}
PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "1/2", "1/0", "9:16", "red", "center", "a\x1b"])
)
VALUES = st.recursive(
    PLAIN,
    lambda some: (
        st.lists(some, max_size=3)
        | st.dictionaries(st.sampled_from(["from_ms", "to_ms", "text"]), some)
    ),
    max_leaves=6,
)


@st.composite
def calls(draw: st.DrawFn) -> ModelCall:
    """A call of a tool that there is, with values that fit and others."""
    name = draw(st.sampled_from(sorted(TOOLS)))
    keys = draw(st.sets(st.sampled_from(sorted(TOOLS[name]) or ["x"]), max_size=4))
    values = {
        key: draw(st.sampled_from(TOOLS[name][key]["enum"]) | VALUES)
        if "enum" in TOOLS[name].get(key, {})
        else draw(VALUES)
        for key in sorted(keys)
    }
    return ModelCall(name, values)


@given(st.lists(calls(), min_size=1, max_size=3))
def test_any_call_becomes_edits_or_a_reason(answered: list[ModelCall]) -> None:
    body = {"choices": [{"message": {"tool_calls": [{"function": call} for call in answered]}}]}
    read = read_calls(encode_json(body))
    assert len(read) == len(answered)
    with contextlib.suppress(ModelFailed, ReplyError):
        if read_decline(read) is None:
            assert build_reply({"edits": edit_tables(read), "say": ""}, "m").edits


def test_edits_beside_a_declining_call_are_the_edits() -> None:
    answered = (
        ModelCall("answer-without-edit", {"text": "no"}),
        ModelCall("keep", {"first_ms": 500}),
    )
    assert edit_tables(answered) == [{"edit": "keep", "first_ms": 500}]


@given(st.binary(max_size=40) | VALUES.map(encode_json))
def test_any_body_is_no_answer_or_has_calls(body: bytes) -> None:
    with pytest.raises(ModelFailed):
        read_calls(body)
