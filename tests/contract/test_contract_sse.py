"""SSE bytes: any cut of a stream gives the same frames, and only CR, LF and CRLF end a line."""

from itertools import pairwise

import pytest
from hypothesis import example, given, strategies as st

from nemolocal_contract.turn_events import (
    HEARTBEAT_BYTES,
    SseEvent,
    SseEventTooLarge,
    SseParser,
    encode_sse_event,
)


def parse(*chunks: bytes) -> list[SseEvent]:
    parser = SseParser()
    frames = [frame for chunk in chunks for frame in parser.feed(chunk)]
    return frames + parser.finish()


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in pairwise(edges)]


line_characters = st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])
line_ends = st.sampled_from(["\r", "\n", "\r\n"])


texts = st.lists(st.text(line_characters) | line_ends, max_size=4).map("".join)


@pytest.mark.slow
@given(st.lists(texts))
@example(["a\u2028b\u0085c\x0bd\x0c\x1ce"])
@example(["", "\r", "\r\n\r\n"])
@pytest.mark.rule("SSE-1")
def test_what_is_encoded_is_parsed_back_with_its_line_ends_as_newlines(texts: list[str]) -> None:
    stream = b"".join(encode_sse_event(text) for text in texts)
    expected = [text.replace("\r\n", "\n").replace("\r", "\n") for text in texts]
    assert [frame.data for frame in parse(stream)] == expected


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["data: ", "data:", ":", "id: ", "event:", ""]),
            st.text(line_characters, max_size=8),
            line_ends,
        ),
        max_size=12,
    ),
    st.lists(st.integers(0, 10_000), max_size=12),
)
@example([("data: ", "\u2028", "\r"), ("", "", "\r"), ("data: ", "x", "\r\n")], [1, 2, 3, 8, 9])
@example([("data: ", "é", "\r\n"), ("", "", "\r\n")], [7, 8, 9, 10])
def test_any_cut_of_the_bytes_gives_the_same_frames(
    lines: list[tuple[str, str, str]], places: list[int]
) -> None:
    stream = "".join("".join(line) for line in lines).encode()
    assert parse(*cut(stream, places)) == parse(stream)


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_a_frame_is_given_at_its_last_byte_and_not_later(end: bytes) -> None:
    parser = SseParser()
    assert parser.feed(b"data: hi" + end) == []
    assert parser.feed(end) == [SseEvent("hi")]


@pytest.mark.rule("SSE-3")
def test_an_empty_data_line_is_a_frame_because_the_contract_beats_with_it() -> None:
    assert parse(HEARTBEAT_BYTES, b"data\n\n", b": comment\n\n", b"\n\n") == [
        SseEvent(""),
        SseEvent(""),
    ]


def test_fields_of_a_frame_are_read_with_and_without_the_space() -> None:
    stream = b"event: note\nid:7\nretry: 10\ndata:a\ndata:  b\n\n"
    assert parse(stream) == [SseEvent("a\n b", "note", "7")]


def test_a_last_frame_without_its_blank_line_is_not_lost() -> None:
    assert parse(b"data: one\n\ndata: two") == [SseEvent("one"), SseEvent("two")]
    assert parse(b"data: two\n") == [SseEvent("two")]


@pytest.mark.parametrize(
    "chunks", [[b"\xef\xbb\xbfdata: x\n\n"], [b"\xef", b"\xbb\xbfdata: x\n\n"]]
)
def test_a_byte_order_mark_before_the_first_line_is_no_part_of_it(chunks: list[bytes]) -> None:
    assert parse(*chunks) == [SseEvent("x")]


def test_broken_utf8_is_replaced_and_the_stream_goes_on() -> None:
    assert parse(b"data: \xff\n\ndata: ok\n\n") == [SseEvent("\ufffd"), SseEvent("ok")]


@pytest.mark.slow
@pytest.mark.parametrize("piece", [b"a" * 1000, b"a" * 1000 + b"\n", b"a\n" * 500, b"data:\n"])
def test_an_event_without_an_end_is_given_up(piece: bytes) -> None:
    parser = SseParser(largest=100_000)
    with pytest.raises(SseEventTooLarge):
        feed_often(parser, piece, 100_000 // len(piece) + 1)


def feed_often(parser: SseParser, piece: bytes, times: int) -> None:
    for _ in range(times):
        assert parser.feed(piece) == []


@pytest.mark.slow
def test_events_without_end_are_no_event_without_an_end() -> None:
    parser = SseParser(largest=1000)
    for _ in range(1000):
        assert parser.feed(b"data: " + b"a" * 500 + b"\n\n") == [SseEvent("a" * 500)]
