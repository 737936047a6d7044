"""Under which names a server may be asked: the Host and Origin headers that it accepts.

MLflow's defaults let any name through that begins like a private address, so that a page of
10.evil.example could talk to a server on this machine: the names are given exactly instead.
"""

from __future__ import annotations

import ipaddress
import socket

import psutil

from wildetect.registry.probe import is_loopback

__all__ = ["allowed_hosts", "allowed_origins", "is_every_address", "shared_urls"]

# With any port: a tunnel (ssh -L 8080:localhost:5000) ends on another one. No page of another machine
# can carry these names.
THIS_MACHINE = ("localhost", "localhost:*", "127.0.0.1", "127.0.0.1:*", "[[]::1]", "[[]::1]:*")
"""In fnmatch's language, where an opening bracket is escaped by brackets."""


def is_every_address(host: str) -> bool:
    """Whether a server on this host listens on all networks of the machine."""
    return host in ("0.0.0.0", "::", "*")  # noqa: S104 - compared, nothing is bound


def allowed_hosts(host: str, port: int) -> str:
    """The Host headers to accept, as `mlflow server --allowed-hosts` takes them."""
    names = [] if is_loopback(host) else _names(host)
    return ",".join([*THIS_MACHINE, *(pattern for name in names for pattern in _patterns(name, port))])


def allowed_origins(host: str, port: int) -> str:
    """The pages whose scripts may write, as `--cors-allowed-origins` takes them; "" for this machine only.

    A browser names the page's origin even where page and server are one.
    """
    names = [] if is_loopback(host) else _names(host)
    suffix = "" if port == 80 else f":{port}"  # noqa: PLR2004 - browsers leave out http's own port
    return ",".join(f"http://{name}{suffix}" for name in names)


def shared_urls(host: str, port: int) -> list[str]:
    """The addresses that others on the network can use; none where only this machine can."""
    return [] if is_loopback(host) else [f"http://{name}:{port}" for name in _names(host)]


def _patterns(name: str, port: int) -> list[str]:
    exact = name.replace("[", "[[]") if "*" in name else name
    return [exact, f"{exact}:{port}"] if port == 80 else [f"{exact}:{port}"]  # noqa: PLR2004


def _names(host: str) -> list[str]:
    """The machine's addresses that a host stands for, and its names; no name server is asked."""
    if not is_every_address(host):
        addresses = [f"[{host}]" if ":" in host else host]
    else:
        addresses = _addresses(with_version_6=host != "0.0.0.0")  # noqa: S104
    own = socket.gethostname()
    # Browsers write names in small letters; .local is what Bonjour and Avahi add.
    names = [own, own.lower(), f"{own.partition('.')[0].lower()}.local"]
    return list(dict.fromkeys([*addresses, *names]))


def _addresses(*, with_version_6: bool) -> list[str]:
    found = []
    for interface in psutil.net_if_addrs().values():
        for entry in interface:
            try:
                address = ipaddress.ip_address(entry.address.partition("%")[0])
            except ValueError:
                continue  # a hardware address
            if address.is_loopback or address.is_link_local or (address.version == 6 and not with_version_6):  # noqa: PLR2004
                continue
            found.append(f"[{address}]" if address.version == 6 else str(address))  # noqa: PLR2004
    return found
