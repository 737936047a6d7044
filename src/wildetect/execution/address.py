"""Which workers a run is given to, as a user names them, and how they find its photographs."""

from __future__ import annotations

import importlib.util
import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from wildetect.detection.network.devices import cores
from wildetect.errors import ConfigurationError
from wildetect.remote.address import Address, is_address
from wildetect.settings.project import from_caller
from wildetect.wording import number_of, with_extra

__all__ = ["Cluster", "cluster_of", "idle_maps", "mapped"]

_LOCAL = re.compile(r"local:([0-9]{1,6})", re.ASCII | re.IGNORECASE)
_SCHEMES = ("tcp", "tls")
_MOST_ON_FEW_CORES = 8
_FORMS = "Give local:N, such as local:2, or the address of a scheduler, such as tcp://192.168.1.10:8786."


@dataclass(frozen=True, slots=True)
class Cluster:
    """Who does the work.

    Attributes:
        address: Address of the scheduler; none: worker processes on this machine.
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
            "--cluster needs Dask, which is not installed", hint=f"Install it: {with_extra('cluster')}"
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
        folder = here.replace("\\", "/") if _of_windows(here) or _of_windows(path) else here
        folder = folder.rstrip("/") + "/"
        same = plain[: len(folder)].casefold() == folder.casefold() if _of_windows(path) else False
        if same or plain.startswith(folder):
            found.append(_below(there, plain[len(folder) :]))
    return found


def _below(folder: str, rest: str) -> str:
    """A file below a folder of a worker, or at an address: that of a web server has names in its own form."""
    if is_address(folder) and not folder.casefold().startswith("s3:"):
        rest = quote(rest)
    between = "" if folder.endswith(("/", "\\")) else "/"
    return f"{folder}{between}{rest}"


def idle_maps(paths: Iterable[str], path_maps: Sequence[tuple[str, str]]) -> list[str]:
    """The folders of --path-map in which none of the files of a run lies: a mistake in typing, as a rule."""
    left = dict(path_maps)
    for path in paths:
        for here, there in list(left.items()):
            if len(mapped(path, [(here, there)])) > 1:
                del left[here]
        if not left:
            break
    return [*left]


def _of_windows(path: str) -> bool:
    return path.startswith(("\\\\", "//")) or path[1:2] == ":"


def _path_map(text: str) -> tuple[str, str]:
    here, equals, there = text.partition("=")
    if not (equals and here.strip() and there.strip()):
        raise ConfigurationError(
            f"--path-map: {text!r} is not a valid mapping",
            hint="Give the folder here and what it is called there: --path-map D:/survey=/mnt/survey",
        )
    here, there = here.strip(), there.strip()
    if is_address(here):
        raise ConfigurationError(
            f"--path-map: {here} is an address already",
            hint="Photographs at addresses are read by each worker itself: leave --path-map out.",
        )
    if is_address(there):
        address = Address.parse(there)
        if address.query or address.sign_in:
            raise ConfigurationError(
                f"--path-map: {address} is given with what signs in there, which is not sent to workers",
                hint="Sign in on each worker: .netrc for a web server, AWS_PROFILE for S3.",
            )
    return _absolute(here), there


def _absolute(folder: str) -> str:
    """A folder of this machine as the paths of photographs name it."""
    return folder if _of_windows(folder) else str(from_caller(folder))


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
