"""HTML pages from templates: every text in them is escaped, and does nothing to who reads it."""

import functools
from typing import TYPE_CHECKING

from .text_escaping import escape_markup

if TYPE_CHECKING:
    from jinja2 import Environment


def render_page(package: str, template: str, **values: object) -> str:
    """The page that a file in the folder `templates` of a package makes of these values."""
    return _environment(package).get_template(template).render(values)


@functools.cache
def _environment(package: str) -> "Environment":
    # Only who shows a page needs them.
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    def finalize(value: object) -> object:
        """Autoescape knows markup, but not what a terminal or a browser obeys besides."""
        return value if hasattr(value, "__html__") else Markup(escape_markup(str(value)))

    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
