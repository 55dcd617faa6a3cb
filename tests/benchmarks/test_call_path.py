"""The measurement of a request's way through the code counts what runs."""

import pytest

from benchmarks.call_path import main


@pytest.mark.slow
@pytest.mark.parametrize("request_kind", ["turn", "export"])
def test_a_request_s_path_names_its_modules(
    request_kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([request_kind, "--list"]) == 0
    figures, *modules = capsys.readouterr().out.splitlines()
    assert figures.startswith(f"{request_kind}: ")
    assert f"in {len(modules)} modules" in figures
    assert "nemolocal_server.data.store" in modules
    assert "nemolocal_render.planning.planner" in modules
    assert "nemolocal_render.ffmpeg_cli" not in modules
