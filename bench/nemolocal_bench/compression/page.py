"""The report as one HTML file: verdict, charts, tables, the worst frame; nothing is loaded."""

import base64
from collections.abc import Iterable, Sequence

from nemolocal_contract.printable import as_markup

from . import charts
from .changes import Change
from .comparison import Comparison, Report
from .drawing import number
from .legs import Result
from .measures import Score

_STYLE = """
:root{color-scheme:light}
body{font:16px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;
color:#111;background:#fff;overflow-wrap:break-word}
h1{font-size:1.5rem}h2{font-size:1.25rem;margin-top:2.5rem}h3{font-size:1rem;margin:2rem 0 .3rem}
.verdict{font-size:1.2rem;border-left:4px solid #0072b2;padding-left:.8rem}
figure{margin:2rem 0;break-inside:avoid;overflow-x:auto}
figcaption{font-weight:600;margin-bottom:.4rem;position:sticky;left:0}
svg{width:100%;min-width:34rem;height:auto;font:12px system-ui,sans-serif}
img{width:100%;image-rendering:auto}
table{border-collapse:collapse;width:100%;font-size:.85rem;font-variant-numeric:tabular-nums}
th,td{border-bottom:1px solid #bbb;padding:.25rem .5rem;text-align:right;vertical-align:top}
th,.scores td+td{white-space:nowrap}.scores td:first-child{min-width:11rem}tr{break-inside:avoid}
th:first-child,td:first-child{text-align:left}.words td,.words th{text-align:left}
.wide{overflow-x:auto}
@media print{body{max-width:none;margin:0;font-size:11px}.wide,figure{overflow:visible}
table{font-size:11px}svg{min-width:0;width:80%}figure{margin:1.2rem 0}th,td{padding:.15rem .3rem}
h2,h3,p,figcaption,thead{break-after:avoid}thead{display:table-header-group}}
"""
_COLUMNS = ("settings", "s", "× real time", "CPU s", "peak MB", "MB", "% saved", "Mb/s")
_SCORES = (
    *("settings", "measure", "model", "lines", "frames"),
    *("mean", "harmonic", "p1", "p5", "min"),
)
_MEGA = 1e6


def as_html(report: Report, changes: Sequence[Change]) -> str:
    """The page."""
    parts = ["<h1>Local compression against the cloud</h1>"]
    for comparison in report.comparisons:
        parts += _comparison(comparison)
    parts += _changes(changes)
    parts += _machine(report)
    head = '<!doctype html><html lang="en"><meta charset="utf-8">'
    title = "<title>Local compression against the cloud</title>"
    view = '<meta name="viewport" content="width=device-width">'
    return f"{head}{view}{title}<style>{_STYLE}</style>{''.join(parts)}</html>"


def _comparison(comparison: Comparison) -> list[str]:
    source = comparison.source
    facts = (
        f"{source.width}×{source.height}, {number(source.fps)} frames/s, {source.frames} frames, "
        f"{source.seconds:.2f} s, {source.size / _MEGA:.2f} MB; "
        f"against itself VMAF {source.self_score:.2f}"
    )
    parts = [
        f"<h2>{as_markup(source.name)}</h2><p class=verdict>{as_markup(comparison.verdict)}</p>"
    ]
    parts.append(f"<p>{as_markup(facts)}</p>")
    for result in comparison.results:
        if result.name == comparison.shown:
            parts += _charts(comparison, result)
    parts += ["<h3>What each costs</h3>", _table(_COLUMNS, map(_row, comparison.results))]
    parts.append("<h3>How good each is</h3>")
    scores = (row for result in comparison.results for row in _scores(result))
    parts.append(_table(_SCORES, scores, "scores"))
    return parts + _search(comparison) + _published(comparison)


def _charts(comparison: Comparison, shown: Result) -> list[str]:
    picture = base64.b64encode(shown.picture).decode()
    worst = f'<img alt="the worst frame" src="data:image/png;base64,{picture}">'
    caption = f"Worst frame of {shown.name}: number {shown.worst_frame}, source on the left"
    return [
        _figure("Quality over rate, savings as BD-rate", charts.rate_quality(comparison)),
        _figure("Size of each file", charts.size_bars(comparison)),
        _figure("Where the time goes", charts.time_split(comparison)),
        _figure("Quality over speed, and the front", charts.speed_front(comparison)),
        _figure(f"VMAF of each frame of {shown.name}", charts.frame_line(shown)),
        _figure(caption, worst),
    ]


