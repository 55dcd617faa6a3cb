"""The wheel as it is built: every package whole, their data with them, and nothing besides."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.sources

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "nemolocal_contract": "contract",
    "nemolocal_render": "mock_server",
    "nemolocal_agent": "mock_server",
    "nemolocal_server": "mock_server",
    "nemolocal_dashboard": "mock_server",
    "nemolocal_farm": "mock_server",
    "nemolocal_client": "client",
    "nemolocal_skill": "client",
    "nemolocal": "cli",
    "nemolocal_conformance": "conformance",
    "nemolocal_recording": "conformance",
    "nemolocal_pytest": "conformance",
    "nemolocal_bench": "bench",
}
DATA = {
    "nemolocal/exec/hooks/connect.cjs",
    "nemolocal_bench/templates/frame_viewer.js",
    "nemolocal_bench/templates/report.css",
    "nemolocal_bench/templates/report.html",
    "nemolocal_conformance/reports/templates/check_filter.js",
    "nemolocal_conformance/reports/templates/report.css",
    "nemolocal_conformance/reports/templates/report.html",
    "nemolocal_contract/openapi.toml",
    "nemolocal_contract/rules.toml",
    "nemolocal_server/data/schema.sql",
    "nemolocal_contract/static/colors.css",
    "nemolocal_contract/templates/code_spans.html",
    "nemolocal_contract/templates/document.css",
    "nemolocal_server/api/templates/claim.css",
    "nemolocal_server/api/templates/claim.html",
    "nemolocal_render/fonts/DejaVuSans-Bold.ttf",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_every_file_of_every_package_and_nothing_else(
    wheel: zipfile.ZipFile,
) -> None:
    expected = {
        str(path.relative_to(ROOT / folder))
        for package, folder in PACKAGES.items()
        for path in (ROOT / folder / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    found = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert found == expected
    assert found >= DATA | {f"{package}/py.typed" for package in PACKAGES}


def test_a_bundled_font_comes_with_its_licence(wheel: zipfile.ZipFile) -> None:
    assert any("fonts/" in name and "LICEN" in name.upper() for name in wheel.namelist())


def test_the_wheel_says_what_it_is(wheel: zipfile.ZipFile) -> None:
    (metadata,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    text = wheel.read(metadata).decode()
    assert "Name: nemolocal\n" in text
    assert "License-Expression: MIT\n" in text
    assert "Requires-Python: >=3.11\n" in text
    (scripts,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "nemolocal = nemolocal.__main__:main" in wheel.read(scripts).decode()


def test_pytest_finds_the_plugin(wheel: zipfile.ZipFile) -> None:
    (points,) = (name for name in wheel.namelist() if name.endswith("/entry_points.txt"))
    assert "[pytest11]\nnemolocal = nemolocal_pytest.plugin\n" in wheel.read(points).decode()
