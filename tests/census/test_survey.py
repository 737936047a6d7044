"""From a run's folder to numbers: what counts, what is refused, what is warned of."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.census.conftest import Surveyed, plan_of, written
from tests.census.flights import Flight, Herd, degrees, make_run, two_strata
from tests.web_pictures import web_server

from wildetect.census.survey import SurveyPlan, survey
from wildetect.detections import Detections
from wildetect.errors import ConfigurationError, InputError
from wildetect.remote import asking
from wildetect.remote.place import place_of_text
from wildetect.results.finished_run import read_finished_run
from wildetect.results.journal.journal import Journal
from wildetect.results.pictures.moved import with_lost_photographs_in
from wildetect.results.run_file import mark_running, read_run_file, write_run_file
from wildetect.results.run_parts import State
from wildetect.results.sealed import Seals, sealed
from wildetect.settings.detection import FlightSpecs, PositionTable, Processing

HERD = Herd(np.array([[0.0, 20.0], [10.0, 60.0], [-12.0, 90.0]]), np.array([0, 0, 1]))


def test_as_many_as_stand_on_searched_ground(surveyed: Surveyed) -> None:
    flight, herd = surveyed.flight, surveyed.herd
    in_view = np.zeros(len(herd.places), bool)
    boxes = 0
    for number in range(len(flight.names)):
        pixels = flight.pixels(number, herd.places)
        inside = ((pixels > 0) & (pixels < flight.size)).all(axis=1)
        in_view |= inside
        boxes += int(inside.sum())
    truth = Counter(herd.class_id[in_view].tolist())
    census = surveyed.census
    assert boxes > in_view.sum() > 100
    assert len(census.boxes.class_id) == boxes
    # no two animals of one class stand within the tolerance of 1 m
    assert Counter(census.animals.class_id.tolist()) == truth
    assert [count.animals for count in census.counts][1] == in_view.sum()
    assert census.wanted == (0, 1, 2)
    assert len(census.transects) == 6
    assert [stratum.name for stratum in census.sample.strata] == ["river & plain", "hills <north>"]
    # few lines and herds: the limits are in doubt, the places are not
    assert {caution.kind for caution in census.cautions} <= {"clustered", "flat-ground"}


def test_estimates_hold_the_truth(surveyed: Surveyed) -> None:
    (total,) = [
        one.estimate for one in surveyed.census.estimates if one.class_id is None and one.stratum == "all"
    ]
    assert total.lower is not None
    assert total.upper is not None
    assert total.lower < len(surveyed.herd.places) < total.upper
    assert total.detected == len(surveyed.census.animals.class_id)


def test_only_the_target_species(surveyed: Surveyed) -> None:
    census = survey(plan_of(surveyed.run, species=["zebra"]))
    assert census.wanted == (1,)
    assert set(census.animals.class_id.tolist()) == {1}
    assert {one.class_id for one in census.estimates} == {None, 1}


def confused(plan: SurveyPlan, share: float = 0.1) -> SurveyPlan:
    """The same survey by a detector that names some boxes for another species."""
    dice = np.random.default_rng(4)
    results = []
    for result in plan.run.results:
        found = result.detections
        assert found is not None
        wrong = dice.random(len(found)) < share
        classes = np.where(wrong, (found.class_id + 1) % 3, found.class_id)
        results.append(replace(result, detections=Detections(found.xyxy, found.confidence, classes)))
    return replace(plan, run=replace(plan.run, results=results))


def test_a_target_species_counts_as_in_a_census_of_all(tmp_path: Path) -> None:
    strata, flight, herd = two_strata(tmp_path)
    plan = confused(plan_of(make_run(tmp_path, flight, herd), keys={"tolerance": 1.0, "strata": strata}))
    whole = survey(plan)
    assert (
        len({class_id for members in whole.animals.members for class_id in whole.boxes.class_id[members]}) > 1
    )
    for class_id, name in enumerate(whole.class_names):
        alone = survey(replace(plan, species=[name]))
        mine = whole.animals.class_id == class_id
        assert np.array_equal(alone.animals.xy, whole.animals.xy[mine])
        assert [one.per_class.get(class_id, 0) for one in alone.counts] == [
            one.per_class.get(class_id, 0) for one in whole.counts
        ]
        assert [one.per_class.get(class_id, 0) for one in alone.by_confidence] == [
            one.per_class.get(class_id, 0) for one in whole.by_confidence
        ]
        boxes = sum(len(members) for members, own in zip(whole.animals.members, mine, strict=True) if own)
        assert len(alone.boxes) == sum(map(len, alone.animals.members)) == boxes
        for merge in alone.animals.merges:
            assert {merge.box_a, merge.box_b} <= set(alone.animals.members[merge.animal])


def test_a_target_species_that_was_not_detected_is_reported(small: Callable[..., Path]) -> None:
    census = survey(plan_of(small(HERD), species=["gnu, <blue>"]))
    assert (census.wanted, len(census.animals.class_id)) == ((2,), 0)


@pytest.mark.parametrize(
    ("keys", "species", "says"),
    [
        ({}, ["zebr"], "campaign.target_species: the model does not know zebr; did you mean zebra?"),
        ({"confidence": {"lion": 0.5}}, None, "survey.confidence: the model does not know lion"),
    ],
)
def test_unknown_species(
    surveyed: Surveyed, keys: dict[str, object], species: list[str] | None, says: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        survey(plan_of(surveyed.run, keys=keys, species=species))
    assert says in caught.value.message
    assert "elephant, zebra and gnu" in caught.value.hint


def test_confidence_for_one_class(surveyed: Surveyed) -> None:
    census = survey(plan_of(surveyed.run, keys={"confidence": {"zebra": 0.6}, "tolerance": 1.0}))
    confidence, class_id = census.boxes.confidence, census.boxes.class_id
    assert confidence[class_id == 1].min() >= 0.6
    assert confidence[class_id == 0].min() < 0.6
    # the curve shows what another threshold would give: it is not cut at this one
    assert census.by_confidence[0].animals == len(surveyed.census.animals.class_id)


def test_the_tolerance(surveyed: Surveyed) -> None:
    own = survey(plan_of(surveyed.run))
    assert own.tolerance.source == "assumed position errors"
    assert own.tolerance.metres > 0
    given = survey(plan_of(surveyed.run, keys={"tolerance": 4.0}))
    assert [(one.name, one.metres) for one in given.counts] == [
        ("strict", 2.0),
        ("chosen", 4.0),
        ("loose", 8.0),
    ]
    numbers = [one.animals for one in given.counts]
    assert numbers == sorted(numbers, reverse=True)
    alone = survey(plan_of(surveyed.run, keys={"tolerance": 0}))
    assert len(alone.animals.class_id) <= len(alone.boxes.class_id)


def test_photographs_that_vanished_are_listed(small: Callable[..., Path]) -> None:
    run = small(HERD)
    first = read_finished_run(run).results[0]
    Path(str(first.path)).unlink()
    census = survey(plan_of(run))
    (gone,) = census.left_out
    assert (gone.file, gone.boxes) == (first.name, len(first.detections or ()))
    (caution,) = [one for one in census.cautions if one.kind == "vanished"]
    assert list(caution.files) == [first.name]
    assert "detection.image_dir" in caution.fix


def test_photographs_that_changed_after_detection_are_named(small: Callable[..., Path]) -> None:
    run = small(HERD)
    first, second, *_ = read_finished_run(run).results
    assert "changed" not in {one.kind for one in survey(plan_of(run)).cautions}
    Path(str(second.path)).touch()  # a copy has a time of its own
    with Path(str(first.path)).open("ab") as file:
        file.write(b"tags")
    (caution,) = [one for one in survey(plan_of(run)).cautions if one.kind == "changed"]
    assert list(caution.files) == [first.name]
    assert "the run read" in caution.what


def test_photographs_at_addresses_are_not_left_out_since_their_server_is_off(
    small: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "PAUSE", 0.001)
    plan = plan_of(small(HERD))
    with web_server(tmp_path / "photographs") as web:
        results = [
            replace(result, path=place_of_text(f"{web.address}/{result.name}")) for result in plan.run.results
        ]
        there = replace(plan, run=replace(plan.run, results=results))
        assert len(survey(there).animals.class_id) == 3
        web.faults[Path(results[0].name).name] = [404] * 50
        fresh = [replace(result, path=place_of_text(str(result.path))) for result in results]
        census = survey(replace(plan, run=replace(plan.run, results=fresh)))
        (caution,) = [one for one in census.cautions if one.kind == "vanished"]
        assert list(caution.files) == [results[0].name]
        assert f"Let this machine reach {web.address}/" in caution.fix
    off = [replace(result, path=place_of_text(str(result.path))) for result in results]
    with pytest.raises(InputError, match="cannot be read: the connection to its server fails") as caught:
        survey(replace(plan, run=replace(plan.run, results=off)))
    assert web.address in caught.value.message
    assert f"Let this machine reach {web.address}/" in caught.value.hint
    assert "disk" not in caught.value.hint


def test_photographs_that_were_moved_are_found(small: Callable[..., Path], tmp_path: Path) -> None:
    run = small(HERD)
    (tmp_path / "photographs").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="none of the 4 photographs") as caught:
        survey(plan_of(run))
    assert "--source" in caught.value.hint
    moved = with_lost_photographs_in(read_finished_run(run), [tmp_path / "elsewhere"])
    census = survey(replace(plan_of(run), run=moved))
    assert (len(census.animals.class_id), census.left_out) == (3, ())


def test_a_photograph_of_the_same_name_and_another_size_is_another_one(
    small: Callable[..., Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Cameras begin again at DJI_0001.JPG on each card: its tags would put the animals on other ground."""
    run = small(HERD)
    elsewhere = (tmp_path / "photographs").rename(tmp_path / "elsewhere")
    other = min(path for path in elsewhere.rglob("*") if path.is_file())
    with other.open("ab") as file:
        file.write(b" ")
    moved = with_lost_photographs_in(read_finished_run(run), [elsewhere])
    census = survey(replace(plan_of(run), run=moved))
    assert [one.file for one in census.left_out] == [other.relative_to(elsewhere).as_posix()]
    name = other.relative_to(elsewhere).as_posix()
    assert f"not used from {elsewhere}: {name}: another picture has its name now" in caplog.text


