"""configs/census.yaml: what was surveyed, how animals are counted once, where the numbers go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, model_validator

from wildetect.settings.detection import DetectionKeys, DetectionSettings, Logging, Output, Sensitive, as_list
from wildetect.settings.keys import Keys, NoEffect, SectionKeys
from wildetect.settings.names import folder_name
from wildetect.settings.problems import Key, share_meant
from wildetect.settings.words import Licence, OtherPositions

__all__ = [
    "Availability",
    "Campaign",
    "CensusExport",
    "CensusSettings",
    "Corrections",
    "Planning",
    "PublicationKeys",
    "SurveyKeys",
    "same_animals",
]

DISTANCE_DECIDES = NoEffect("the distance on the ground decides which boxes are one animal")
NOT_SENT = NoEffect("results are not sent to FiftyOne; animals.geojson and detections/coco.json open in it")


def _share(value: object, name: str = "") -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = -1.0
    if isinstance(value, bool) or not 0 <= number <= 1:
        raise ValueError(f"{name}must be a number from 0 to 1{share_meant(value)}")
    return number


def _one_or_each(value: Any) -> Any:
    """One number for all classes, or one for each; a union alone would report every mistake twice."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        return {str(name): _share(one, f"{name}: ") for name, one in value.items()}
    return _share(value)


Confidence = Annotated[float | dict[str, float] | None, BeforeValidator(_one_or_each)]


class Campaign(Keys):
    """Which survey it is."""

    id: str = Field(min_length=1, description="names the output folder, too")
    pilot_name: str | None = Field(None, description="who flew; stands in the report")
    target_species: Annotated[
        list[str] | None, BeforeValidator(as_list, json_schema_input_type=list[str] | str | None)
    ] = Field(None, description="classes to count; null: all")
    roll_up: dict[str, list[str]] = Field(
        default_factory=dict,
        description="classes that count as one species: {elephant: [cow, calf]}",
    )


def same_animals(names: Iterable[str], roll_up: Mapping[str, Sequence[str]]) -> list[str]:
    """Find the other words for these animals: the classes of a species, and what a class counts as.

    Args:
        names: Classes and species, in capitals or not.
        roll_up: Classes by species.

    Returns:
        The names, then the others.
    """
    given = list(names)
    meant = {name.casefold() for name in given}
    for species, classes in roll_up.items():
        if species.casefold() in meant:
            given.extend(classes)
        elif any(name.casefold() in meant for name in classes):
            given.append(species)
    return list(dict.fromkeys(given))


class Availability(Keys):
    """Share of a species that a photograph can show: the others stand under trees, dive or hide."""

    p: float = Field(gt=0, le=1, allow_inf_nan=False, description="share that can be seen, above 0, up to 1")
    se: float = Field(0.0, ge=0, allow_inf_nan=False, description="standard error of p")


class Corrections(Keys):
    """What is wrong in the tags of all photographs alike, as the overlaps tell it or the pilot knows it."""

    yaw: float = Field(
        0.0, ge=-360, le=360, allow_inf_nan=False, description="degrees that are added to every yaw"
    )
    fixed_yaw: float | None = Field(
        None, ge=-360, le=360, allow_inf_nan=False, description="the one yaw of all photographs; null: theirs"
    )
    scale: float = Field(
        1.0, gt=0, le=10, allow_inf_nan=False, description="every height above the ground is multiplied by it"
    )
    yaw_reversed: bool = Field(False, description="yaws count counter-clockwise: each gets the other sign")
    positions: OtherPositions | None = Field(
        None, description="latitudes, longitudes or both get the other sign, or the two are swapped; null: no"
    )
    clock: float = Field(
        0.0,
        ge=-86400,
        le=86400,
        allow_inf_nan=False,
        description="s; positions are taken so much later on the way flown, as by a clock that was slow",
    )


