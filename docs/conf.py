"""How Sphinx builds the site: `tox -e docs`. Warnings are errors, so internal links are checked.

The pages are plain Markdown (MyST); those made from the sources are kept in the repository.
"""

import tomllib
from pathlib import Path

_PROJECT = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text("utf-8"))

project = "Nemo Local"
version = release = _PROJECT["project"]["version"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinxcontrib.mermaid"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"Nemo Local {version}"
# The index for language models; they read the Markdown that is copied beside each page.
html_extra_path = ["llms.txt"]
myst_heading_anchors = 3
myst_fence_as_directive = ["mermaid"]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
