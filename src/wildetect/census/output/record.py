"""census.json: everything that a census found, and what it rests on.

`CensusRecord` is its content, of the parts in module parts. `write_census_file` is the one writer,
`read_census_file` the one reader; it takes the files of earlier versions, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from wildetect.census.cautions.caution import Caution
from wildetect.census.estimates.methods.table import COMPLETE
from wildetect.census.estimates.notes import none_of
from wildetect.census.estimates.sample_records import ALL_STRATA
from wildetect.census.merging.records import (
    EmptyPlaceRecord,
    MergingRecord,
    NearMissRecord,
    OverlapRecord,
)
from wildetect.census.output.parts import (
    AnimalRecord,
    Campaign,
    CensusTimes,
    CorrectedRecord,
    CountAtConfidence,
    Counts,
    DetectionsRecord,
    DetectorRecord,
    EstimateRecord,
    MergeRecord,
    PhotographRecord,
    SamplingRecord,
    SpeciesSummary,
    StratumRecord,
    ToleranceRecord,
    TransectRecord,
)
from wildetect.census.result import LeftOut
from wildetect.errors import InputError
from wildetect.how_far import doing
from wildetect.results.files import along, write_text
from wildetect.results.run_parts import BlurredFiles, Logged, RunModel
from wildetect.wording import quoted

__all__ = ["CensusRecord", "cited_model", "read_census_file", "record_from", "write_census_file"]

# one item a line: what is long is still read by people, and quick to write
_LONG = (
    *("animals", "confidence", "merges", "photographs", "transects", "strata", "estimates"),
    *("corrected", "left_out", "cautions", "near_misses", "empty_places", "overlaps"),
)
_LONGEST = ("animals", "empty_places", "merges", "near_misses", "overlaps", "photographs")
_COUNTED = ("photographs", "transects", "strata", "estimates", "animals")
_NEEDED = {"estimates", "transects", "strata"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CensusRecord:
    """The content of census.json, in its order.

    Attributes:
        state: "finished".
        campaign: Who flew what.
        summary: Detected, reviewed and corrected numbers by species; "all" for all together.
        not_corrected: Why no number is corrected; null where some are.
        counts: Numbers of the whole census.
        tolerance: How near two boxes must be to be one animal.
        merging: How well the boxes of overlapping photographs were joined; null in files of earlier versions.
        confidence: The numbers by confidence.
        estimates: Estimates of each species and of all, in each stratum and in all.
        corrected: The same as a review sets them right; none without one.
        strata: The strata.
        transects: The transects.
        sampling: Where they come from.
        cautions: What to know before the numbers are used.
        left_out: Photographs without a place on the ground.
        detections: The run that was counted in.
        model: The detector of it.
        detector: What is known of the detector; null in files of earlier versions.
        settings: What shapes the numbers, by name.
        projection: Projection of all metres.
        times: When, and how long.
        versions: Versions of this program, Python and packages.
        mlflow: Where it is logged; null until then.
        files: Names of the files written, relative to the folder.
        digests: The sha256 of those that people may change, as they were written, by name.
        photographs: Where each looks.
        merges: Pairs of boxes that were taken for one animal.
        near_misses: Pairs of boxes that nearly were one animal, the nearest first.
        empty_places: Animals that a second photograph should show, and does not.
        overlaps: Each two photographs with boxes on common ground, the most partners missing first.
        animals: Each animal.
        sensitive: Classes whose exact places stay in the output folder.
        blurred: The files for others, with coarsened places; null where there are none.
        places_km: Least side of the cells that the places here are coarsened to; null where they are exact.
    """

    state: str = "finished"
    campaign: Campaign = field(default_factory=lambda: Campaign(""))
    summary: Mapping[str, SpeciesSummary] = field(default_factory=dict)
    not_corrected: str | None = None
    counts: Counts = field(default_factory=lambda: Counts(0, 0, 0, {}))
    tolerance: ToleranceRecord = field(default_factory=lambda: ToleranceRecord(0.0, ""))
    merging: MergingRecord | None = None
    confidence: tuple[CountAtConfidence, ...] = ()
    estimates: tuple[EstimateRecord, ...]
    corrected: tuple[CorrectedRecord, ...] = ()
    strata: tuple[StratumRecord, ...]
    transects: tuple[TransectRecord, ...]
    sampling: SamplingRecord = field(default_factory=SamplingRecord)
    cautions: tuple[Caution, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    detections: DetectionsRecord = field(default_factory=lambda: DetectionsRecord(folder="", started=""))
    model: RunModel = field(default_factory=lambda: RunModel(class_names=()))
    detector: DetectorRecord | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    projection: str = ""
    times: CensusTimes = field(default_factory=lambda: CensusTimes(""))
    versions: Mapping[str, str] = field(default_factory=dict)
    mlflow: Logged | None = None
    files: tuple[str, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    photographs: tuple[PhotographRecord, ...] = ()
    merges: tuple[MergeRecord, ...] = ()
    near_misses: tuple[NearMissRecord, ...] = ()
    empty_places: tuple[EmptyPlaceRecord, ...] = ()
    overlaps: tuple[OverlapRecord, ...] = ()
    animals: tuple[AnimalRecord, ...] = ()
    sensitive: tuple[str, ...] = ()
    blurred: BlurredFiles | None = None
    places_km: float | None = None

    def counted(self) -> dict[str, Any]:
        """What was counted, and where, as JSON has it: of two censuses that agree in it all numbers do."""
        document = self.document()
        for photograph in document["photographs"]:
            del photograph["lines"]  # follows from the rest, and earlier versions have none
        return {name: document[name] for name in _COUNTED}

    @property
    def headlines(self) -> list[EstimateRecord]:
        """Estimates of the whole survey: the species of which most were detected first, all together last."""
        found = [one for one in self.estimates if one.stratum == ALL_STRATA]
        return sorted(found, key=lambda one: (one.species is None, -one.detected))

    @property
    def searched_for(self) -> list[str]:
        """The species that the census would have counted, whether or not any was there."""
        return list(self.campaign.target_species or self.model.class_names or self.counts.per_class)

    def headline_of(self, species: str) -> EstimateRecord | None:
        """The estimate of one species in the whole survey: 0 where none was found; null: not searched for."""
        found = self.headlines
        for one in found:
            if one.species == species:
                return one
        if not found or species not in self.searched_for:
            return None
        together = found[-1]  # whose design is that of each species
        known, total = together.estimate is not None, together.method in COMPLETE
        return replace(
            together,
            species=species,
            detected=0,
            counted=0,
            estimate=0.0 if known else None,
            standard_error=0.0 if total else None,
            lower=None,
            upper=None,
            degrees_of_freedom=None,
            density_per_km2=0.0,
            refusal=together.refusal if total or not known else none_of(species),
            limits=(),
            limits_hold=None,
            doubt=None,
            notes=(),
        )

    def document(self) -> dict[str, Any]:
        """Return the record as JSON has it."""
        made: dict[str, Any] = _adapter().dump_python(self)
        made["estimates"] = [_first(one, "species", "stratum") for one in made["estimates"]]
        made["cautions"] = [_first(one, "kind", "what", "files") for one in made["cautions"]]
        return made

    def short_document(self) -> dict[str, Any]:
        """Return the document without its longest lists: what `--json` prints."""
        return {name: value for name, value in self.document().items() if name not in _LONGEST}


def _first(item: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Put some parts of an item first, as a person reads the line."""
    return {**{name: item[name] for name in names}, **item}


