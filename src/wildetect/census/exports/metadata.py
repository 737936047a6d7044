"""eml.xml: what a data set is, in the Ecological Metadata Language; and what it still lacks.

Format: the GBIF metadata profile 1.1, https://rs.gbif.org/schema/eml-gbif-profile/1.1/
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import datetime

from wildetect.census.exports.citation import citation_of, digest_of
from wildetect.census.exports.darwin_core import ANY_ANIMAL, PROTOCOL
from wildetect.census.exports.form import Publication
from wildetect.census.output.record import CensusRecord
from wildetect.results.blurring import WITHHELD, Cell
from wildetect.settings.words import Licence
from wildetect.wording import form, listed, number_of, quoted

__all__ = ["eml_of", "remarks_on"]

_EML = "eml://ecoinformatics.org/eml-2.1.1"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_SCHEMA = "http://rs.gbif.org/schema/eml-gbif-profile/1.1/eml.xsd"
_NOT_STATED = "to be stated by the publisher"
_LICENCES: dict[Licence, tuple[str, str]] = {
    "CC0-1.0": ("Public Domain (CC0 1.0)", "publicdomain/zero/1.0"),
    "CC-BY-4.0": ("Creative Commons Attribution (CC-BY) 4.0 License", "licenses/by/4.0"),
    "CC-BY-NC-4.0": (
        "Creative Commons Attribution Non Commercial (CC-BY-NC) 4.0 License",
        "licenses/by-nc/4.0",
    ),
}


def eml_of(publication: Publication) -> str:
    """The document; without a named contact it is the pilot, or left to the publisher."""
    record, digest = publication.record, digest_of(publication.record)
    for prefix, space in (("eml", _EML), ("xsi", _XSI)):
        ET.register_namespace(prefix, space)
    root = ET.Element(
        f"{{{_EML}}}eml",
        {
            f"{{{_XSI}}}schemaLocation": f"{_EML} {_SCHEMA}",
            "packageId": digest,
            "system": "WildDetect",
            "scope": "system",
            "{http://www.w3.org/XML/1998/namespace}lang": "eng",
        },
    )
    data = ET.SubElement(root, "dataset")
    _text(data, "alternateIdentifier", digest)
    _text(data, "title", f"Animals in aerial photographs of the survey {record.campaign.id}")
    for role in ("creator", "metadataProvider"):
        _party(data, role, publication)
    _text(data, "pubDate", datetime.fromisoformat(record.times.started).date().isoformat())
    _text(data, "language", "eng")
    abstract = ET.SubElement(data, "abstract")
    for paragraph in _abstract(publication):
        _text(abstract, "para", paragraph)
    _rights(data, publication.keys.licence)
    _coverage(data, publication)
    _party(data, "contact", publication)
    _methods(data, record, digest)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False).join(
        ('<?xml version="1.0" encoding="UTF-8"?>\n', "\n")
    )


def remarks_on(publication: Publication) -> Iterator[str]:
    """What GBIF's validator, or a reader, would ask about an archive, for a person."""
    record = publication.record
    unnamed = sorted({publication.species_of(one) for one in publication.animals} - set(publication.taxa))
    if unnamed:
        yield (
            f"no scientific name for {listed(unnamed)}: written as {ANY_ANIMAL}; "
            f"name it: --taxon {quoted(f'{unnamed[0]}=Genus species')}"
        )
    timeless = sum(one.taken is None for one in record.photographs)
    if timeless:
        yield (
            f"{number_of(timeless, 'photograph')} "
            f"{form(timeless, 'does not say when it was', 'do not say when they were')} taken; "
            "GBIF asks for a date of each event"
        )
    if record.transects and not any(one.lines for one in record.photographs):
        yield "an earlier version took this census, so photographs name no transect: take it again for that"
    rejected = len(record.animals) - len(publication.animals)
    if rejected:
        yield (
            f"{rejected:,} of {number_of(len(record.animals), 'detection')} are left out, as people saw "
            "no animal there"
        )
    named = {
        "licence": publication.keys.licence,
        "contact": publication.keys.contact or publication.keys.organisation,
        "email": publication.keys.email,
    }
    missing = [name for name, given in named.items() if given is None]
    if missing:
        yield (
            f"eml.xml names no {listed(missing, last='or')}, without which GBIF takes nothing: "
            f"give {listed(f'publication.{name}' for name in missing)} in configs/census.yaml"
        )


