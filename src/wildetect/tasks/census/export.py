"""The task that writes a census in the forms in which numbers leave the house."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context

from wildetect.settings.words import CENSUS_EXPORTS
from wildetect.tasks.support import emit, say, verb
from wildetect.wording import listed

__all__ = ["export"]


@verb(
    help={
        "census": "folder of a finished census; several are added up in aed.csv",
        "format": f"what to write: {listed(CENSUS_EXPORTS, last='or')}; may be given more than once",
        "output": "folder of the files; without it, export/ in that of the first census",
        "species": "the class that aed.csv is about; without it all whose name holds elephant",
        "taxon": "scientific name of a class for dwc, as 'elephant=Loxodonta africana'; one for each class",
        "blur": "coarsen all coordinates to cells of at least so many km, into export-blurred/; or none",
        "json": "the files written and the remarks on them, on stdout",
    },
    paths="census",
    values={"format": CENSUS_EXPORTS},
    iterable=["census", "format", "taxon"],
)
def export(
    context: Context,
    census: list[str] | None = None,
    format: list[str] | None = None,  # noqa: A002 - the option's name
    output: str | None = None,
    species: str | None = None,
    taxon: list[str] | None = None,
    blur: str | None = None,
    json: bool = False,
) -> None:
    """Write a census for others: tables, GBIF, citation.

    aed.csv has the columns of the African Elephant Database, dwc-archive.zip is for GBIF, census.xlsx holds
    every table of a census (with several, census-2.xlsx and so on), summary.html is one page to print,
    citation.txt what to write in a report.
    """
    del context
    from wildetect.settings import Project
    from wildetect.settings.project import from_caller, given_path
    from wildetect.workflows.publishing import PublishRequest, publish, said_of_publishing

    sensitive, publication = said_of_publishing(Project.find())
    written = publish(
        PublishRequest(
            folders=tuple(Path(from_caller(one)) for one in census or ()),
            formats=tuple(format or ()),
            output=given_path(output),
            species=species,
            taxa=tuple(taxon or ()),
            blur=blur,
            sensitive=sensitive,
            publication=publication,
        )
    )
    if json:
        emit({"files": [str(path) for path in written.files], "remarks": list(written.remarks)})
        return
    for path in written.files:
        print(path)
    for remark in written.remarks:
        say(f"note: {remark}")
