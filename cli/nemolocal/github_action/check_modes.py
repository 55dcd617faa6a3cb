"""The modes that check something: `conform`, `client` and `skill`."""

import html
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import UsageError
from ..report_files import write_report_files
from .action_inputs import ActionInputs, child_environment
from .runner_files import add_summary, set_output

# `-P`: modules in the folder of the job must not replace those of the packages.
NEMOLOCAL = (sys.executable, "-P", "-m", "nemolocal")
SUMMARY = "summary.md"
_SARIF = "skill.sarif"
_SKILL = "SKILL.md"
_SKIPPED_FOLDERS = (".git", "node_modules")


def check_server(inputs: ActionInputs) -> int:
    """Check the server at `base-url`, or the built-in one."""
    where = ["--base-url", inputs.base_url] if inputs.base_url else []
    return run_reported(inputs, ["conform", *command_options(inputs), *where])


def check_client(inputs: ActionInputs) -> int:
    """Check a client, which is a bash command, in every scenario."""
    if not inputs.client:
        raise UsageError("mode client needs the input client: the command that runs it")
    cloud = ["--cloud"] if inputs.cloud else []
    program = ["bash", "-euo", "pipefail", "-c", inputs.client]
    return run_reported(
        inputs, ["conform-client", *command_options(inputs), *cloud, "--", *program]
    )


def check_skills(inputs: ActionInputs) -> int:
    """Check documents; write the findings as SARIF, whose path is the output `sarif`."""
    files = inputs.skill or tuple(_skills_below(Path()))
    if not files:
        raise UsageError(f"no {_SKILL} in this folder: name the files in the input skill")
    checked = [*NEMOLOCAL, "skill", "check", *inputs.options]
    environment = child_environment(inputs)
    sarif = subprocess.run(
        [*checked, "--format", "sarif", *files],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    text = subprocess.run(
        [*checked, *files], env=environment, stdout=subprocess.PIPE, encoding="utf-8", check=False
    )
    print(text.stdout, end="", flush=True)
    add_summary(f"## Skills\n\n<pre>\n{html.escape(text.stdout)}</pre>")
    if sarif.stdout:
        write_report_files(inputs.report, {_SARIF: sarif.stdout})
        set_output("sarif", str(inputs.report / _SARIF))
    return text.returncode


def run_reported(inputs: ActionInputs, words: Sequence[str]) -> int:
    """Run a command that writes a report; add its summary to the page of the run."""
    summary = inputs.report / SUMMARY
    # That of an earlier step must not stand for this one.
    summary.unlink(missing_ok=True)
    name, *rest = words
    command = [*NEMOLOCAL, name, "--report", str(inputs.report), *rest]
    status = subprocess.run(command, env=child_environment(inputs), check=False).returncode
    if summary.exists():
        add_summary(summary.read_text(encoding="utf-8"))
    return status


def command_options(inputs: ActionInputs) -> Iterator[str]:
    """Return the options as given, and one for each prefix of `only`."""
    yield from inputs.options
    for prefix in inputs.only:
        yield f"--only={prefix}"


def _skills_below(folder: Path) -> Iterator[str]:
    """Find documents, also in hidden folders, where agents look for them."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED_FOLDERS)
        if _SKILL in names:
            yield str(Path(parent, _SKILL))
