"""HTML pages from Jinja2 templates; every value in them is escaped.

A document is a page without any other file: its style and its script, an ES module, are in it, and
its content security policy allows no others.
"""

import base64
import functools
import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING

from .text_escaping import escape_markup, needs_escaping

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

# The package whose templates and style all others share.
_SHARED = "nemolocal_contract"
SHARED_STYLES = (_SHARED, "static")
"""The package and the folder of the style sheets that pages with linked styles link."""


def render_page(package: str, template: str, **values: object) -> str:
    """Render a template of the folder `templates` of a package.

    It can import from `nemolocal_contract/code_spans.html`, which all packages share.
    """
    return _environment(package).get_template(template).render(values)


def render_document(
    package: str,
    template: str,
    values: Mapping[str, object],
    *,
    script: str = "",
    media: str = "data:",
) -> str:
    """Render a template with `style`, `script` and `policy` for its head.

    The style is the colors, the common style and that of the template: `report.css` for
    `report.html`. `script` is a file of the folder, "" for none. `media` are the sources of
    pictures and films.
    """
    from markupsafe import Markup

    common = read_colors() + _read_template(_SHARED, "document.css")
    style = common + _own_style(package, template)
    code = _read_template(package, script) if script else ""
    policy = [
        "default-src 'none'",
        f"style-src '{_digest(style)}'",
        f"script-src '{_digest(code)}'" if code else "script-src 'none'",
        f"img-src {media}",
        f"media-src {media}",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return render_page(
        package,
        template,
        style=Markup(style),
        script=Markup(code),
        policy="; ".join(policy),
        **values,
    )


@functools.cache
def read_colors() -> str:
    """Return the style sheet with the colors and fonts of all pages."""
    package, folder = SHARED_STYLES
    return (files(package) / folder / "colors.css").read_text(encoding="utf-8")


def _own_style(package: str, template: str) -> str:
    return _read_template(package, template.replace(".html", ".css"))


@functools.cache
def _read_template(package: str, name: str) -> str:
    return (files(package) / "templates" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """Return the source of a content security policy that allows this text."""
    return "sha256-" + _base64(hashlib.sha256(text.encode()).digest())


@functools.cache
def _environment(package: str) -> "Environment":
    # Imported here, since most users of this package render no page.
    from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, StrictUndefined
    from markupsafe import Markup

    def finalize(value: object) -> object:
        """Escape control characters too, which autoescape leaves as they are."""
        if hasattr(value, "__html__"):
            return value
        text = str(value)
        # Most values of a long list have nothing to escape, which autoescape finds out faster.
        return Markup(escape_markup(text)) if needs_escaping(text) else text

    environment = Environment(
        loader=ChoiceLoader(
            [PackageLoader(package), PrefixLoader({_SHARED: PackageLoader(_SHARED)})]
        ),
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters["base64"] = _base64
    environment.filters["data_block"] = _data_block
    return environment


def _data_block(value: object) -> "Markup":
    """Return JSON for a script element of type application/json, which no text in it can end."""
    from markupsafe import Markup

    return Markup(json.dumps(value, separators=(",", ":")).replace("<", "\\u003c"))


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
