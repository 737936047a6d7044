"""The pictures of a run as a data set that has a name and a digest, for MLflow and run.json."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wildetect.remote.place import Place
from wildetect.results.pictures.stamps import Stamp
from wildetect.wording import listed

__all__ = ["DataSet", "PictureSet"]


@dataclass(frozen=True, slots=True)
class DataSet:
    """What run.json says of the pictures of a run.

    Attributes:
        name: What a person calls them.
        digest: Changes with names, sizes and times of the files.
        sources: Files and folders that the user named.
    """

    name: str = "pictures"
    digest: str = ""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PictureSet:
    """The pictures that a run is about.

    Attributes:
        sources: What the user named: files, folders, addresses.
        stamps: Size and time of each picture's file by the picture's name; None where there is no file.
    """

    sources: Sequence[Place]
    stamps: Mapping[str, Stamp | None]

    @property
    def name(self) -> str:
        """Name of the first source, and how many more there are."""
        return listed((source.name or source for source in self.sources), most=1, none="pictures")

    @property
    def digest(self) -> str:
        """sha256 of names, sizes and times: another one if a picture came, went or was changed.

        Not of the pixels: 10,000 photographs would have to be read twice.
        """
        digest = hashlib.sha256()
        for name, stamp in sorted(self.stamps.items()):
            line = "\0".join([name, *map(str, stamp.document if stamp else ("gone",))]) + "\n"
            digest.update(line.encode("utf-8", errors="backslashreplace"))
        return digest.hexdigest()

    def named(self) -> DataSet:
        """What run.json says of it."""
        return DataSet(self.name, self.digest, tuple(str(path) for path in self.sources))
