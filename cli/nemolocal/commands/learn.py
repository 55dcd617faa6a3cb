"""`nemolocal learn`: judges rules for servers from recordings."""

import argparse
from pathlib import Path
from typing import Any

from ..argument_parser import add_command
from ..errors import CommandError, UsageError

_DESCRIPTION = """\
Judge the rules for servers from recordings of `nemolocal record`.

confirmed      all of the rule was seen to hold
held           what was seen held; the rest was not seen, or no recording shows it
alternative    another variant of a rule whose sources disagree
contradicted   it did not hold at least once
cannot tell    what was seen has other explanations
not seen       nothing of it was seen

A response that was cut, or that is HTTP 408, 429 or 500 and above, is not
judged: it shows a fault and not a rule.

What each recording shows is added to the file of observations, once. It does
not change the grade of a rule. What was seen on two days is stable.

The file of settings makes the local server behave as seen: nemolocal serve
--config learned.toml. It has what all observations of the cloud show; if none
of the recordings is of the cloud, what these recordings show.

Exit status: 0, or 2 if a recording cannot be read.
"""


def add_parser(commands: Any) -> None:
    """Add the command."""
    learn = add_command(commands, "learn", "judge rules for servers from recordings", _DESCRIPTION)
    learn.add_argument("recordings", nargs="+", metavar="RECORDING", help="a recording")
    learn.add_argument(
        "--observations",
        metavar="FILE",
        default="observations.jsonl",
        help="the file of observations (default: %(default)s)",
    )
    learn.add_argument(
        "--settings",
        metavar="FILE",
        default="learned.toml",
        help="the file of settings; '' writes none (default: %(default)s)",
    )
    learn.add_argument("--json", action="store_true", help="print the results as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print what was learnt; return 0."""
    import msgspec

    from nemolocal_recording.learning.evaluation import evaluate_recordings
    from nemolocal_recording.learning.faulty_exchanges import count_faults
    from nemolocal_recording.learning.learning_text import (
        fault_lines,
        new_name_lines,
        result_lines,
        value_lines,
    )
    from nemolocal_recording.learning.new_names import new_names
    from nemolocal_recording.learning.observations import (
        Observation,
        RecordingSource,
        add_observations,
    )
    from nemolocal_recording.learning.traffic_view import TrafficView
    from nemolocal_recording.learning.values import seen_values, silent_share
    from nemolocal_recording.recording_file import RecordingUnreadable

    from ..learned_file import require_replaceable, write_learned_settings

    target = Path(arguments.observations)
    settings = Path(arguments.settings) if arguments.settings else None
    if settings is not None:
        require_replaceable(settings)
    try:
        sources = [RecordingSource.read(Path(name)) for name in arguments.recordings]
        lines = add_observations(target, sources)
    except RecordingUnreadable as problem:
        raise UsageError(str(problem)) from None
    except OSError as error:
        raise CommandError(f"cannot write {target}: {error.strerror}") from error
    if settings is not None:
        write_learned_settings(settings, lines, sources)
    recordings = [source.recording for source in sources]
    results = evaluate_recordings(recordings)
    views = [TrafficView(recording) for recording in recordings]
    faults = count_faults(one for recording in recordings for one in recording.exchanges)
    values, share, names = seen_values(views), silent_share(views), new_names(views)
    if arguments.json:
        body = {
            "rules": results,
            "values": values,
            "shares": [share] if share else [],
            "new_names": names,
            "faults": faults,
        }
        print(msgspec.json.format(msgspec.json.encode(body), indent=2).decode())
        return 0
    observations = [one for one in lines if isinstance(one, Observation)]
    for line in result_lines(results, arguments.recordings, observations):
        print(line)
    print()
    for line in (*value_lines(values, share), *new_name_lines(names), *fault_lines(faults)):
        print(line)
    if settings is not None:
        print(f"\nSettings that follow what was seen: {settings}")
    return 0
