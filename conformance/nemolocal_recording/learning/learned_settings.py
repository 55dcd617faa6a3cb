"""Writes what was learnt as a file of settings, with the source and the age of each value."""

from collections.abc import Iterator, Mapping

from .learned_values import LearnedCounts, LearnedValue, LearnedValues
from .values import (
    FIRST_EDIT,
    GENERATION_PRICE,
    HEARTBEATS,
    NEW_TOKEN,
    QUEUE_LEAST,
    QUEUE_MOST,
    RENDER_TIME,
    SILENT_EDITS,
    share_of,
)
from .variants import VARIANT_RULES

FIRST_LINE = "# Written by `nemolocal learn`, which replaces this file."
"""A file that begins otherwise is not replaced."""

_LEAST_EDITS = 10
_LONGEST_TURN = 900.0
_MOST_SECONDS = 86_400.0
_MOST_CREDITS = 10**12
_VARIANTS: Mapping[str, tuple[str, ...]] = {
    "sse": ("adk", "typed"),
    "heartbeat": ("line", "event"),
    "render": ("flat", "nested"),
    "export_402": ("strict", "out_of_credits"),
}
_PRICES = {"grant": NEW_TOKEN, "editing": FIRST_EDIT, "generation": GENERATION_PRICE}
_PRICE_RULES = {"grant": "AUTH-1", "editing": "CRD-3", "generation": "CRD-3"}
# Values that no setting follows.
_OTHERS = {RENDER_TIME: "REN-10", "Retry-After": "AUTH-3"}


class _SettingsText:
    """The lines of the file; what was not seen is named at the end of its table."""

    def __init__(self, today: str) -> None:
        self.lines: list[str] = []
        self._today = today

    def table(self, name: str) -> None:
        self.lines += ["", f"[{name}]"]

    def setting(
        self,
        name: str,
        value: str,
        rule: str,
        seen: LearnedValue | LearnedCounts,
        remark: str = "",
    ) -> None:
        """Add a setting; with value "" as a comment, since it cannot be told."""
        self._separate()
        self.lines.append(f"# {rule}: {seen.describe()}")
        self.lines.append(f"# {seen.origin.describe(self._today)}")
        if remark:
            self.lines.append(f"# {remark}")
        self.lines.append(f"{name} = {value}" if value else f"# {name}: the default stands")

    def not_seen(self, name: str, rule: str) -> None:
        self._separate()
        self.lines.append(f"# {rule}: {name} was not seen; the default stands")

    def _separate(self) -> None:
        if not self.lines[-1].startswith("["):
            self.lines.append("")


def learned_toml(learned: LearnedValues, server: str, today: str) -> str:
    """Return the file for `nemolocal serve --config`.

    `server` names whose behaviour it is, `today` is a day as `2026-01-31`. Only names and numbers
    that are known here get into the file, whatever a file of observations holds.
    """
    text = _SettingsText(today)
    text.lines += _head(learned, server, today)
    _add_queue(text, learned)
    _add_tariff(text, learned)
    _add_times(text, learned)
    _add_silence(text, learned)
    _add_dialect(text, learned)
    others = [(name, learned.values[name]) for name in _OTHERS if name in learned.values]
    if others:
        text.lines += ["", "# Seen, and followed by no setting:"]
        for name, value in others:
            text.lines.append(f"# {_OTHERS[name]}: {name}: {value.describe()}")
            text.lines.append(f"# {value.origin.describe(today)}")
    return "\n".join(text.lines) + "\n"


def _head(learned: LearnedValues, server: str, today: str) -> Iterator[str]:
    yield FIRST_LINE
    yield "# To change a value, copy the file. It makes the local server behave as seen:"
    yield "#     nemolocal serve --config learned.toml"
    yield f"# Server: {server}"
    origin = learned.origin
    yield f"# Source: {origin.describe(today) if origin else 'nothing was seen'}"
    yield f"# Ages are those on {today}."
    yield ""
    yield "# All times are those that were seen. `serve --speed 50` makes waits shorter."
    yield "speed = 1.0"


def _add_queue(text: _SettingsText, learned: LearnedValues) -> None:
    least, most = learned.values.get(QUEUE_LEAST), learned.values.get(QUEUE_MOST)
    if least is None or most is None:
        text.not_seen("render_queue", "REN-10")
        return
    bounds = (least.seen.least, most.seen.greatest)
    remark = (
        f"Polls saw a render wait for {bounds[0]:g} s at least, and first saw it run after "
        f"{bounds[1]:g} s at most."
    )
    text.setting("render_queue", _span(*bounds), "REN-10", most, remark)