def test_failed_images_are_named(small: Callable[..., Path]) -> None:
    run = small(HERD)
    first, second, *others = (run / "journal.jsonl").read_bytes().splitlines(keepends=True)
    broken = Seals().parsed(second) | {"failure": "the file is cut short (truncated)"}
    (run / "journal.jsonl").write_bytes(b"".join([first, sealed(broken), *others]))
    census = survey(plan_of(run))
    (caution,) = [one for one in census.cautions if one.kind == "failed"]
    assert list(caution.files) == [broken["image"]]
    assert len(census.views.views) == 3


@pytest.mark.parametrize("state", ["interrupted", "stopped"])
def test_a_run_that_is_not_finished_is_refused(small: Callable[..., Path], state: State) -> None:
    run = small(HERD)
    record = read_run_file(run)
    write_run_file(run, replace(record, state=state, images=replace(record.images, left=7)))
    with pytest.raises(InputError, match=f"not finished: it was {state}, and 7 images are left") as caught:
        read_finished_run(run)
    # this journal tells no command; where one does, tests of the hints hold it
    assert caught.value.hint == "Let it go on where it stopped: give the command of that run again."


def test_a_run_that_was_killed_is_refused(small: Callable[..., Path]) -> None:
    run = small(HERD)
    assert mark_running(run) == replace(read_run_file(run), state="finished")
    with pytest.raises(InputError, match="killed or is still going on"):
        read_finished_run(run)
    (run / "run.json").unlink()
    assert mark_running(run) is None
    with pytest.raises(InputError, match="killed or is still going on"):
        read_finished_run(run)


