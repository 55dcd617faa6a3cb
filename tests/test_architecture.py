"""Who may import whom: the table of ARCHITECTURE.md, read from the code itself."""

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {
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
MAY_IMPORT = {
    "nemolocal_contract": {"jinja2", "markupsafe", "msgspec"},
    "nemolocal_render": {
        "av",
        "ffmpeg",
        "fontTools",
        "imageio_ffmpeg",
        "msgspec",
        "nemolocal_contract",
    },
    "nemolocal_agent": {"jsonpatch", "msgspec", "nemolocal_contract"},
    "nemolocal_server": {
        "httpx",
        "jsonpatch",
        "msgspec",
        "nemolocal_agent",
        "nemolocal_contract",
        "nemolocal_render",
        "python_multipart",
        "regex",
        "sse_starlette",
        "starlette",
        "uvicorn",
    },
    # Its pages show what the server holds; verdicts come from the command, which hands them over.
    "nemolocal_dashboard": {
        "jinja2",
        "markupsafe",
        "msgspec",
        "nemolocal_contract",
        "nemolocal_server",
        "starlette",
    },
    # Its workers know nothing of the server that hands out the parts.
    "nemolocal_farm": {
        "cryptography",
        "httpx",
        "msgspec",
        "nemolocal_contract",
        "nemolocal_render",
        "nemolocal_server",
        "starlette",
        "temporalio",
    },
    "nemolocal_client": {"httpx", "msgspec", "nemolocal_contract", "platformdirs"},
    "nemolocal_skill": {
        "httpx",
        "markdown_it",
        "msgspec",
        "nemolocal_client",
        "nemolocal_contract",
        "yaml",
    },
    # `nemolocal bench` is a command like the others; it is imported when it is called.
    "nemolocal": {
        "cryptography",
        "anyio",
        "h11",
        "httpx",
        "mcp",
        "msgspec",
        "platformdirs",
        "rich",
        "shtab",
        "tomli_w",
        "trustme",
        *FOLDERS,
    },
    "nemolocal_conformance": {"httpx", "msgspec", "nemolocal_contract"},
    # What it learns is judged by the forms that the checks of servers use.
    "nemolocal_recording": {
        "h11",
        "httpx",
        "msgspec",
        "nemolocal_conformance",
        "nemolocal_contract",
        "python_multipart",
    },
    # It hands its user a server and a client; it imports them when a test wants them.
    "nemolocal_pytest": {
        "httpx",
        "msgspec",
        "nemolocal_client",
        "nemolocal_conformance",
        "nemolocal_contract",
        "nemolocal_render",
        "nemolocal_server",
        "pytest",
        "respx",
    },
    "nemolocal_bench": {
        "bjontegaard",
        "msgspec",
        "platformdirs",
        "nemolocal_client",
        "nemolocal_contract",
        "nemolocal_render",
    },
}
# Random scripts are made by Hypothesis; whoever only replays one needs none of it.
MADE_AT_RANDOM = {"search.py", "strategies.py"}
# Where a file is surely too long to be read in one go; CONTRIBUTING.md asks for less.
MAX_LINES = 500


def modules(package: str) -> list[Path]:
    return sorted((ROOT / FOLDERS[package] / package).rglob("*.py"))


def imported(module: ast.Module) -> Iterator[str]:
    """The top-level packages that a module imports, anywhere in it."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


# One test for both, since reading a package takes longer than looking at it.
@pytest.mark.sources
@pytest.mark.parametrize("package", FOLDERS)
def test_modules_say_what_they_are_and_import_only_what_is_allowed(package: str) -> None:
    allowed = MAY_IMPORT[package] | {package} | sys.stdlib_module_names
    assert modules(package)
    for module in modules(package):
        random = "fuzz" in module.parts and module.name in MADE_AT_RANDOM
        here = allowed | ({"hypothesis"} if random else set())
        content = ast.parse(module.read_text(encoding="utf-8"))
        found = set(imported(content))
        assert found <= here, f"{module} imports {sorted(found - here)}"
        docstring = ast.get_docstring(content)
        assert docstring, f"{module} has no docstring"
        assert docstring.splitlines()[0].endswith((".", ":")), f"{module}: not a sentence"


def test_the_table_in_the_architecture_names_every_package() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for package, folder in FOLDERS.items():
        assert f"| `{package}` | `{folder}/` |" in text


@pytest.mark.sources
def test_a_module_name_stands_once_in_a_package() -> None:
    for package in FOLDERS:
        names = [path.stem for path in modules(package) if not path.stem.startswith("__")]
        assert [name for name, count in Counter(names).items() if count > 1] == [], package


@pytest.mark.sources
def test_a_class_name_stands_once_in_the_product() -> None:
    names: Counter[str] = Counter()
    for path in (path for package in FOLDERS for path in modules(package)):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names.update(node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    assert [name for name, count in names.items() if count > 1] == []


def test_no_file_is_too_long() -> None:
    folders = {ROOT / folder for folder in FOLDERS.values()} | {ROOT / "tests", ROOT / "docs"}
    sources = [path for folder in folders for path in folder.rglob("*.py")]
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in sources}
    assert lengths
    assert {path: lines for path, lines in lengths.items() if lines > MAX_LINES} == {}


def test_no_module_lies_directly_in_a_root_folder() -> None:
    folders = {ROOT / folder for folder in FOLDERS.values()}
    assert not [path for folder in folders for path in folder.glob("*.py")]


def test_importing_the_app_leaves_heavy_packages_alone() -> None:
    heavy = {"av", "ffmpeg", "imageio_ffmpeg", "rich", "hypothesis", "httpx"}
    heavy |= {"jinja2", "jsonpatch", "markdown_it", "regex"}
    assert not loaded_by("nemolocal_server.app") & heavy


@pytest.mark.slow
def test_importing_the_server_package_or_its_settings_loads_no_web_server() -> None:
    assert not loaded_by("nemolocal_server") & {"msgspec", "starlette", "uvicorn"}
    code = (
        "import sys; from nemolocal_server import Settings;"
        "print({'nemolocal_server.app', 'uvicorn'} & sys.modules.keys())"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "set()\n"


@pytest.mark.slow
def test_the_command_line_starts_without_server_or_renderer() -> None:
    loaded = loaded_by("nemolocal.main")
    assert not loaded & {"starlette", "uvicorn", "rich", "av", "ffmpeg", "fontTools"}


@pytest.mark.slow
def test_importing_the_client_leaves_the_reader_of_markdown_alone() -> None:
    for module in ("nemolocal_client", "nemolocal_skill"):
        code = f"import sys, {module}; print('markdown_it.main' in sys.modules)"
        assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"


@pytest.mark.slow
@pytest.mark.parametrize("plugin", ["nemolocal_pytest.plugin"])
def test_what_pytest_loads_in_every_run_weighs_nothing(plugin: str) -> None:
    more = loaded_by(plugin) - loaded_by("pytest")
    assert more == {"nemolocal_pytest"}


@cache
def loaded_by(module: str) -> frozenset[str]:
    """The top-level packages that are loaded after importing a module in a fresh interpreter."""
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    output = subprocess.check_output([sys.executable, "-c", code], text=True)
    return frozenset(output.split())
