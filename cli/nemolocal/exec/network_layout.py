"""The network that a sealed program sees: addresses of hosts, and system files with them."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path

import msgspec

from .allowed_hosts import AllowedHost
from .sealed_network import SocketAddress

_HTTP, _HTTPS = 80, 443
_ANY_ADDRESS = ("0.0.0.0", "::")
_LOOPBACK = "127.0.0.1"
# Loopback addresses that are probably unused: the first is the cloud's, then one for each host.
_FIRST_ADDRESS = int(ip_address("127.77.0.1"))
_HOSTS, _RESOLVER, _NSSWITCH = "/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf"
# A name cache would answer from outside the seal.
_NAME_CACHES = ("/run/nscd/socket", "/var/run/nscd/socket")
_SEARCH = "hosts: files dns"


class NetworkLayout(msgspec.Struct, frozen=True):
    """The addresses of each host, and where each listener leads.

    `https_listeners` lead to the local server, `http_listeners` redirect to HTTPS, and `forwarded`
    ones lead to allowed hosts.
    """

    addresses: Mapping[str, tuple[str, ...]]
    https_listeners: tuple[SocketAddress, ...]
    http_listeners: tuple[SocketAddress, ...]
    forwarded: Mapping[SocketAddress, AllowedHost]

    @property
    def listeners(self) -> list[SocketAddress]:
        """The addresses of all listeners; the more specific of two addresses wins."""
        return [*self.https_listeners, *self.http_listeners, *self.forwarded]


def plan_network(cloud: str, allowed: Sequence[AllowedHost]) -> NetworkLayout:
    """Give each allowed host an address of its own; the cloud listens on all others."""
    names = dict.fromkeys([cloud, *(one.host for one in allowed if not _literal_address(one.host))])
    found = {name: str(ip_address(_FIRST_ADDRESS + number)) for number, name in enumerate(names)}
    forwarded = {(_literal_address(one.host) or found[one.host], one.port): one for one in allowed}
    return NetworkLayout(
        {name: (address,) for name, address in found.items()},
        tuple((host, _HTTPS) for host in _ANY_ADDRESS),
        tuple((host, _HTTP) for host in _ANY_ADDRESS),
        {place: one for place, one in forwarded.items() if one.host != cloud},
    )


def _literal_address(host: str) -> str:
    """Return the address of a host that is an IP literal or localhost; empty for other names."""
    if host == "localhost":
        return _LOOPBACK
    try:
        return str(ip_address(host))
    except ValueError:
        return ""


def write_system_files(layout: NetworkLayout, folder: Path, hostname: str) -> Mapping[str, str]:
    """Write replacements of system files to `folder`; return them as target to source."""
    texts = {
        _HOSTS: hosts_text(layout.addresses, _read(_HOSTS), hostname),
        _RESOLVER: f"nameserver {_LOOPBACK}\n",
        _NSSWITCH: nsswitch_text(_read(_NSSWITCH)),
    }
    laid = dict.fromkeys(_NAME_CACHES, "/dev/null")
    for target, text in texts.items():
        path = folder / Path(target).name
        path.write_text(text, encoding="utf-8", errors="surrogateescape")
        path.chmod(0o644)
        laid[target] = str(path)
    return laid


def hosts_text(addresses: Mapping[str, Sequence[str]], found: str, hostname: str) -> str:
    """Return the text of `/etc/hosts`: our hosts, then the system's names of this machine.

    Names of other machines are left out, so that our DNS server sees and reports them.
    """
    lines = [f"{address} {name}" for name, of_it in addresses.items() for address in of_it]
    lines += _local_host_lines(found, addresses)
    if hostname not in {word for line in lines for word in line.split()[1:]}:
        lines.append(f"{_LOOPBACK} {hostname}")
    return "\n".join(lines) + "\n"


def _local_host_lines(found: str, ours: Mapping[str, object]) -> Iterator[str]:
    for line in found.splitlines():
        words = line.partition("#")[0].split()
        kept = [word for word in words[1:] if word.lower().rstrip(".") not in ours]
        if kept and _is_loopback(words[0]):
            yield " ".join([words[0], *kept])


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def nsswitch_text(found: str) -> str:
    """Return the text of `nsswitch.conf` that looks in `/etc/hosts` first and then in DNS."""
    lines = [line for line in found.splitlines() if not line.strip().startswith("hosts:")]
    return "\n".join([*lines, _SEARCH]) + "\n"


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
