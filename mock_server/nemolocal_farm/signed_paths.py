"""Sign the paths by which workers fetch and return files, for one method and a limited time."""

import hmac
from urllib.parse import parse_qs, urlencode

from nemolocal_contract.clock import WallClock

from .farm_key import FarmKey

_CLOCK = WallClock()

_EXPIRES, _SIGNATURE = "expires", "signature"


def sign_path(key: FarmKey, method: str, path: str, seconds: float) -> str:
    """Return the path with a query that is valid for so many seconds from now."""
    expires = str(int(_CLOCK.time() + seconds))
    query = {_EXPIRES: expires, _SIGNATURE: _signature(key, method, path, expires)}
    return f"{path}?{urlencode(query)}"


def is_signed(key: FarmKey, method: str, path: str, query: str) -> bool:
    """Return whether the query is a signature of this method and path that has not expired."""
    values = parse_qs(query)
    expires, given = values.get(_EXPIRES, [""])[-1], values.get(_SIGNATURE, [""])[-1]
    wanted = _signature(key, method, path, expires)
    is_genuine = hmac.compare_digest(given.encode(), wanted.encode())
    return is_genuine and float(expires) >= _CLOCK.time()


def _signature(key: FarmKey, method: str, path: str, expires: str) -> str:
    text = f"{method}\n{path}\n{expires}".encode()
    return hmac.digest(key.signing, text, "sha256").hex()
