"""What the server logs, and where: warnings to stderr, and on request more and an access log."""

import copy
import logging
from collections.abc import Callable
from typing import Any, Literal

import msgspec
from uvicorn.config import LOGGING_CONFIG

from .data.token_redaction import redact

LogLevel = Literal["debug", "info", "warning", "error"]
LOG_LEVELS: tuple[LogLevel, ...] = ("debug", "info", "warning", "error")
DEFAULT_LOG_LEVEL: LogLevel = "warning"
# By what names modules of the server log.
_OWN_LOGGERS = ("nemolocal", "nemolocal_server")
_PATH = 2


class LogOptions(msgspec.Struct, frozen=True):
    """How much a server logs: messages of this level and above, and one line per request."""

    level: LogLevel = DEFAULT_LOG_LEVEL
    access_log: bool = False


def logging_config(options: LogOptions, redact_known: Callable[[str], str] = str) -> dict[str, Any]:
    """A configuration for `logging.config.dictConfig`, as uvicorn takes it.

    `redact_known` blanks out the tokens that the server knows, whatever they look like.
    All of it goes to stderr, since stdout has the base URL. Loggers of the server itself are left
    alone unless another level is asked for.
    """
    config: dict[str, Any] = copy.deepcopy(LOGGING_CONFIG)
    config["filters"] = {"tokens": {"()": TokenFilter, "redact_known": redact_known}}
    config["handlers"]["access"] |= {"stream": "ext://sys.stderr", "filters": ["tokens"]}
    if options.level != DEFAULT_LOG_LEVEL:
        own = {"handlers": ["default"], "level": options.level.upper(), "propagate": False}
        config["loggers"] |= dict.fromkeys(_OWN_LOGGERS, own)
    return config


def enable_access_log() -> None:
    """Log each request, whatever the level of other messages; uvicorn has one level for both."""
    logging.getLogger("uvicorn.access").setLevel(logging.INFO)


class TokenFilter(logging.Filter):
    """Blanks out tokens in the paths of an access log (GEN-5)."""

    def __init__(self, redact_known: Callable[[str], str] = str) -> None:
        super().__init__()
        self._redact_known = redact_known

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record, and let it through."""
        if isinstance(record.args, tuple) and len(record.args) > _PATH:
            path = redact(self._redact_known(str(record.args[_PATH])))
            record.args = (*record.args[:_PATH], path, *record.args[_PATH + 1 :])
        return True
