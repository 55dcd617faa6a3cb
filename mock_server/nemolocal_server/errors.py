"""Failures of the contract, raised anywhere and turned into responses by `responses`."""

from collections.abc import Iterable, Mapping

from nemolocal_contract.describe.text_formats import truncate_text
from nemolocal_contract.media import ACCEPTED_EXTENSIONS_TEXT, ExtraExtension
from nemolocal_contract.responses import ResponseCode


class ContractError(Exception):
    """A request that fails with a code of the contract."""

    def __init__(
        self, code: ResponseCode, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def bad_request(message: str) -> ContractError:
    """An invalid body, header or query; the message names the field (GEN-6)."""
    return ContractError(ResponseCode.BAD_REQUEST, message)


def bad_token(remedy: str) -> ContractError:
    """No token, or one without permission (GEN-3)."""
    return ContractError(ResponseCode.BAD_TOKEN, f"Token is missing, invalid or expired: {remedy}")


def session_not_found(session_id: str) -> ContractError:
    """An unknown session, or one of another user: both look the same (GEN-7, SES-3)."""
    return ContractError(ResponseCode.SESSION_NOT_FOUND, f"Session not found: {session_id}")


def unsupported_file(reason: str, extra: Iterable[ExtraExtension] = ()) -> ContractError:
    """A file or URL that is not accepted; the message lists the accepted types (UPL-3).

    `extra` are the types that a setting accepts besides.
    """
    accepted = ", ".join([ACCEPTED_EXTENSIONS_TEXT, *extra])
    return ContractError(
        ResponseCode.UNSUPPORTED_FILE, f"Unsupported file: {reason}. Accepted: {accepted}"
    )


def fetch_failed(url: str, reason: str) -> ContractError:
    """A URL that is refused or cannot be fetched; the message tells nothing about it (UPL-6)."""
    return ContractError(
        ResponseCode.UNSUPPORTED_FILE, f"Cannot fetch {truncate_text(url, 200)!r}: {reason}"
    )
