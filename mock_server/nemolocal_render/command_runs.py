"""Run a command of FFmpeg on the sources of a plan, sandboxed, in a job folder."""

from pathlib import Path

from . import ffmpeg_cli
from .filtergraph.ffmpeg_commands import EncodeResources, FFmpegCommand
from .planning.render_plan import RenderPlan
from .render_log import CURRENT_LOG
from .render_progress import ProgressRange
from .sandbox import SandboxPolicy

# The time limit of a render: seconds, plus seconds for each second of its duration.
_TIME_LIMIT = (120.0, 120.0)


def time_limit(plan: RenderPlan) -> float:
    """Return the time limit of a render in seconds, which also covers slow sources."""
    return _TIME_LIMIT[0] + _TIME_LIMIT[1] * plan.duration


async def run_command(
    folder: Path,
    plan: RenderPlan,
    command: FFmpegCommand,
    stage: ProgressRange | None,
    machine: EncodeResources | None = None,
) -> str:
    """Run a command that reads the sources of a plan; raises FFmpegFailed.

    Returns the end of what FFmpeg complains about: damage that it has passed over.
    """
    log = CURRENT_LOG.get()
    if log is not None:
        log.add_command(command.arguments, command.graphs)
    for name, graph in command.graphs.items():
        (folder / name).write_text(graph, encoding="utf-8")
    paths = [source.path.absolute() for source in plan.sources]
    return await ffmpeg_cli.run(
        list(command.arguments),
        folder=folder,
        timeout=time_limit(plan),
        policy=SandboxPolicy(
            read=(*paths, *(path.resolve() for path in paths)),
            devices=machine is not None and machine.uses_hardware,
        ),
        on_line=stage.line_parser(plan.duration) if stage else lambda _: None,
    )
