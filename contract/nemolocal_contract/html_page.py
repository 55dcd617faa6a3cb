"""HTML pages from Jinja2 templates; every value in them is escaped."""

import functools
from typing import TYPE_CHECKING

from .text_escaping import escape_markup

if TYPE_CHECKING:
    from jinja2 import Environment


def render_page(package: str, template: str, **values: object) -> str:
    """Render a template of the folder `templates` of a package."""
    return _environment(package).get_template(template).render(values)


@functools.cache
def _environment(package: str) -> "Environment":
    # Imported here, since most users of this package render no page.
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    def finalize(value: object) -> object:
        """Escape control characters too, which autoescape leaves as they are."""
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
