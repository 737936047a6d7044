"""Which workers a run is given to, as a user names them, and how they find its photographs."""

from __future__ import annotations

import importlib.util
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from wildetect.detection.network.devices import cores
from wildetect.errors import ConfigurationError
from wildetect.wording import number_of

__all__ = ["Cluster", "cluster_of", "mapped"]

_LOCAL = re.compile(r"local:([0-9]{1,6})", re.ASCII | re.IGNORECASE)
_SCHEMES = ("tcp", "tls")
_MOST_ON_FEW_CORES = 8
_FORMS = "Give local:N, such as local:2, or the address of a scheduler, such as tcp://192.168.1.10:8786."


@dataclass(frozen=True, slots=True)
class Cluster:
    """Who does the work.

    Attributes:
        address: Of the scheduler; none: worker processes on this machine.
        processes: Number of those.
        path_maps: What a folder of this machine is called on workers: pairs of both names.
    """

    address: str | None = None
    processes: int = 0
    path_maps: tuple[tuple[str, str], ...] = ()

    @property
    def open_to_others(self) -> bool:
        """Whether photographs' results, and orders to run programs, cross a network unencrypted."""
        if self.address is None or urlsplit(self.address).scheme != "tcp":
            return False
        host = urlsplit(self.address).hostname or ""
        try:
            return not ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host.lower() != "localhost"


def cluster_of(text: str | None, path_maps: Sequence[str] = ()) -> Cluster | None:
    """Understand --cluster and --path-map; None where the run stays in this process.

    Raises:
        ConfigurationError: They are not valid, or Dask is not installed.
    """
    maps = tuple(_path_map(one) for one in path_maps)
    if text is None:
        if maps:
            raise ConfigurationError(
                "--path-map says how workers find the photographs, and there is no --cluster",
                hint="Give --cluster, too, or leave --path-map out.",
            )
        return None
    local = _LOCAL.fullmatch(text.strip())
    cluster = (
        Cluster(None, _processes(int(local.group(1))), maps)
        if local
        else Cluster(_address(text.strip()), 0, maps)
    )
    if importlib.util.find_spec("distributed") is None:
        raise ConfigurationError(
            "--cluster needs Dask, which is not installed", hint="Install it: uv sync --extra cluster"
        )
    return cluster


def mapped(path: str, path_maps: Sequence[tuple[str, str]]) -> list[str]:
    r"""What a file of the parent may be called on a worker: its own name, then those by each mapping.

    Args:
        path: On the parent's machine.
        path_maps: Pairs of a folder there and on the worker. Names of Windows, with drives and `\`, are
            compared without regard to letter case.
    """
    found = [path]
    plain = path.replace("\\", "/") if _of_windows(path) else path
    for here, there in path_maps:
        folder = here.replace("\\", "/") if _of_windows(here) else here
        folder = folder.rstrip("/") + "/"
        same = plain[: len(folder)].casefold() == folder.casefold() if _of_windows(path) else False
        if same or plain.startswith(folder):
            rest = plain[len(folder) :]
            between = "" if there.endswith(("/", "\\")) else "/"
            found.append(f"{there}{between}{rest}")
    return found


def _of_windows(path: str) -> bool:
    return path.startswith("\\\\") or path[1:2] == ":"


def _path_map(text: str) -> tuple[str, str]:
    here, equals, there = text.partition("=")
    if not (equals and here.strip() and there.strip()):
        raise ConfigurationError(
            f"--path-map: {text!r} is not a valid mapping",
            hint="Give the folder here and what it is called there: --path-map D:/survey=/mnt/survey",
        )
    return here.strip(), there.strip()


def _processes(number: int) -> int:
    most = max(cores(), _MOST_ON_FEW_CORES)
    if not 1 <= number <= most:
        raise ConfigurationError(
            f"--cluster: local:{number} is not a number of workers from 1 to {most}",
            hint=(
                f"This machine has {number_of(cores(), 'core')}: more workers than that do not make a "
                "run faster."
            ),
        )
    return number


def _address(text: str) -> str:
    try:
        parts = urlsplit(text)
        valid = parts.scheme in _SCHEMES and parts.hostname and parts.port and not parts.path.strip("/")
    except ValueError:  # a port that is none
        valid = False
    if not valid:
        raise ConfigurationError(f"--cluster: {text!r} is not a valid address of workers", hint=_FORMS)
    return text.rstrip("/")
