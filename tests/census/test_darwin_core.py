"""dwc-archive.zip, read as GBIF's validator reads it: by its meta.xml alone."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.census.conftest import Surveyed
from tests.workspaces import Workspace

from wildetect.census.exports.archive import write_archive
from wildetect.census.exports.form import Identified, Publication
from wildetect.census.exports.metadata import remarks_on
from wildetect.census.output.record import CensusRecord, read_census_file

TEXT = "{http://rs.tdwg.org/dwc/text/}"
DWC, ECO = "http://rs.tdwg.org/dwc/terms/", "http://rs.tdwg.org/eco/terms/"
DATE = re.compile(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?)?(/\d{4}-\d\d-\d\d)?")
Rows = list[dict[str, str]]


def tables_of(path: Path) -> dict[str, Rows]:
    """The rows of each row type, by full names of the terms; the link to the core is "core"."""
    found: dict[str, Rows] = {}
    with zipfile.ZipFile(path) as archive:
        root = ET.fromstring(archive.read("meta.xml"))  # noqa: S314 - our own file
        assert root.get("metadata") == "eml.xml"
        for table in root:
            assert (table.get("fieldsTerminatedBy"), table.get("linesTerminatedBy")) == (r"\t", r"\n")
            assert (table.get("ignoreHeaderLines"), table.get("fieldsEnclosedBy")) == ("1", "")
            terms = {int(one.get("index", "")): one.get("term", "") for one in table.iter(f"{TEXT}field")}
            link = table.find(f"{TEXT}{'id' if table.tag == f'{TEXT}core' else 'coreid'}")
            assert link is not None
            name = table.findtext(f"{TEXT}files/{TEXT}location") or ""
            head, *lines = archive.read(name).decode("utf-8").removesuffix("\n").split("\n")
            columns = head.split("\t")
            rows: Rows = []
            for line in lines:
                cells = line.split("\t")
                assert len(cells) == len(columns)
                rows.append({term: cells[index] for index, term in terms.items()})
                rows[-1]["core"] = cells[int(link.get("index", ""))]
            assert all(columns[index] == term.rpartition("/")[2] for index, term in terms.items())
            found[table.get("rowType", "")] = rows
    return found


def written(path: Path, record: CensusRecord, **changes: object) -> dict[str, Rows]:
    given = {"taxa": {"elephant": "Loxodonta africana"}, "identified": {}, **changes}
    write_archive(path, Publication(record, **given))  # type: ignore[arg-type]
    return tables_of(path)


@pytest.fixture(scope="module")
def tables(surveyed: Surveyed, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    return written(tmp_path_factory.mktemp("dwc") / "a.zip", read_census_file(surveyed.folder))


def test_counts_are_those_of_the_census(surveyed: Surveyed, tables: dict[str, Rows]) -> None:
    document = surveyed.document
    events, occurrences = tables[f"{DWC}Event"], tables[f"{DWC}Occurrence"]
    kinds = [one[f"{DWC}eventType"] for one in events]
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "Survey": 1,
        "Stratum": len(document["strata"]),
        "Transect": len(document["transects"]),
        "Photograph": document["counts"]["photographs"],
    }
    for name, number in document["counts"]["per_class"].items():
        assert sum(one[f"{DWC}vernacularName"] == name for one in occurrences) == number
    assert sum(int(one[f"{DWC}individualCount"]) for one in occurrences) == document["counts"]["animals"]


def test_the_rules_of_the_validator_hold(tables: dict[str, Rows]) -> None:
    events, occurrences = tables[f"{DWC}Event"], tables[f"{DWC}Occurrence"]
    ids = [one[f"{DWC}eventID"] for one in events]
    assert len(set(ids)) == len(ids)
    # each event follows the one that it belongs to; the survey alone belongs to none
    for number, one in enumerate(events):
        assert one[f"{DWC}parentEventID"] in (ids[:number] if number else [""])
        assert DATE.fullmatch(one[f"{DWC}eventDate"]), one
        assert one[f"{DWC}samplingProtocol"]
        assert float(one[f"{DWC}sampleSizeValue"]) > 0
        assert one[f"{DWC}sampleSizeUnit"]
    assert len({one[f"{DWC}occurrenceID"] for one in occurrences}) == len(occurrences) > 0
    for one in occurrences:
        assert one["core"] in ids
        assert one[f"{DWC}basisOfRecord"] == "MachineObservation"
        assert one[f"{DWC}occurrenceStatus"] == "present"
        assert -90 <= float(one[f"{DWC}decimalLatitude"]) <= 90
        assert -180 <= float(one[f"{DWC}decimalLongitude"]) <= 180
        assert one[f"{DWC}geodeticDatum"] == "EPSG:4326"
        assert 0 < int(one[f"{DWC}coordinateUncertaintyInMeters"]) < 100
        assert DATE.fullmatch(one[f"{DWC}eventDate"])
        assert one[f"{DWC}scientificName"] in {"Loxodonta africana", "Animalia"}
    assert {one["core"] for one in tables[f"{ECO}Event"]} <= set(ids)


def test_effort_and_absences_are_those_of_the_transects(surveyed: Surveyed, tables: dict[str, Rows]) -> None:
    transects = surveyed.document["transects"]
    survey, *_ = rows = tables[f"{ECO}Event"]
    assert float(survey[f"{ECO}samplingEffortValue"]) == pytest.approx(
        sum(one["length_km"] for one in transects)
    )
    by_event = {one["core"].rpartition(":")[2]: one for one in rows if ":transect:" in one["core"]}
    assert len(by_event) == len(transects)
    names = {"elephant": "Loxodonta africana"}
    for one in transects:
        row = by_event[one["name"]]
        assert float(row[f"{ECO}totalAreaSampledValue"]) == one["searched_km2"]
        absent = [names.get(name, name) for name, number in one["per_class"].items() if not number]
        assert set(absent) <= set(row[f"{ECO}absentTaxa"].split(" | "))
        present = [names.get(name, name) for name, number in one["per_class"].items() if number]
        assert not set(present) & set(row[f"{ECO}absentTaxa"].split(" | "))


def test_a_photograph_belongs_to_its_transect(surveyed: Surveyed, tables: dict[str, Rows]) -> None:
    parents = [
        one[f"{DWC}parentEventID"]
        for one in tables[f"{DWC}Event"]
        if one[f"{DWC}eventType"] == "Photograph" and ":transect:" in one[f"{DWC}parentEventID"]
    ]
    assert len(parents) == sum(bool(one.lines) for one in surveyed.record.photographs) > 0
    numbers = {f"{one.stratum}/{one.name}": one.photographs for one in surveyed.record.transects}
    for one in surveyed.record.photographs:
        for line in one.lines:
            numbers[f"{line.stratum}/{line.transect}"] -= 1
    assert set(numbers.values()) == {0}


def test_people_identify_and_reject(surveyed: Surveyed, tmp_path: Path) -> None:
    record = read_census_file(surveyed.folder)
    first, second = record.animals[:2]
    said = {
        first.animal: Identified(("Ann", "Ben"), "zebra"),
        second.animal: Identified(("Ann",), None),
    }
    rows = written(tmp_path / "a.zip", record, identified=said)[f"{DWC}Occurrence"]
    assert len(rows) == len(record.animals) - 1
    assert rows[0][f"{DWC}identifiedBy"] == "Ann | Ben"
    assert rows[0][f"{DWC}vernacularName"] == "zebra"
    assert rows[0][f"{DWC}identificationVerificationStatus"] == "verified by a person"
    assert first.species in rows[0][f"{DWC}identificationRemarks"]
    assert rows[1][f"{DWC}identificationVerificationStatus"] == "unverified"
    assert record.model.sha256[:12] in rows[1][f"{DWC}identifiedBy"]
    remarks = "\n".join(remarks_on(Publication(record, {}, said)))
    assert f"1 of {len(record.animals)} detections are left out" in remarks
    assert "no scientific name for" in remarks


def test_ids_stay_when_other_animals_come_and_go(surveyed: Surveyed, tmp_path: Path) -> None:
    record = read_census_file(surveyed.folder)
    fewer = [replace(one, animal=one.animal - 1) for one in record.animals[1:]]
    all_ids = [one[f"{DWC}occurrenceID"] for one in written(tmp_path / "a.zip", record)[f"{DWC}Occurrence"]]
    ids = written(tmp_path / "b.zip", replace(record, animals=tuple(fewer)))[f"{DWC}Occurrence"]
    assert [one[f"{DWC}occurrenceID"] for one in ids] == all_ids[1:]


def test_the_same_census_makes_the_same_bytes_and_names_are_escaped(
    surveyed: Surveyed, tmp_path: Path
) -> None:
    record = read_census_file(surveyed.folder)  # of the survey "Kwando <1>"
    written(tmp_path / "a.zip", record)
    written(tmp_path / "b.zip", record)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        data = ET.fromstring(archive.read("eml.xml"))[0]  # noqa: S314 - our own file
    assert "Kwando <1>" in (data.findtext("title") or "")
    order = [one.tag for one in data]
    assert order == sorted(order, key=ORDER.index)


def test_who_answers_for_the_data_and_its_licence_come_from_the_settings(
    surveyed: Surveyed, tmp_path: Path
) -> None:
    workspace = Workspace.make(tmp_path / "project")
    config = workspace.root / "configs" / "census.yaml"
    words = ("census.export", surveyed.folder, "--format", "dwc", "--output")
    before = workspace.invoke(*words, tmp_path / "without")
    assert before.returncode == 0, before.stderr
    assert "names no licence, contact or email, without which GBIF takes nothing" in before.stderr
    assert "give publication.licence, publication.contact and publication.email" in before.stderr
    text = config.read_text(encoding="utf-8")
    for key, value in {
        "contact": "Nandi Müller",
        "email": "nandi@park.example",
        "organisation": "The Park",
        "licence": "CC-BY-4.0",
        "taxa": "{elephant: Loxodonta africana, zebra: Equus quagga}",
    }.items():
        text, times = re.subn(rf"(?m)^  {key}: (null|{{}})$", f"  {key}: {value}", text)
        assert times == 1
    config.write_text(text, encoding="utf-8")
    after = workspace.invoke(*words, tmp_path / "with", "--taxon", "zebra=Equus zebra")
    assert after.returncode == 0, after.stderr
    assert "GBIF" not in after.stderr
    archive = tmp_path / "with" / "dwc-archive.zip"
    names = {one[f"{DWC}scientificName"] for one in tables_of(archive)[f"{DWC}Occurrence"]}
    assert names == {"Loxodonta africana", "Equus zebra", "Animalia"}
    with zipfile.ZipFile(archive) as file:
        data = ET.fromstring(file.read("eml.xml"))[0]  # noqa: S314 - our own file
    order = [one.tag for one in data]
    assert order == sorted(order, key=ORDER.index)
    contact = data.find("contact")
    assert contact is not None
    assert [one.tag for one in contact] == ["individualName", "organizationName", "electronicMailAddress"]
    assert data.findtext("contact/individualName/surName") == "Nandi Müller"
    link = data.find("intellectualRights/para/ulink")
    assert link is not None
    assert link.get("url") == "http://creativecommons.org/licenses/by/4.0/legalcode"
    config.write_text(text.replace("CC-BY-4.0\n", "CC-BY-SA-4.0\n"), encoding="utf-8")
    error, _ = workspace.fail(2, *words, tmp_path / "wrong")
    assert "CC-BY-NC-4.0" in error


# of the GBIF metadata profile: its schema takes the parts in this order alone
ORDER = [
    *("alternateIdentifier", "title", "creator", "metadataProvider", "pubDate", "language", "abstract"),
    *("intellectualRights", "coverage", "contact", "methods"),
]
