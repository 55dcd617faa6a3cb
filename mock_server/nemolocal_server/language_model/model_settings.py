"""The settings of a language model."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from ..setting_ranges import check_positive

# As long as a turn (SSE-6).
_MAX_SECONDS = 900
_MAX_NAME = 200
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")


class ModelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The language model for messages that the rules do not understand; none by default.

    `url` is the base of an OpenAI-compatible API, as http://127.0.0.1:11434/v1, and `name` the
    model there. Its key is read from the environment variable `key_variable`. It has `seconds` of
    real time for an answer. `record` is a file that its answers are added to. With a file in
    `replay` they are taken from there, and no endpoint is asked.
    """

    url: str = ""
    name: str = ""
    key_variable: str = "NEMOLOCAL_MODEL_KEY"
    seconds: float = 60.0
    record: Path | None = None
    replay: Path | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for settings that cannot be used, with the name of the setting."""
        check_positive("model.seconds", self.seconds, _MAX_SECONDS)
        if self.url:
            _check_url(self.url)
        if len(self.name) > _MAX_NAME or not self.name.isprintable():
            raise ValueError(f"model.name must be at most {_MAX_NAME} printable characters")
        if not _VARIABLE.fullmatch(self.key_variable):
            # The value is not shown: it may be the key itself.
            raise ValueError(
                "model.key_variable must be the name of an environment variable, not the key"
            )
        if self.url and not self.name:
            raise ValueError("model.url needs model.name: the name of a model that is served there")
        if self.name and not self.is_enabled:
            raise ValueError("model.name needs model.url, or model.replay")
        if self.record is not None and self.replay is not None:
            raise ValueError("model.record and model.replay cannot be combined")
        if self.record is not None and not self.url:
            raise ValueError("model.record needs model.url")

    @property
    def is_enabled(self) -> bool:
        """Whether a model, or a recording of one, is used."""
        return bool(self.url) or self.replay is not None

    @property
    def completions_url(self) -> str:
        """The URL for chat completions."""
        base = self.url.rstrip("/")
        return base if base.endswith("/chat/completions") else f"{base}/chat/completions"


def _check_url(url: str) -> None:
    """Raise ValueError for a URL that cannot be used; it is not shown, since it may have a key."""
    wanted = "an http or https URL such as http://127.0.0.1:11434/v1"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError(f"model.url must be {wanted}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"model.url must be {wanted}")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError(f"model.url must be {wanted}, without spaces or non-ASCII characters")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError(
            "model.url must have no user, password or query: put the key into the environment "
            "variable that model.key_variable names"
        )