def _abstract(publication: Publication) -> list[str]:
    record = publication.record
    doubts = [f"{one.what} {one.fix}" for one in record.cautions]
    return [
        (
            f"{number_of(len(publication.animals), 'different animal')} in "
            f"{number_of(len(record.photographs), 'photograph')}. The "
            "occurrences are the animals that were detected: without a correction they are not the number "
            "of animals that live there."
        ),
        *([f"{str(publication.grid).capitalize()}; {WITHHELD}."] if publication.grid else []),
        *doubts,
    ]


def _coverage(data: ET.Element, publication: Publication) -> None:
    record = publication.record
    coverage = ET.SubElement(data, "coverage")
    if record.photographs:
        places = [_around(publication, one.longitude, one.latitude) for one in record.photographs]
        ground = ET.SubElement(coverage, "geographicCoverage")
        _text(ground, "geographicDescription", f"Cameras of the survey {record.campaign.id}")
        box = ET.SubElement(ground, "boundingCoordinates")
        for side, degrees in (
            ("west", min(one.west for one in places)),
            ("east", max(one.east for one in places)),
            ("north", max(one.north for one in places)),
            ("south", min(one.south for one in places)),
        ):
            _text(box, f"{side}BoundingCoordinate", str(degrees))
    days = sorted(one.taken[:10] for one in record.photographs if one.taken)
    if days:
        between = ET.SubElement(ET.SubElement(coverage, "temporalCoverage"), "rangeOfDates")
        for name, day in (("beginDate", days[0]), ("endDate", days[-1])):
            _text(ET.SubElement(between, name), "calendarDate", day)


def _around(publication: Publication, longitude: float, latitude: float) -> Cell:
    """The cell of the grid, where places are coarsened; else the place alone."""
    if publication.grid is not None:
        return publication.grid.cell(longitude, latitude)
    return Cell(longitude, latitude, longitude, latitude)


def _methods(data: ET.Element, record: CensusRecord, digest: str) -> None:
    methods = ET.SubElement(data, "methods")
    for paragraph in citation_of(record, digest).splitlines():
        if paragraph:
            step = ET.SubElement(ET.SubElement(methods, "methodStep"), "description")
            _text(step, "para", paragraph)
    sampling = ET.SubElement(methods, "sampling")
    extent = ET.SubElement(ET.SubElement(sampling, "studyExtent"), "description")
    strata = listed((one.name for one in record.strata), none="no outline")
    _text(extent, "para", f"Strata: {strata}.")
    described = ET.SubElement(sampling, "samplingDescription")
    _text(described, "para", f"{PROTOCOL}; {number_of(len(record.transects), 'transect')}.")


def _rights(data: ET.Element, licence: Licence | None) -> None:
    """In the form that GBIF's machines read (GBIF metadata profile, section intellectualRights)."""
    if licence is None:
        return
    title, path = _LICENCES[licence]
    rights = ET.SubElement(ET.SubElement(data, "intellectualRights"), "para")
    rights.text = "This work is licensed under a "
    link = ET.SubElement(rights, "ulink", {"url": f"http://creativecommons.org/{path}/legalcode"})
    _text(link, "citetitle", title)
    link.tail = "."


def _party(parent: ET.Element, role: str, publication: Publication) -> None:
    keys, party = publication.keys, ET.SubElement(parent, role)
    person = keys.contact or (None if keys.organisation else publication.record.campaign.pilot_name)
    if person:
        _text(ET.SubElement(party, "individualName"), "surName", person)
    if keys.organisation or not person:
        _text(party, "organizationName", keys.organisation or _NOT_STATED)
    if keys.email:
        _text(party, "electronicMailAddress", keys.email)


def _text(parent: ET.Element, tag: str, text: str) -> None:
    # XML has no place for control characters, whatever names of files and surveys hold
    ET.SubElement(parent, tag).text = "".join(sign for sign in text if sign >= " " or sign in "\t\n")
