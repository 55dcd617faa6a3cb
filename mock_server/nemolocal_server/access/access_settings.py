"""The settings of access, judged when they are made."""

import ipaddress
import re
from typing import Protocol

from .addresses import canonical_pattern, parse_public_url

_TOKEN = re.compile(r"[\x21-\x7e]{1,256}")


class _Settings(Protocol):
    @property
    def control_token(self) -> str: ...
    @property
    def allowed_hosts(self) -> tuple[str, ...]: ...
    @property
    def public_url(self) -> str: ...
    @property
    def trusted_proxies(self) -> tuple[str, ...]: ...


def check_access_settings(settings: _Settings) -> None:
    """Raise ValueError for what makes no sense, naming the setting."""
    if settings.control_token and not _TOKEN.fullmatch(settings.control_token):
        # Never shown: it may be the secret of somebody who only mistyped it.
        raise ValueError("control_token must be 1 to 256 visible ASCII characters without spaces")
    try:
        setting = "allowed_hosts"
        for host in settings.allowed_hosts:
            canonical_pattern(host)
        setting = "public_url"
        if settings.public_url:
            parse_public_url(settings.public_url)
    except ValueError as error:
        raise ValueError(f"{setting} {error}") from None
    for proxy in settings.trusted_proxies:
        try:
            ipaddress.ip_network(proxy, strict=False)
        except ValueError:
            raise ValueError(
                "trusted_proxies must be IP addresses or networks, for instance 10.0.0.0/8, "
                f"not {proxy!r}"
            ) from None