@pytest.mark.parametrize("content", [None, "nothing"])
def test_what_is_no_run_is_refused(tmp_path: Path, content: str | None) -> None:
    folder = tmp_path / "empty"
    if content:
        folder.mkdir()
    with pytest.raises(InputError):
        read_finished_run(folder)


def test_images_that_are_no_longer_part_of_the_run(small: Callable[..., Path]) -> None:
    run = small(HERD)
    record = read_run_file(run)
    gone = read_finished_run(run).results[0].name
    with Journal(run, {"tile_size": 640}) as journal:
        journal.leave_out(frozenset({gone}))
    with pytest.raises(InputError, match="other images than"):
        read_finished_run(run)
    write_run_file(run, replace(record, images=replace(record.images, done=3)))
    assert gone not in {result.name for result in read_finished_run(run).results}


def without_tags(folder: Path) -> list[str]:
    """The photographs of a folder saved again without any tag."""
    paths = sorted(folder.rglob("*.JPG"))
    for path in paths:
        with Image.open(path) as image:
            image.load()
            image.save(path, exif=b"", xmp=b"")
    return [path.name for path in paths]


def test_no_positions_at_all(small: Callable[..., Path], tmp_path: Path) -> None:
    run = small(HERD)
    names = without_tags(tmp_path / "photographs")
    with pytest.raises(InputError, match="none of the 4 photographs has a place on the ground") as caught:
        survey(plan_of(run))
    assert "csv_path" in caught.value.hint
    assert names[0] in "".join(caught.value.details)


