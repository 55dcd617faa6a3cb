"""The log of a render is bounded, whatever the render runs."""

from nemolocal_render.render_log import RenderLog


def test_log_keeps_the_first_commands_and_a_line_for_each() -> None:
    log = RenderLog(lambda: 5.0)
    for n in range(120):
        log.add_command(
            ["-i", "file:/work/a.mp4", f"file:/work/part-{n}.mp4"], {"graph.txt": "null"}
        )
    assert len(log.commands) == 100
    assert log.commands[-1].line == "ffmpeg -i file:a.mp4 file:part-99.mp4"
    assert log.lines[-1].text == "FFmpeg runs: part-119.mp4"