@cache
def _adapter() -> TypeAdapter[CensusRecord]:
    return TypeAdapter(CensusRecord)


@doing("census.json is written")
def write_census_file(folder: Path, record: CensusRecord) -> None:
    """Write census.json, whole or not at all.

    Raises:
        InputError: It cannot be written.
    """
    write_text(folder / "census.json", _pieces(record.document()))


def _pieces(document: Mapping[str, Any]) -> Iterator[str]:
    yield "{"
    for number, (name, value) in enumerate(document.items()):
        yield f"{',' if number else ''}\n{json.dumps(name)}: "
        if name in _LONG and value:
            lines = (json.dumps(one, ensure_ascii=False, allow_nan=False) for one in value)
            yield "[\n" + ",\n".join(lines) + "\n]"
        else:
            yield json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2)
    yield "\n}\n"


@doing("a census is read")
def read_census_file(folder: Path) -> CensusRecord:
    """Read the census.json that a census left.

    Args:
        folder: Folder of the census; the file itself will do.

    Raises:
        InputError: There is none, or it is not that of a census.
    """
    path = folder if folder.is_file() else folder / "census.json"
    try:
        record = record_from(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise InputError(
            f"there is no census in {folder}: {path.name} cannot be read",
            hint=_to_take(folder),
        ) from error
    except ValueError as error:
        raise InputError(f"{path} is not the census.json of a census", hint=_to_take(path.parent)) from error
    return replace(record, detections=_where_it_is(record.detections, path.parent))


def cited_model(path: Path) -> RunModel | None:
    """Read only from which model the boxes of a census are; null where the file does not tell.

    Whatever else is wrong with the file, as with that of a version yet to come, the model is found.
    """
    try:
        model = json.loads(path.read_text(encoding="utf-8"))["model"]
        return RunModel(
            name=model["name"], version=str(model["version"]), sha256=model["sha256"], class_names=()
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _where_it_is(run: DetectionsRecord, census: Path) -> DetectionsRecord:
    """The run of a census, where it lies now: both may have been moved together."""
    if run.from_here is None or (Path(run.folder) / "run.json").is_file():
        return run
    here = along(census, run.from_here)
    return replace(run, folder=str(here)) if (here / "run.json").is_file() else run


def _to_take(folder: Path) -> str:
    """How one comes to the census that was looked for: its folder, or the command that takes it."""
    below = sorted(folder.glob("*/census.json"))
    if below:
        return f"Its folder is {below[0].parent}"
    if (folder / "run.json").is_file():
        run = f"--detections {quoted(str(folder))} --output {quoted(str(folder / 'census'))}"
        return f"Take the census of this run: uv run invoke census.run {run}"
    return "Take one first: uv run invoke census.run --detections FOLDER, that of a finished detect.run"


def record_from(document: object) -> CensusRecord:
    """Take a census from what its census.json holds; what an earlier version did not write has its default.

    Raises:
        ValueError: It is not the content of a census.json.
    """
    if not isinstance(document, dict) or not set(document) >= _NEEDED:
        raise ValueError("not the content of a census.json")
    try:
        return _adapter().validate_python(_renamed(document))
    except (ValidationError, TypeError, AttributeError) as error:
        raise ValueError(f"not the content of a census.json: {error}") from error


def _renamed(document: Mapping[str, Any]) -> dict[str, Any]:
    """Give parts that earlier versions wrote under other names those of today."""
    estimates = _each(document["estimates"], number_seen="detected")
    cautions = _each(document.get("cautions", ()), message="what")
    return {**document, "estimates": estimates, "cautions": cautions}


def _each(items: Sequence[Mapping[str, Any]], **names: str) -> list[dict[str, Any]]:
    return [{names.get(name, name): value for name, value in one.items()} for one in items]