def test_positions_from_a_table(small: Callable[..., Path], tmp_path: Path) -> None:
    run = small(HERD)
    names = without_tags(tmp_path / "photographs")
    places = degrees([(0.0, 48.0 * number) for number in range(4)])
    table = tmp_path / "positions.csv"
    rows = [
        f"{name};{lat:.8f};{lon:.8f};120" for name, (lon, lat) in zip(names, places.tolist(), strict=True)
    ]
    table.write_text("filename;latitude;longitude;altitude\n" + "\n".join(rows), encoding="utf-8")
    census = survey(plan_of(run, table=PositionTable(csv_path=table), keys={"tolerance": 5.0}))
    assert len(census.views.views) == 4
    assert {view.sources["position"] for view in census.views.views} == {"CSV"}


@pytest.mark.parametrize(
    ("head", "written", "doubted"),
    [("height_ft", 120 / 0.3048, False), ("agl (m)", 120.0, False), ("height", 120 / 0.3048, True)],
)
def test_heights_of_a_table_in_feet_are_read_or_doubted(
    small: Callable[..., Path], tmp_path: Path, head: str, written: float, doubted: bool
) -> None:
    many = Herd(
        np.array([[east, north] for east in (-20.0, 0.0, 20.0) for north in (20.0, 60.0)]), np.zeros(6, int)
    )
    run = small(many)
    names = without_tags(tmp_path / "photographs")
    places = degrees([(0.0, 48.0 * number) for number in range(4)]).tolist()
    rows = [
        f"{name},{lat:.8f},{lon:.8f},{written:.2f}" for name, (lon, lat) in zip(names, places, strict=True)
    ]
    table = tmp_path / "positions.csv"
    table.write_text(f"Image,Lat,Lon,{head}\n" + "\n".join(rows), encoding="utf-8")
    specs = FlightSpecs(sensor_height=24.0, focal_length=36.0)
    census = survey(
        plan_of(
            run,
            table=PositionTable(csv_path=table),
            keys={"tolerance": 5.0},
            specs=specs,
            largest_animal=Processing().largest_animal,
        )
    )
    kinds = {caution.kind for caution in census.cautions}
    assert ("animals-too-large" in kinds) is doubted
    heights = {round(view.height_above_ground or 0) for view in census.views.views}
    assert heights == {394 if doubted else 120}


