"""What the server logs: tokens in paths are blanked out, and the default leaves loggers alone."""

import logging

from nemolocal_server.data.token_redaction import KnownTokens
from nemolocal_server.logging_config import LogOptions, TokenFilter, logging_config


def access_record(path: str) -> logging.LogRecord:
    arguments = ("127.0.0.1:1", "GET", path, "1.1", 200)
    message = '%s - "%s %s HTTP/%s" %d'
    return logging.LogRecord("uvicorn.access", logging.INFO, "", 0, message, arguments, None)


def test_access_log_has_no_token() -> None:
    record = access_record("/workspace/claim?token=nmv_usr_12345678&x=1")
    assert TokenFilter().filter(record)
    assert "12345678" not in record.getMessage()
    assert record.getMessage().endswith('&x=1 HTTP/1.1" 200')
    other = access_record("/api/credits?x=1")
    TokenFilter().filter(other)
    assert other.getMessage() == '127.0.0.1:1 - "GET /api/credits?x=1 HTTP/1.1" 200'


def test_access_log_has_no_token_of_any_form_that_the_server_knows() -> None:
    known = KnownTokens()
    known.add("made-by-hand-for-tests")
    record = access_record(
        "/api/credits?token=made-by-hand-for-tests&again=made%2Dby-hand-for-tests"
    )
    config = logging_config(LogOptions(access_log=True), known.redact_all)["filters"]["tokens"]
    assert config.pop("()")(**config).filter(record)
    assert "by-hand" not in record.getMessage()


def test_default_leaves_the_loggers_of_the_server_alone() -> None:
    assert not {"nemolocal", "nemolocal_server"} & logging_config(LogOptions())["loggers"].keys()
    chosen = logging_config(LogOptions("info"))["loggers"]
    assert chosen["nemolocal"]["level"] == chosen["nemolocal_server"]["level"] == "INFO"


def test_everything_goes_to_stderr() -> None:
    handlers = logging_config(LogOptions(access_log=True))["handlers"]
    assert {handler["stream"] for handler in handlers.values()} == {"ext://sys.stderr"}


def test_a_record_of_another_form_passes_unchanged() -> None:
    for arguments in ((), ("127.0.0.1:1", "GET"), None):
        record = logging.LogRecord(
            "uvicorn.access", logging.INFO, "", 0, "started", arguments, None
        )
        assert TokenFilter().filter(record)
        assert record.args == arguments
