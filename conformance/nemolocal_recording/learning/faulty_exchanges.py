"""Exchanges that a fault has hit: what they show is what the fault did, not what the server does.

They neither confirm nor contradict a rule, and no value is taken from them. Only how they ended is
observed (SSE-4, SSE-7).
"""

from collections import Counter
from collections.abc import Iterable

from nemolocal_contract.endpoints import CONTROL_PREFIX

from ..recording import ExchangeRecord

_ENDINGS = {
    "fin": "closed by the server before the end",
    "rst": "reset by the server",
    "client": "ended by the client",
    "recorder": "ended with the recording",
    "upgraded": "continued in another protocol",
    "unreadable": "not HTTP/1.1",
    "unreachable": "without a connection to the server",
    None: "not recorded to the end",
}
_TIMEOUT, _TOO_MANY, _SERVER_ERROR = 408, 429, 500
GENERATION_2 = 2


def is_about_contract(exchange: ExchangeRecord) -> bool:
    """Whether an exchange was forwarded, and is of the interface that the rules are about."""
    is_control = (exchange.request.template or "").startswith(CONTROL_PREFIX)
    is_other = is_control or exchange.request.generation == GENERATION_2
    return exchange.refused is None and not is_other


def fault_of(exchange: ExchangeRecord) -> str:
    """Return how a fault has hit an exchange, as `reset by the server`; "" if none has.

    A fault is a response that did not end cleanly, an HTTP status of 500 or more, a 408, and a 429
    that is not the answer to a token request of a named client (AUTH-3).
    """
    if not exchange.is_complete:
        return _ENDINGS[exchange.ending]
    status = exchange.status
    is_limit = status == _TOO_MANY and not _is_token_of_client(exchange)
    if status >= _SERVER_ERROR or status == _TIMEOUT or is_limit:
        return f"answered with HTTP {status}"
    return ""


def count_faults(exchanges: Iterable[ExchangeRecord]) -> dict[str, int]:
    """Return how many exchanges each kind of fault has hit."""
    kinds = [fault_of(one) for one in exchanges if is_about_contract(one)]
    return dict(Counter(kind for kind in kinds if kind))


def _is_token_of_client(exchange: ExchangeRecord) -> bool:
    client = exchange.request.headers.get("x-client-id", "")
    return exchange.endpoint == "token" and bool(client.strip())
