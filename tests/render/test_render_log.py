"""The log of a render is bounded, whatever the render runs."""

from nemolocal_render.render_log import (
    CURRENT_LOG,
    SERVER,
    LoggedPart,
    RenderLog,
    current_part,
    log_worker,
)


def test_log_keeps_the_first_commands_and_a_line_for_each() -> None:
    log = RenderLog(lambda: 5.0)
    for n in range(120):
        log.add_command(
            ["-i", "file:/work/a.mp4", f"file:/work/part-{n}.mp4"], {"graph.txt": "null"}
        )
    assert len(log.commands) == 100
    assert log.commands[-1].line == "ffmpeg -i file:a.mp4 file:part-99.mp4"
    assert log.lines[-1].text == "FFmpeg runs: part-119.mp4"


def test_log_says_which_worker_begins_a_part_and_which_begins_it_again() -> None:
    log, part = RenderLog(lambda: 5.0), LoggedPart(8.0, 4.0)
    log.set_parts([LoggedPart(0.0, 8.0), part], 2)
    with current_part(part):
        log_worker("no log yet")
        token = CURRENT_LOG.set(log)
        for worker in ("", "alpha:1", "alpha:1", "beta:2", SERVER):
            log_worker(worker)
        part.set_done(0.5)
    log_worker("no part any more")
    CURRENT_LOG.reset(token)
    assert [line.text for line in log.lines] == [
        "2 parts, 2 at once",
        "part at 8.0 s: begun by alpha:1",
        "part at 8.0 s: begun again by beta:2",
    ]
    assert [(each.worker, each.done) for each in log.parts] == [("", 0.0), (SERVER, 1.0)]
