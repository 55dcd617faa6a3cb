"""A release: what must be true before one is published, and the workflow of the guide."""

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from release.provenance import write_checksums
from release.release_text import (
    ReleaseError,
    changelog_sections,
    project_version,
    read_project,
    require_ready,
    supported_pythons,
)
from tests.support.builtin_schemas import require_schema

pytestmark = pytest.mark.sources

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "how-to" / "publish-a-release.md"


def write_project(folder: Path, changelog: str) -> Path:
    (folder / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\n', encoding="utf-8")
    (folder / "CHANGELOG.md").write_text(f"# Changelog\n\n{changelog}", encoding="utf-8")
    return folder


@pytest.mark.parametrize("unreleased", ["", "## Unreleased\n\n"])
def test_release_is_ready_if_tag_and_changelog_have_its_version(
    tmp_path: Path, unreleased: str
) -> None:
    require_ready(write_project(tmp_path, f"{unreleased}## 1.2.0\n\n- A change.\n"), "v1.2.0")


@pytest.mark.parametrize(
    ("tag", "changelog", "said"),
    [
        ("v1.3.0", "## 1.2.0\n\n- A change.\n", "pyproject.toml says 1.2.0: tag it as v1.2.0"),
        ("1.2.0", "## 1.2.0\n\n- A change.\n", "the tag is 1.2.0"),
        ("v1.2.0", "## 1.1.0\n\n- A change.\n", "has no section '## 1.2.0'"),
        (
            "v1.2.0",
            "## Unreleased\n\n- More.\n\n## 1.2.0\n\n- A change.\n",
            "changes under Unreleased: move them",
        ),
    ],
)
def test_release_that_is_not_ready_is_refused(
    tmp_path: Path, tag: str, changelog: str, said: str
) -> None:
    with pytest.raises(ReleaseError, match=re.escape(said)):
        require_ready(write_project(tmp_path, changelog), tag)


def test_changelog_tells_of_the_version_and_its_tag() -> None:
    sections = changelog_sections((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    version = project_version(ROOT)
    assert f"`v{version}`" in sections[version]


def test_supported_pythons_are_those_of_tox_and_the_first_is_required() -> None:
    names = supported_pythons(ROOT)
    text = (ROOT / "toxfile.py").read_text(encoding="utf-8")
    (listed,) = re.findall(r"^SUPPORTED = (.+)$", text, re.MULTILINE)
    assert ast.literal_eval(listed) == tuple(names)
    assert read_project(ROOT)["project"]["requires-python"] == f">={names[0]}"


def test_check_of_the_wheel_knows_every_package() -> None:
    tool = read_project(ROOT)["tool"]
    packages = tool["hatch"]["build"]["targets"]["wheel"]["packages"]
    names = sorted(path.rpartition("/")[2] for path in packages)
    assert tool["check-wheel-contents"]["toplevel"] == names


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_checksums_are_verified_by_sha256sum(tmp_path: Path) -> None:
    files = [tmp_path / "a.whl", tmp_path / "a.tar.gz"]
    for path in files:
        path.write_bytes(path.name.encode())
    write_checksums(files, tmp_path / "SHA256SUMS")
    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0
    files[0].write_bytes(b"other")
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 1


@pytest.mark.slow
def test_workflow_of_the_guide_gives_its_identity_to_the_publisher_alone(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    file = tmp_path / "release.yml"
    file.write_text(text, encoding="utf-8")
    require_schema("vendor.github-workflows", file)
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    assert "permissions" not in workflow["jobs"]["build"]
    assert workflow["jobs"]["publish"]["permissions"]["id-token"] == "write"
    assert not any("tox" in str(step) for step in workflow["jobs"]["publish"]["steps"])