class SurveyKeys(Keys):
    """How animals are counted once, and the design of the survey."""

    detections: Path | None = Field(None, description="folder of a finished detect.run; null: detect first")
    tolerance: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        examples=[2],
        description="m; boxes nearer are one animal; null: from the tags",
    )
    confidence: Confidence = Field(
        None, examples=[0.3], description="boxes below do not count; one number or one a class"
    )
    strata: Path | None = Field(None, description="areas, as GeoJSON, GeoPackage, Shapefile or CSV")
    transects: Path | None = Field(None, description="lines or photographs of each transect; null: found")
    strata_name: str | None = Field(None, min_length=1, description="column with their names; null: found")
    transects_name: str | None = Field(None, min_length=1, description="column with their names; null: found")
    trained_gsd: float | None = Field(
        None, gt=0, description="cm/px of the photographs that the model was trained on; null: not compared"
    )
    terrain: Path | None = Field(None, description="heights of the ground above sea, a GeoTIFF")
    corrections: Corrections = Field(
        default_factory=Corrections, description="of what all photographs say alike: {yaw: -10.0}"
    )
    availability: dict[str, Availability] = Field(
        default_factory=dict,
        description="share of each species that can be seen: {elephant: {p: 0.85, se: 0.05}}",
    )

    def confidence_of(self, class_name: str) -> float:
        """The least confidence at which a box of a class counts; 0 where none is set."""
        chosen = self.confidence
        if isinstance(chosen, Mapping):
            chosen = chosen.get(class_name)
        return 0.0 if chosen is None else float(chosen)


class CensusDetection(DetectionKeys):
    """The keys of configs/detection.yaml, for the detection that comes first."""

    merging_iou_threshold: Annotated[float | None, DISTANCE_DECIDES] = None
    merging_min_overlap_threshold: Annotated[float | None, DISTANCE_DECIDES] = None


class CensusExport(Keys):
    """Where the results go, and what is made of them."""

    output_directory: Path | None = Field(None, description="null: results/ and the campaign's id")
    create_map: bool = Field(True, description="draw the map in the report")
    to_fiftyone: Annotated[bool, NOT_SENT] = False
    export_to_labelstudio: bool = Field(False, description="the detections as a file for Label Studio, too")


class Planning(Keys):
    """What census.plan aims at."""

    cv: float = Field(
        0.2, gt=0, le=1, description="wanted coefficient of variation: standard error / estimate"
    )


class PublicationKeys(Keys):
    """What census.export says of a data set besides its numbers."""

    contact: str | None = Field(None, min_length=1, description="who answers for the data; null: the pilot")
    email: str | None = Field(
        None, pattern=r"^[^@\s]+@[^@\s]+$", description="where the contact is reached; it is published"
    )
    organisation: str | None = Field(None, min_length=1, description="whose data they are")
    licence: Licence | None = Field(None, description="what others may do with them; GBIF takes none without")
    taxa: dict[str, str] = Field(
        default_factory=dict, description="scientific names of classes: {elephant: Loxodonta africana}"
    )


class _Detection(DetectionSettings):
    """The settings of the detection that comes first, as the library takes them."""

    file: ClassVar[str] = "configs/census.yaml (under detection:)"


class CensusSettings(SectionKeys):
    """configs/census.yaml."""

    section: ClassVar[str] = "census"
    file: ClassVar[str] = "configs/census.yaml"

    campaign: Campaign
    survey: SurveyKeys = SurveyKeys()
    detection: CensusDetection = CensusDetection()
    plan: Planning = Planning()
    export: CensusExport = CensusExport()
    publication: PublicationKeys = PublicationKeys()
    sensitive: Sensitive = Sensitive()
    logging: Logging = Logging()

    @model_validator(mode="before")
    @classmethod
    def _name_the_key_that_is_missing(cls, values: Any) -> Any:
        return {**values, "campaign": values.get("campaign") or {}} if isinstance(values, dict) else values

    @classmethod
    def without_file(cls, given: Mapping[Key, object]) -> dict[str, Any]:
        """A run that was copied to another machine lends its folder's name to the census of it."""
        run = Path(str(given.get(("survey", "detections")) or "")).name
        return {"campaign": {"id": f"{run}-census".lstrip("-")}}

    @property
    def output(self) -> Path:
        """The folder of the results, as it is given or as the campaign's id makes it."""
        return self.export.output_directory or Path("results") / folder_name(self.campaign.id)

    def detection_into(self, folder: Path) -> DetectionSettings:
        """The settings of a detection run with these keys and this output folder."""
        given = {name: getattr(self.detection, name) for name in DetectionKeys.model_fields}
        exports = ["labelstudio"] if self.export.export_to_labelstudio else []
        output = Output.model_validate({"directory": folder, "exports": exports})
        species = same_animals(self.sensitive.species, self.campaign.roll_up)
        sensitive = self.sensitive.model_copy(update={"species": species})
        return _Detection(**given, output=output, sensitive=sensitive, logging=self.logging)