def _row(result: Result) -> list[str]:
    if not result.size:
        return [_named(result), *[""] * (len(_COLUMNS) - 1)]
    memory = "" if result.memory_bytes is None else f"{result.memory_bytes / _MEGA:.0f}"
    return [
        _named(result),
        f"{result.seconds:.2f}",
        f"{result.speed:.2f}",
        "" if result.cpu_seconds is None else f"{result.cpu_seconds:.2f}",
        memory,
        f"{result.size / _MEGA:.3f}",
        f"{result.saved:.1f}",
        f"{result.bitrate / _MEGA:.3f}",
    ]


def _named(result: Result) -> str:
    notes = [note for note in (result.note, _refusal(result)) if note]
    return f"{result.name} ({'; '.join(notes)})" if notes else result.name


def _refusal(result: Result) -> str:
    return f"no score: {result.complaint}" if result.complaint else ""


def _scores(result: Result) -> list[list[str]]:
    return [
        [result.name, score.name, score.model, str(score.height), _looked_at(score)]
        + [
            f"{value:.3f}"
            for value in (score.mean, score.harmonic_mean, score.p1, score.p5, score.min)
        ]
        for score in result.scores
    ]


def _looked_at(score: Score) -> str:
    return "all" if score.every == 1 else f"one in {score.every}"


def _search(comparison: Comparison) -> list[str]:
    found = comparison.found
    if found is None:
        return []
    rows = [["probe", f"{probe.crf:g}", f"{probe.vmaf:.3f}"] for probe in found.probes]
    rows += [["whole", f"{each.crf:g}", f"{each.vmaf:.3f}"] for each in found.wholes]
    head = f"<h3>Search for VMAF {found.target:g} with {found.preset}</h3>"
    told = f"<p>{as_markup(found.complaint)}</p>" if found.complaint else ""
    sample = f"<p>Probes on {found.sample_seconds:.1f} s of the clip.</p>"
    return [head, told, sample, _table(("what", "CRF", "mean VMAF"), rows)]


def _published(comparison: Comparison) -> list[str]:
    rows = [
        [p.what, f"{p.least_seconds:.0f}–{p.most_seconds:.0f} s", p.label, p.source]
        for p in comparison.published
    ]
    columns = ("what", "time", "", "line of the seed document")
    return ["<h3>What the cloud says of itself</h3>", _table(columns, rows, "words")]


def _changes(changes: Sequence[Change]) -> list[str]:
    rows = [
        [change.clip, change.name, change.what, _figured(change.before), _figured(change.after)]
        for change in changes
    ]
    columns = ("clip", "settings", "what", "before", "now")
    return ["<h2>What changed</h2>", _table(columns, rows)] if rows else []


def _figured(value: float) -> str:
    """Bytes have no thousandths."""
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def _machine(report: Report) -> list[str]:
    machine = report.machine
    rows = [
        ["processor", f"{machine.processor}, {machine.cores} cores used"],
        ["memory", f"{machine.memory_bytes / 1e9:.1f} GB"],
        ["system", machine.system],
        ["versions", f"nemolocal {machine.nemolocal}, Python {machine.python}, {machine.ffmpeg}"],
        *([f"{name} does not work here", why] for name, why in report.missing.items()),
    ]
    return ["<h2>Machine</h2>", _table(("", ""), rows, "words")]


def _figure(caption: str, content: str) -> str:
    return f"<figure><figcaption>{as_markup(caption)}</figcaption>{content}</figure>"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    head = "".join(f"<th>{as_markup(name)}</th>" for name in columns)
    body = "".join(
        f"<tr>{''.join(f'<td>{as_markup(cell)}</td>' for cell in row)}</tr>" for row in rows
    )
    # Paper repeats the head of a table on each page.
    head = f"<thead><tr>{head}</tr></thead>" if any(columns) else ""
    return f'<div class="wide {kind}"><table>{head}<tbody>{body}</tbody></table></div>'