def _add_tariff(text: _SettingsText, learned: LearnedValues) -> None:
    text.table("tariff")
    for name, source in _PRICES.items():
        price = learned.values.get(source)
        if price is None:
            text.not_seen(name, _PRICE_RULES[name])
            continue
        amount = price.seen.median
        is_whole = amount == int(amount) and 0 <= amount <= _MOST_CREDITS
        remark = "" if price.seen.least == price.seen.greatest else "Different amounts were seen."
        value = str(int(amount)) if is_whole else ""
        text.setting(name, value, _PRICE_RULES[name], price, remark)


def _add_times(text: _SettingsText, learned: LearnedValues) -> None:
    text.table("turn_times")
    longest = 0.0
    for kind in ("talk", "edit", "generation"):
        lasted = learned.values.get(f"turn: {kind}")
        if lasted is None:
            text.not_seen(kind, "SSE-11")
            continue
        longest = max(longest, lasted.seen.greatest)
        text.setting(kind, _span(lasted.seen.least, lasted.seen.greatest), "SSE-11", lasted)
    if _LONGEST_TURN < longest <= _MOST_SECONDS:
        text.lines.append("# SSE-6: a turn was longer than 15 minutes")
        text.lines.append(f"limit = {_seconds(longest)}")


def _add_silence(text: _SettingsText, learned: LearnedValues) -> None:
    text.table("silence")
    seen = learned.counts.get(SILENT_EDITS)
    silent = seen.counts.get("silent", 0) if seen else 0
    total = silent + seen.counts.get("text", 0) if seen else 0
    if seen is None or total <= 0 or silent < 0:
        text.not_seen("rate", "SSE-5")
        return
    share = share_of(SILENT_EDITS, silent, total)
    remark = (
        f"Silent were {silent} of {total}: {100 * share.least:.0f} to "
        f"{100 * share.greatest:.0f} % with a confidence of 95 %."
    )
    if total < _LEAST_EDITS:
        remark += f" A rate is set from {_LEAST_EDITS} edits on."
    rate = f"{silent / total:.4f}" if total >= _LEAST_EDITS else ""
    text.setting("rate", rate, "SSE-5", seen, remark)


def _add_dialect(text: _SettingsText, learned: LearnedValues) -> None:
    text.table("dialect")
    for name, variants in _VARIANTS.items():
        seen = learned.counts.get(name)
        found = [one for one in variants if seen is not None and one in seen.counts]
        if seen is None or not found:
            text.not_seen(name, VARIANT_RULES[name])
            continue
        value = f'"{found[0]}"' if len(found) == 1 else ""
        remark = "" if value else "Several variants were seen."
        text.setting(name, value, VARIANT_RULES[name], _only(seen, variants), remark)
    _add_errors(text, learned.counts.get("errors"))
    beats = learned.values.get(HEARTBEATS)
    if beats is None or not 0 < beats.seen.median <= _MOST_SECONDS:
        text.not_seen("heartbeat_seconds", "SSE-3")
    else:
        text.setting("heartbeat_seconds", _seconds(beats.seen.median), "SSE-3", beats)


def _add_errors(text: _SettingsText, seen: LearnedCounts | None) -> None:
    variants = ("envelope", "http", "adk")
    found = {one for one in variants if seen is not None and one in seen.counts}
    if seen is None or not found:
        text.not_seen("errors", VARIANT_RULES["errors"])
        return
    value, remark = "", ""
    if found == {"envelope", "http"} or len(found) == len(variants):
        remark = "Several variants were seen."
    elif found == {"http", "adk"}:
        value = '"http"'
        remark = "Refused turns were those of ADK, which no setting combines with http."
    else:
        value = '"adk"' if "adk" in found else f'"{found.pop()}"'
    text.setting("errors", value, VARIANT_RULES["errors"], _only(seen, variants), remark)


def _only(seen: LearnedCounts, variants: tuple[str, ...]) -> LearnedCounts:
    counts = {name: count for name, count in seen.counts.items() if name in variants}
    return LearnedCounts(counts, seen.origin)


def _span(least: float, greatest: float) -> str:
    """Return a range of seconds that the settings accept."""
    return f"[{_seconds(least)}, {_seconds(greatest)}]"


def _seconds(value: float) -> str:
    return repr(round(min(max(value, 0.0), _MOST_SECONDS), 6))
