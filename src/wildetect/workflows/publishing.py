"""A finished census in the forms in which numbers leave the house, as files of a folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from wildetect.census.counting.roll_up import species_by_class
from wildetect.census.exports.form import CensusForm, ExportedCensuses, Identified, Publication
from wildetect.census.exports.table import FORMS
from wildetect.census.output.blurring import blurred
from wildetect.census.output.parts import AnimalRecord
from wildetect.census.output.record import CensusRecord, read_census_file
from wildetect.errors import ConfigurationError, WildDetectError
from wildetect.how_far import through
from wildetect.results.blurring import Grid, Places
from wildetect.results.files import make_folder
from wildetect.results.finished_run import read_finished_run
from wildetect.results.journal.command import Command
from wildetect.results.leftovers import remove_drafts
from wildetect.results.rows import PX_DIGITS
from wildetect.review.identified import Looked, looked_at
from wildetect.review.sample import read_review
from wildetect.settings import Project, load_settings
from wildetect.settings.census import CensusSettings, PublicationKeys
from wildetect.settings.detection import DetectionSettings, Sensitive
from wildetect.settings.problems import one_of
from wildetect.settings.words import CENSUS_EXPORTS
from wildetect.wording import listed, quoted

__all__ = [
    "Identifications",
    "PublishRequest",
    "Published",
    "identifications",
    "publish",
    "said_of_publishing",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishRequest:
    """What to write.

    Attributes:
        folders: Folders of finished censuses.
        formats: Words of `CENSUS_EXPORTS`.
        output: Folder of the files; null: export/ in that of the first census.
        species: The class that aed.csv is about; null: all whose name holds "elephant".
        taxa: Scientific names as "class=name".
        blur: Least side in km of the cells that places are coarsened to; "none": exact ones; null: the
            species decide.
        sensitive: Species for which places are coarsened, as the settings have them.
        publication: Who answers for the data, and more, as the settings have it.
    """

    folders: tuple[Path, ...]
    formats: tuple[str, ...]
    output: Path | None = None
    species: str | None = None
    taxa: tuple[str, ...] = ()
    blur: str | None = None
    sensitive: Sensitive = field(default_factory=Sensitive)
    publication: PublicationKeys = field(default_factory=PublicationKeys)


@dataclass(frozen=True, slots=True)
class Published:
    """What was written, and what a person should know of it."""

    files: list[Path] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def publish(request: PublishRequest) -> Published:
    """Write all formats that are asked for; what can be wrong is looked for before the first is written.

    Raises:
        ConfigurationError: A format, class or name is not valid, or none is given.
        InputError: A census cannot be read, or a file not written.
    """
    request = replace(request, folders=tuple(_one_below(folder) for folder in request.folders))
    forms = _forms(request)
    places = Places.of(request.sensitive, request.blur)
    records = [read_census_file(folder) for folder in request.folders]
    grid = _grid(places, records)
    why = _why(records)
    taxa = {**request.publication.taxa, **_taxa(request.taxa, records)}
    known = [identifications(one) if any(form.reviewed for form in forms) else NOBODY for one in records]
    if grid is not None:
        records = [blurred(record, grid) for record in records]
    publications = [
        Publication(record, taxa, said.animals, grid, request.publication)
        for record, said in zip(records, known, strict=True)
    ]
    parts = [part for form in forms for part in _parts(form, publications, request.species)]
    for part in parts:
        part.form.check(part.censuses)
    folder = request.output or _folder(request.folders[0]) / ("export" if grid is None else "export-blurred")
    remove_drafts(folder)  # of an export that was killed, with exact places perhaps
    written = Published([folder / part.file for part in parts])
    if grid is not None:
        if places.asked is None:
            written.remarks.append(f"{grid}: {why}")
        _check_for_exact_files(folder, written.files)
    make_folder(folder, hint="Give another one with --output.")
    written.remarks.extend(said.remark for said in known if said.remark)
    for part in through(parts, "files of a census written"):
        written.remarks.extend(part.form.write(folder / part.file, part.censuses))
    return written


class _Part(NamedTuple):
    """A file, its form, and what it is made from."""

    file: str
    form: CensusForm
    censuses: ExportedCensuses


def _parts(form: CensusForm, publications: Sequence[Publication], species: str | None) -> Iterator[_Part]:
    """One file of all censuses, or one of each."""
    if form.together:
        yield _Part(form.file, form, ExportedCensuses(publications, species))
        return
    for number, publication in enumerate(publications, 1):
        yield _Part(_numbered(form.file, number), form, ExportedCensuses([publication], species))


def _grid(places: Places, records: Sequence[CensusRecord]) -> Grid | None:
    """The coarsest of what is asked for, what the species found ask for, and what a census has already."""
    found = [
        places.with_species(record.sensitive)
        .counted_as(record.settings.get("roll_up") or {})
        .grid([name for name, one in record.summary.items() if one.detected or one.reviewed])
        for record in records
    ]
    sizes = [one.km for one in found if one is not None]
    sizes += [record.places_km for record in records if record.places_km is not None]
    return Grid(max(sizes)) if sizes else None


def _why(records: Sequence[CensusRecord]) -> str:
    if any(record.places_km is not None for record in records):
        return "a census here has no exact places"
    return "a sensitive species was found (sensitive.species); --blur none writes exact places"


def said_of_publishing(project: Project) -> tuple[Sensitive, PublicationKeys]:
    """What the settings files say of sensitive species, all together, and of published data.

    A file that is not there says nothing.

    Raises:
        ConfigurationError: A file is not valid: it may name a species that would not be protected.
    """
    sensitive, publication = [], PublicationKeys()
    if (project.root / CensusSettings.file).is_file():
        census = load_settings(CensusSettings, project)
        sensitive.append(census.sensitive)
        publication = census.publication
    if (project.root / DetectionSettings.file).is_file():
        sensitive.append(load_settings(DetectionSettings, project).sensitive)
    species = dict.fromkeys(name for one in sensitive for name in one.species)
    blur = max((one.blur for one in sensitive), default=10.0)
    return Sensitive(species=list(species), blur=blur), publication


def _forms(request: PublishRequest) -> list[CensusForm]:
    """The forms that are asked for, in the order of their words."""
    words: set[str] = {one_of("--format", name, CENSUS_EXPORTS) for name in request.formats}
    if not words or not request.folders:
        raise ConfigurationError(
            f"a census and a format are needed; the formats are {listed(CENSUS_EXPORTS)}",
            hint=_example(request),
        )
    return [form for word, form in FORMS.items() if word in words]


def _one_below(folder: Path) -> Path:
    """The census that is meant by a folder: its own, or that of the run that it holds, where there is one."""
    below = [path.parent for path in sorted(folder.glob("*/census.json"))]
    return below[0] if len(below) == 1 and not (folder / "census.json").exists() else folder


def _example(request: PublishRequest) -> str:
    folders = " ".join(quoted(str(folder)) for folder in request.folders) or "FOLDER"
    # all else as it was typed: without its --blur, exact places would leave the house
    options = [
        *(("--format", name) for name in request.formats or ("aed",)),
        *(("--taxon", one) for one in request.taxa),
        ("--species", request.species),
        ("--output", request.output),
        ("--blur", request.blur),
    ]
    return str(Command.given(f"census.export {folders}", options))


def _folder(census: Path) -> Path:
    return census.parent if census.is_file() else census


def _numbered(name: str, number: int) -> str:
    path = Path(name)
    return name if number == 1 else f"{path.stem}-{number}{path.suffix}"


def _check_for_exact_files(folder: Path, written: Sequence[Path]) -> None:
    """Refuse a folder in which something would stay that may hold exact places.

    Raises:
        ConfigurationError: It holds files besides those that are written now.
    """
    if not folder.is_dir():
        return
    others = sorted({path.name for path in folder.iterdir()} - {path.name for path in written})
    if others:
        raise ConfigurationError(
            f"{folder} holds {others[0]}, which may hold exact places, beside what --blur would write",
            hint="Give a new folder with --output, or empty this one.",
        )


class Identifications(NamedTuple):
    """What people said of animals.

    Attributes:
        animals: What was said, by number of the animal; those that nobody looked at are missing.
        remark: Why nothing is known; null where the review could be read, or nobody has reviewed.
    """

    animals: Mapping[int, Identified]
    remark: str | None = None


NOBODY = Identifications({})


def identifications(record: CensusRecord) -> Identifications:
    """Read the review that lies with a census's run, if its folder is still there.

    Args:
        record: What census.json holds.
    """
    try:
        run = read_finished_run(Path(record.detections.folder))
        review = read_review(run.folder, run.results, run.class_names)
    except WildDetectError as error:
        return Identifications({}, f"who reviewed what is not known: {error.message}")
    seen = {_box(one.image, one.xyxy): one for one in looked_at(review.reviews if review else ())}
    species = species_by_class(record.settings.get("roll_up") or {})
    found = {animal.animal: _identified(animal, seen, species) for animal in record.animals}
    return Identifications({number: said for number, said in found.items() if said is not None})


def _identified(
    animal: AnimalRecord,
    seen: Mapping[tuple[str, tuple[float, ...]], Looked],
    species: Mapping[str, str],
) -> Identified | None:
    """Choose the surest of an animal's boxes in which people saw one; none, if they saw none in all."""
    boxes = sorted(animal.boxes, key=lambda box: -box.confidence)
    said = [seen.get(_box(box.file, box.xyxy)) for box in boxes]
    for one in said:
        if one is not None and one.species is not None:
            return Identified(one.by, species.get(one.species, one.species))
    known = [one for one in said if one is not None]
    return Identified(known[0].by, None) if known and len(known) == len(said) else None


def _box(file: str, edges: tuple[float, ...]) -> tuple[str, tuple[float, ...]]:
    """What finds a box of census.json among those of a run."""
    return file, tuple(round(edge, PX_DIGITS) for edge in edges)


def _taxa(texts: Sequence[str], records: Sequence[CensusRecord]) -> dict[str, str]:
    """Scientific names by class.

    Raises:
        ConfigurationError: A text is not "class=name", or no census knows the class.
    """
    classes = {name for record in records for name in (*record.model.class_names, *record.counts.per_class)}
    found = {}
    for text in texts:
        name, _, scientific = (part.strip() for part in text.partition("="))
        if not name or not scientific:
            raise ConfigurationError(
                f"{text!r} is not a valid taxon", hint='Give it as: --taxon "elephant=Loxodonta africana"'
            )
        if name not in classes:
            raise ConfigurationError(
                f"no census knows the class {name}; the classes are {listed(sorted(classes), none='none')}",
                hint=f'Name one of them: --taxon "{min(classes, default=name)}={scientific}"',
            )
        found[name] = scientific
    return found
