"""Where exchanges stand on the line of time."""

from hypothesis import given, strategies as st

from nemolocal_contract.journal import Entry
from nemolocal_dashboard.waterfall import WIDTH, build_axis, place_entry
from tests.support.journal_builder import JournalBuilder


def test_a_stall_is_folded_and_its_length_is_known() -> None:
    beats = [0.5, 1.0, 1.5, 2.0, 900.0]
    entry = JournalBuilder().chat(took=901.0, beats=beats).entries[0]
    axis = build_axis([entry])
    assert [round(fold.seconds) for fold in axis.folds] == [898]
    bar = place_entry(entry, axis)
    # Unfolded, the first four chunks would stand within the first 0.3 % of the line.
    assert bar.ticks[3] - bar.ticks[0] > WIDTH / 4
    assert bar.ticks == tuple(sorted(bar.ticks))


def test_time_between_requests_is_folded_and_a_request_without_a_stream_is_not() -> None:
    journal = JournalBuilder()
    for _ in range(20):
        journal.request("balance", took=0.1)
    journal.wait(3600).request("upload", took=30.0)
    axis = build_axis(journal.entries)
    assert [fold.seconds for fold in axis.folds] == [3600]
    assert axis.fold_path == f"M{axis.folds[0].position:g} 0V20"
    upload = place_entry(journal.entries[-1], axis)
    assert upload.end - upload.start > WIDTH / 2


def test_equal_steps_are_not_folded() -> None:
    journal = JournalBuilder()
    for _ in range(3):
        journal.chat(took=3.0, beats=(1.0, 2.0))
    assert build_axis(journal.entries).folds == ()


def test_even_the_shortest_request_at_the_end_of_the_line_can_be_seen() -> None:
    journal = JournalBuilder().request("upload", took=100.0).request("balance", took=0.0)
    bar = place_entry(journal.entries[-1], build_axis(journal.entries))
    assert bar.end > bar.start
    assert bar.start < WIDTH


@st.composite
def journals(draw: st.DrawFn) -> list[Entry]:
    """A few exchanges, also some of a clock that was set back."""
    journal = JournalBuilder()
    seconds = st.floats(-5, 5000, allow_nan=False)
    for _ in range(draw(st.integers(1, 6))):
        journal.wait(draw(seconds))
        beats = sorted(draw(st.lists(seconds, max_size=5)))
        if draw(st.booleans()):
            journal.chat(took=draw(seconds), beats=beats)
        else:
            journal.request("balance", took=draw(seconds))
    return journal.entries


@given(journals())
def test_order_in_time_is_order_on_the_line(entries: list[Entry]) -> None:
    axis = build_axis(entries)
    moments = sorted(moment for entry in entries for moment in (entry.started, entry.ended))
    positions = [axis.position(moment) for moment in moments]
    assert positions == sorted(positions)
    for entry in entries:
        bar = place_entry(entry, axis)
        assert 0 <= bar.start <= bar.first <= bar.end <= WIDTH
        assert all(0 <= tick <= WIDTH for tick in bar.ticks)
