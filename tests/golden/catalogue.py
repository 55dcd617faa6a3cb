"""Every frozen file and what makes it."""

from .frozen import Make
from .help_texts import help_texts
from .interfaces import draws, public_names, schema, settings
from .journals import journals
from .replies import replies
from .reports import reports
from .turns import turns


def catalogue() -> dict[str, Make]:
    """What makes each file, by its name under `data/`."""
    created: dict[str, Make] = {}
    for group, suffix, items in (
        ("replies", "http", replies()),
        ("turns", "sse", turns()),
        ("journal", "", journals()),
        ("reports", "", reports()),
        ("help", "txt", help_texts()),
        ("names", "txt", public_names()),
        ("interfaces", "", (settings(), schema(), draws())),
    ):
        for name, make in items:
            created[f"{group}/{name}.{suffix}" if suffix else f"{group}/{name}"] = make
    return created