def test_one_position_for_all(tmp_path: Path) -> None:
    flight = Flight(places=[(0.0, 0.0)] * 4, yaws=[0.0] * 4, names=[f"{n}.JPG" for n in range(4)])
    census = survey(plan_of(make_run(tmp_path, flight, HERD)))
    said = [caution for caution in census.cautions if caution.kind == "one-position"]
    assert said
    assert len(said[0].files) == 4
    assert said[0].fix


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (b'RelativeAltitude="+120.00"', b'RelativeAltitude="+000.00"', "height-zero"),
        (b'GimbalPitchDegree="-90.00"', b'GimbalPitchDegree="-62.00"', "tilted"),
        (b"FC6310", b"FC9999", "mixed-cameras"),
    ],
)
def test_what_is_doubtful_in_one_photograph(
    small: Callable[..., Path], old: bytes, new: bytes, kind: str
) -> None:
    run = small(HERD)
    path = Path(str(read_finished_run(run).results[1].path))
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    found = {caution.kind: caution for caution in survey(plan_of(run)).cautions}
    assert found[kind].what
    assert found[kind].fix
    assert list(found[kind].files) in ([f"L/{path.name}"], [])  # none: it is about all


def test_another_resolution_than_the_model_was_trained_on(surveyed: Surveyed) -> None:
    found = {one.kind: one for one in survey(plan_of(surveyed.run, keys={"trained_gsd": 3.0})).cautions}
    assert len(found["resolution"].files) == len(surveyed.flight.names)
    alike = survey(plan_of(surveyed.run, keys={"trained_gsd": 24})).cautions
    assert "resolution" not in {one.kind for one in alike}


def test_strata_elsewhere_are_refused(surveyed: Surveyed, tmp_path: Path) -> None:
    strata = json.loads(surveyed.strata.read_text(encoding="utf-8"))
    for feature in strata["features"]:
        ring = feature["geometry"]["coordinates"][0]
        feature["geometry"]["coordinates"] = [[[x + 1, y] for x, y in ring]]
    path = tmp_path / "elsewhere.geojson"
    path.write_text(json.dumps(strata), encoding="utf-8")
    with pytest.raises(InputError, match="river & plain") as caught:
        survey(plan_of(surveyed.run, keys={"strata": path}))
    assert "survey.strata" in caught.value.hint


def test_one_transect_carries_no_limits(small: Callable[..., Path], tmp_path: Path) -> None:
    run = small(HERD)
    corners = degrees([(-500, -500), (500, -500), (500, 500), (-500, 500), (-500, -500)]).tolist()
    ring = {"type": "Polygon", "coordinates": [corners]}
    path = tmp_path / "one.geojson"
    path.write_text(
        json.dumps({"type": "Feature", "properties": {"name": "all of it"}, "geometry": ring}),
        encoding="utf-8",
    )
    census = survey(plan_of(run, keys={"strata": path}))
    refusals = {one.estimate.refusal for one in census.estimates}
    assert any(refusal and "only one transect" in refusal for refusal in refusals)
    assert all(one.estimate.estimate is None for one in census.estimates)


def test_a_terrain_file_that_is_not_there(surveyed: Surveyed, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no terrain file"):
        survey(plan_of(surveyed.run, keys={"terrain": tmp_path / "none.tif"}))


def test_nothing_found_at_all(small: Callable[..., Path]) -> None:
    census = survey(plan_of(small(Herd(np.zeros((0, 2)), np.zeros(0, np.int64)))))
    assert len(census.animals.class_id) == 0
    assert census.wanted == ()
    assert [one.estimate.detected for one in census.estimates] == [0]


def test_the_same_input_gives_the_same_census(surveyed: Surveyed) -> None:
    keys = {"strata": surveyed.strata, "tolerance": 1.0}
    again = survey(plan_of(surveyed.run, keys=keys))
    beside = surveyed.folder.with_name("again")  # as far from the run, which census.json notes
    written(again, surveyed.run, beside)
    for path in surveyed.folder.iterdir():
        if not path.name.startswith("."):
            assert (beside / path.name).read_bytes() == path.read_bytes(), path.name
    shutil.rmtree(beside)
