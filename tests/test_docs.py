"""The documents: generated pages are up to date, links lead somewhere, examples load."""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import msgspec
import pytest

import write_api
import write_cli
import write_fault_list
import write_mcp_tools
import write_settings
from nemolocal.main import command_parser
from nemolocal_conformance.mutation_scores import mutation_scores
from nemolocal_contract.effect_presets import EffectPreset
from nemolocal_server.faults.fault_scenario import find_scenario
from nemolocal_server.settings_loader import load_settings

pytestmark = pytest.mark.sources

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.rglob("*.md")), *sorted(ROOT.glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def blocks(language: str) -> Iterator[tuple[str, str]]:
    """Page and text of each fenced block in a language."""
    for page in PAGES:
        for found, text in FENCE.findall(page.read_text(encoding="utf-8")):
            if found == language:
                yield str(page.relative_to(ROOT)), text


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [write_api, write_cli, write_fault_list, write_mcp_tools, write_settings]
)
def test_page_is_up_to_date(page: ModuleType) -> None:
    assert page.main(["--check"]) == 0, f"run: python docs/{page.__name__}.py"


def test_every_key_of_the_settings_is_explained_and_no_other() -> None:
    explained = {name: set(keys) for name, keys in write_settings.meanings().items()}
    structs = write_settings.SECTIONS.items()
    assert explained == {
        name: {field.name for field in msgspec.structs.fields(struct)} for name, struct in structs
    }


MODEL_URL, MODEL_NAME = 'url = "http://127.0.0.1:1"\n', 'name = "m"\n'
# What an example cannot be without.
NEEDED = {
    "model.url": MODEL_NAME,
    "model.name": MODEL_URL,
    "model.record": MODEL_URL + MODEL_NAME,
    **{f"skills.{key}": 'source = "x"\n' for key in ("upload_limit", "resolution")},
}


@pytest.mark.slow
def test_every_example_of_a_setting_loads(tmp_path: Path, subtests: pytest.Subtests) -> None:
    file = tmp_path / "settings.toml"
    for section, keys in write_settings.meanings().items():
        head = f"[[{section}]]\n" if section in write_settings.LISTS else f"[{section}]\n"
        for key, (_, example) in keys.items():
            with subtests.test(key=f"{section}.{key}"):
                text = example if section == "settings" else f"{head}{example}\n"
                text += NEEDED.get(f"{section}.{key}", "")
                file.write_text(text, encoding="utf-8")
                load_settings(file)


@pytest.mark.slow
def test_every_block_of_toml_loads(tmp_path: Path, subtests: pytest.Subtests) -> None:
    file = tmp_path / "settings.toml"
    for page, text in blocks("toml"):
        with subtests.test(page=page):
            if page == "CONTRIBUTING.md":
                msgspec.convert(tomllib.loads(text), dict[str, EffectPreset])
                continue
            if "[mcp_servers." in text:
                continue  # of a coding tool
            if "[[faults]]" in text:
                assert tomllib.loads(text)["description"]
                continue
            file.write_text(text, encoding="utf-8")
            if "[[replies]]" in text:
                assert find_scenario(str(file)).replies
                continue
            load_settings(file)


def test_settings_of_coding_tools_start_the_command() -> None:
    """Those in the guide: a table of servers, each with a command that the parser accepts."""
    page = (DOCS / "how-to" / "use-a-coding-agent.md").read_text(encoding="utf-8")
    blocks = FENCE.findall(page)
    files = [json.loads(text) for language, text in blocks if language == "json"]
    files += [tomllib.loads(text) for language, text in blocks if language == "toml"]
    assert [list(file) for file in files] == [
        ["mcpServers"],
        ["mcpServers"],
        ["servers"],
        ["mcp_servers"],
    ]
    for file in files:
        ((_, server),) = next(iter(file.values())).items()
        assert server["command"] == "nemolocal"
        assert command_parser().parse_args(server["args"]).command == "mcp"


def test_guide_to_mutants_has_the_scores_of_the_last_runs() -> None:
    page = (ROOT / "docs" / "explanation" / "mutation-testing.md").read_text(encoding="utf-8")
    scores = mutation_scores()
    for name, by_hand, generated in (
        ("servers", scores.server, scores.generated_server),
        ("clients", scores.client, scores.generated_client),
    ):
        assert f"| {name} | {by_hand} killed | {generated} killed |" in page


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


@pytest.mark.slow
def test_links_lead_somewhere(subtests: pytest.Subtests) -> None:
    for page in PAGES:
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            path = target.partition("#")[0]
            if path and "://" not in path:
                with subtests.test(page=page.name, target=target):
                    assert (page.parent / path).exists()


@pytest.mark.slow
def test_pages_that_the_product_names_exist(subtests: pytest.Subtests) -> None:
    folders = ("cli", "client", "conformance", "contract", "mock_server", "bench")
    sources = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    for source in [*sources, ROOT / "Containerfile", ROOT / "action.yml"]:
        for name in re.findall(r"docs/[\w/-]+\.md", source.read_text(encoding="utf-8")):
            with subtests.test(source=source.name, name=name):
                assert (ROOT / name).exists()


@pytest.mark.slow
def test_every_variable_of_the_environment_is_explained() -> None:
    page = (DOCS / "reference" / "environment.md").read_text(encoding="utf-8")
    folders = ("cli", "client", "mock_server")
    sources = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    named = {
        name
        for source in sources
        for name in re.findall(
            r"\"((?:NEMO|NEMOLOCAL)_[A-Z_]+|SKILL_(?:NAME|VERSION|SOURCE))\"",
            source.read_text(encoding="utf-8"),
        )
    }
    # That of the hooks, which the command sets and reads itself.
    assert {name for name in named - {"NEMOLOCAL_EXEC"} if f"`{name}`" not in page} == set()
    assert len(named) > 5


def test_index_for_language_models_names_pages() -> None:
    text = (DOCS / "llms.txt").read_text(encoding="utf-8")
    targets = LINK.findall(text)
    assert targets
    for target in targets:
        path = target.removeprefix("_sources/").removesuffix(".txt")
        assert (DOCS / path).exists(), target


@pytest.mark.slow
def test_first_client_test_fails_and_its_correction_passes(tmp_path: Path) -> None:
    page = (DOCS / "tutorials" / "first-client-test.md").read_text(encoding="utf-8")
    test, correction = (text for language, text in FENCE.findall(page) if language == "python")
    before, _, after = test.rpartition("            say(http, session, MESSAGE)\n")
    for text, status in ((test, 1), (f"{before}{correction}{after}", 0)):
        (tmp_path / "test_silence.py").write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "test_silence.py"]
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert run.returncode == status, run.stdout
