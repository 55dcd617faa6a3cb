"""Logging of the server to stderr: warnings, optionally more messages and an access log."""

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
_OWN_LOGGERS = ("nemolocal", "nemolocal_server")
# The position of the path in the arguments of uvicorn's access log.
_PATH = 2


class LogOptions(msgspec.Struct, frozen=True):
    """The level of messages, and whether each request is logged."""

    level: LogLevel = DEFAULT_LOG_LEVEL
    access_log: bool = False


def logging_config(options: LogOptions, redact_known: Callable[[str], str] = str) -> dict[str, Any]:
    """Return a configuration for `logging.config.dictConfig`, as uvicorn takes it.

    `redact_known` removes the tokens that the server knows, whatever they look like. Everything
    goes to stderr, since stdout has the base URL. The server's own loggers are configured only for
    another level than the default.
    """
    config: dict[str, Any] = copy.deepcopy(LOGGING_CONFIG)
    config["filters"] = {"tokens": {"()": TokenFilter, "redact_known": redact_known}}
    config["handlers"]["access"] |= {"stream": "ext://sys.stderr", "filters": ["tokens"]}
    if options.level != DEFAULT_LOG_LEVEL:
        own = {"handlers": ["default"], "level": options.level.upper(), "propagate": False}
        config["loggers"] |= dict.fromkeys(_OWN_LOGGERS, own)
    return config


def enable_access_log() -> None:
    """Log each request at any log level: uvicorn has one level for both."""
    logging.getLogger("uvicorn.access").setLevel(logging.INFO)


class TokenFilter(logging.Filter):
    """Removes tokens from the paths of an access log (GEN-5)."""

    def __init__(self, redact_known: Callable[[str], str] = str) -> None:
        super().__init__()
        self._redact_known = redact_known

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record, and keep it."""
        if isinstance(record.args, tuple) and len(record.args) > _PATH:
            path = redact(self._redact_known(str(record.args[_PATH])))
            record.args = (*record.args[:_PATH], path, *record.args[_PATH + 1 :])
        return True
