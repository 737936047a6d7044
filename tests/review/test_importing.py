"""Each edit, made in each format, comes back as the verdict that it is."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.census.flights import NAMES, document_of, write_run

from wildetect.detections import Detections
from wildetect.errors import InputError
from wildetect.results.exports.formats.coco import write_coco, write_coco_results
from wildetect.results.exports.formats.csv_file import write_csv
from wildetect.results.exports.formats.geopackage import write_geopackage
from wildetect.results.exports.formats.labelstudio import write_labelstudio
from wildetect.results.exports.formats.megadetector import write_megadetector
from wildetect.results.finished_run import FinishedRun, read_finished_run
from wildetect.results.records import ImageResult
from wildetect.review.importing import Imported, import_corrected
from wildetect.review.marks import reviews_of
from wildetect.review.summary import reviewed_run
from wildetect.review.verdict_file import read_verdicts, writing_verdicts
from wildetect.review.verdicts import Marked, Verdict

BOXES = np.array([[10, 20, 60, 80], [100.123, 100, 140.456, 150], [300, 310, 340.5, 350]], np.float32)
NEW = (200.0, 205.0, 230.0, 240.0)
MOVED = (12.0, 24.0, 66.0, 90.0)


@pytest.fixture
def run(tmp_path: Path) -> FinishedRun:
    def result(name: str, boxes: np.ndarray[Any, Any]) -> ImageResult:
        found = Detections(boxes, [0.9, 0.8, 0.7][: len(boxes)], [0, 1, 1][: len(boxes)])
        path = tmp_path / "pictures" / name
        return ImageResult(
            name=name, path=path, detections=found, width=4000, height=3000, longitude=23.0, latitude=-19.0
        )

    folder = tmp_path / "run"
    write_run(folder, [result("A/1.jpg", BOXES), result("A/2.jpg", BOXES[:0]), result("B/1.jpg", BOXES[:2])])
    assert document_of([])["state"] == "finished"
    return read_finished_run(folder)


class Csv:
    """detections.csv in a spreadsheet."""

    def __init__(self, run: FinishedRun, folder: Path) -> None:
        self.path = folder / "detections.csv"
        write_csv(self.path, run.results, NAMES)
        with self.path.open(encoding="utf-8", newline="") as file:
            self.rows = list(csv.DictReader(file))

    def save(self) -> Path:
        columns = dict.fromkeys(key for row in self.rows for key in row)
        with self.path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(columns))
            writer.writeheader()
            writer.writerows(self.rows)
        return self.path

    def rename(self) -> None:
        self.rows[0]["class"] = "zebra"

    def move(self) -> None:
        self.rows[0] |= dict(zip(("x_min", "y_min", "x_max", "y_max"), map(str, MOVED), strict=True))

    def delete(self) -> None:
        del self.rows[1]

    def add(self) -> None:
        edges = dict(zip(("x_min", "y_min", "x_max", "y_max"), map(str, NEW), strict=True))
        self.rows.append({"image": "A/2.jpg", "class": "zebra", **edges})

    def complete(self) -> None:
        self.rows.append({"image": "A/2.jpg", "verdict": "nothing-here"})


class LabelStudio:
    """Label Studio's JSON: predictions accepted as annotations."""

    def __init__(self, run: FinishedRun, folder: Path) -> None:
        self.path = folder / "labelstudio.json"
        write_labelstudio(self.path, run.results, NAMES, model="herd")
        self.tasks = json.loads(self.path.read_text(encoding="utf-8"))

    def save(self) -> Path:
        self.path.write_text(json.dumps(self.tasks), encoding="utf-8")
        return self.path

    def annotated(self, task: int) -> list[dict[str, Any]]:
        one = self.tasks[task]
        earlier = {"result": [], "updated_at": "2026-01-01T00:00:00Z"}
        if "annotations" not in one:
            newest = {"result": one["predictions"][0]["result"], "updated_at": "2026-02-01T00:00:00Z"}
            one["annotations"] = [newest, earlier]
        regions: list[dict[str, Any]] = one["annotations"][0]["result"]
        return regions

    @staticmethod
    def value(box: tuple[float, ...]) -> dict[str, Any]:
        x, y, right, bottom = box
        return {"x": x / 40, "y": y / 30, "width": (right - x) / 40, "height": (bottom - y) / 30}

    def rename(self) -> None:
        self.annotated(0)[0]["value"]["rectanglelabels"] = ["zebra"]

    def move(self) -> None:
        self.annotated(0)[0]["value"] |= self.value(MOVED)

    def delete(self) -> None:
        del self.annotated(0)[1]

    def add(self) -> None:
        value = self.value(NEW) | {"rectanglelabels": ["zebra"]}
        self.annotated(1).append({"id": "x1", "type": "rectanglelabels", "value": value})

    def complete(self) -> None:
        self.annotated(1)


class Coco:
    """A COCO file with annotations, as an editor saves it: ids are its own."""

    def __init__(self, run: FinishedRun, folder: Path) -> None:
        write_coco(folder / "coco.json", run.results, NAMES)
        write_coco_results(folder / "coco_results.json", run.results)
        self.path = folder / "edited.json"
        self.document = json.loads((folder / "coco.json").read_text(encoding="utf-8"))
        self.document["annotations"] = json.loads((folder / "coco_results.json").read_text(encoding="utf-8"))
        for number, one in enumerate(self.document["annotations"]):
            del one["detection_id"], one["score"]
            one["id"] = number
        for one in self.document["images"]:
            one["file_name"] = "images\\" + one["file_name"].replace("/", "\\")

    def save(self) -> Path:
        self.path.write_text(json.dumps(self.document), encoding="utf-8")
        return self.path

    @property
    def boxes(self) -> list[dict[str, Any]]:
        boxes: list[dict[str, Any]] = self.document["annotations"]
        return boxes

    def rename(self) -> None:
        self.boxes[0]["category_id"] = 2

    def move(self) -> None:
        x, y, right, bottom = MOVED
        self.boxes[0]["bbox"] = [x, y, right - x, bottom - y]

    def delete(self) -> None:
        del self.boxes[1]

    def add(self) -> None:
        x, y, right, bottom = NEW
        self.boxes.append({"id": 99, "image_id": 2, "category_id": 2, "bbox": [x, y, right - x, bottom - y]})

    def complete(self) -> None:
        self.document["images"][1]["reviewed"] = True


_LISTED = re.compile('name="[^"]*" value="([^"]+)"')


class GeoPackage:
    """detections.gpkg edited in QGIS."""

    def __init__(self, run: FinishedRun, folder: Path) -> None:
        self.path = folder / "edited.gpkg"
        write_geopackage(self.path, run.results, NAMES, changed=run.record.times.begun)

    def do(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self.path)) as database, database:
            # triggers of the index of places need functions that only a GIS has
            for (name,) in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall():
                database.execute(f'DROP TRIGGER "{name}"')
            database.execute(statement, values)

    def save(self) -> Path:
        return self.path

    def rename(self) -> None:
        self.do("UPDATE detections SET class = 'zebra' WHERE fid = 1")

    def move(self) -> None:
        self.do("UPDATE detections SET x_min = ?, y_min = ?, x_max = ?, y_max = ? WHERE fid = 1", *MOVED)

    def delete(self) -> None:
        self.do("DELETE FROM detections WHERE fid = 2")

    def add(self) -> None:
        columns = "image, class, confidence, x_min, y_min, x_max, y_max, id"
        values = ("A/2.jpg", "zebra", 1.0, *NEW, "")
        self.do(f"INSERT INTO detections ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *values)  # noqa: S608 - ours

    def complete(self) -> None:
        self.do("UPDATE photographs SET verdict = 'nothing-here' WHERE image = 'A/2.jpg'")


class MegaDetector:
    """detections.json, changed by a program that leaves our ids as they are."""

    digits: int | None = None

    def __init__(self, run: FinishedRun, folder: Path) -> None:
        self.path = folder / "edited detections.json"
        write_megadetector(self.path, run.results, NAMES)
        self.document = json.loads(self.path.read_text(encoding="utf-8"))
        for one in self.document["images"]:
            one["file"] = one["file"].replace("/", "\\")

    def save(self) -> Path:
        if self.digits is not None:
            for one in self.document["images"]:
                for box in one["detections"]:
                    box["bbox"] = [round(edge, self.digits) for edge in box["bbox"]]
                    box.pop("id", None)
        self.path.write_text(json.dumps(self.document), encoding="utf-8")
        return self.path

    @property
    def boxes(self) -> list[dict[str, Any]]:
        boxes: list[dict[str, Any]] = self.document["images"][0]["detections"]
        return boxes

    @staticmethod
    def shares(box: tuple[float, ...]) -> list[float]:
        x, y, right, bottom = box
        return [x / 4000, y / 3000, (right - x) / 4000, (bottom - y) / 3000]

    def rename(self) -> None:
        self.boxes[0]["category"] = "2"

    def move(self) -> None:
        self.boxes[0]["bbox"] = self.shares(MOVED)

    def delete(self) -> None:
        del self.boxes[1]

    def add(self) -> None:
        new = {"category": "2", "conf": 1.0, "bbox": self.shares(NEW)}
        self.document["images"][1]["detections"].append(new)

    def complete(self) -> None:
        self.document["images"][1]["reviewed"] = True


class RoundedMegaDetector(MegaDetector):
    """The same, written again by a program that knows no ids and rounds to four digits."""

    digits = 4


FORMATS: tuple[Callable[[FinishedRun, Path], Any], ...] = (
    *(Csv, LabelStudio, Coco, GeoPackage),
    *(MegaDetector, RoundedMegaDetector),
)


def imported(run: FinishedRun, path: Path) -> Imported:
    return import_corrected(run, path, "Ann")


def standing(run: FinishedRun) -> dict[str, list[tuple[str, tuple[int, ...]]]]:
    reviews = reviews_of(run.results, NAMES, read_verdicts(run.folder).verdicts)
    return {
        one.image: [
            (mark.box.class_name, tuple(round(edge) for edge in mark.box.xyxy)) for mark in one.animals
        ]
        for one in reviews
    }


def edits() -> Iterator[tuple[str, str, int]]:
    yield "rename", "class", 0
    yield "move", "moved", 0
    yield "delete", "wrong", 0
    yield "add", "added", 1
    yield "complete", "nothing-here", 1


@pytest.mark.parametrize("form", FORMATS)
def test_an_untouched_export_is_no_change(
    run: FinishedRun, tmp_path: Path, form: Callable[[FinishedRun, Path], Any]
) -> None:
    assert imported(run, form(run, tmp_path).save()).verdicts == {}
    assert not (run.folder / "review" / "verdicts.jsonl").exists()


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(("edit", "kind", "image"), edits())
def test_each_edit_survives_each_format_and_is_taken_over_once(
    run: FinishedRun,
    tmp_path: Path,
    form: Callable[[FinishedRun, Path], Any],
    edit: str,
    kind: str,
    image: int,
) -> None:
    before = standing(run)
    file = form(run, tmp_path)
    getattr(file, edit)()
    path = file.save()

    first = imported(run, path)
    again = imported(run, path)

    # Label Studio's annotations say that the image was looked at, too
    assert {
        name: count for name, count in first.verdicts.items() if name != "nothing-here" or kind == name
    } == {kind: 1}
    assert first.refused == ()
    assert again.verdicts == {}
    after, name = standing(run), ("A/1.jpg", "A/2.jpg")[image]
    assert after["B/1.jpg"] == before["B/1.jpg"]
    expected = list(before[name])
    if edit == "rename":
        expected[0] = ("zebra", expected[0][1])
    elif edit == "move":
        expected[0] = (expected[0][0], tuple(round(edge) for edge in MOVED))
    elif edit == "delete":
        del expected[1]
    elif edit == "add":
        expected.append(("zebra", tuple(round(edge) for edge in NEW)))
    assert after[name] == expected


def test_verdicts_in_words_are_taken_over(run: FinishedRun, tmp_path: Path) -> None:
    file = Csv(run, tmp_path)
    for row, verdict in zip(file.rows, ("right", "Wrong", "unsure", "", "perhaps"), strict=True):
        row["verdict"] = verdict
    made = imported(run, file.save())

    assert made.verdicts == {"right": 1, "wrong": 1, "unsure": 1}
    assert made.refused == ("line 6: perhaps is not a verdict (right, wrong, unsure or nothing-here)",)


def test_what_cannot_be_taken_over_is_named(run: FinishedRun, tmp_path: Path) -> None:
    file = LabelStudio(run, tmp_path)
    regions = file.annotated(0)
    regions.append({"id": "p", "type": "polygonlabels", "value": {}})
    file.tasks.append({"data": {"image": "/data/local-files/?d=elsewhere/z.jpg"}, "annotations": []})
    made = imported(run, file.save())

    assert made.refused[0].startswith("A/1.jpg: a region of type polygonlabels")
    assert "elsewhere/z.jpg" in made.refused[1]


@pytest.mark.parametrize(
    "bbox",
    [None, [], [1, 2, -3, 4], [float("nan"), 0, 1, 1], ["a", 2, 3, 4]],
    ids=["none", "empty", "-", "nan", "text"],
)
def test_a_coco_box_that_is_none_costs_itself_alone(
    run: FinishedRun, tmp_path: Path, bbox: list[object] | None
) -> None:
    file = Coco(run, tmp_path)
    file.add()
    file.boxes[0]["bbox"] = bbox
    made = imported(run, file.save())
    assert made.verdicts == {"added": 1}
    assert "annotation 1 is no box" in made.refused[0]


def test_a_coco_box_may_be_told_by_its_outline_alone(run: FinishedRun, tmp_path: Path) -> None:
    file = Coco(run, tmp_path)
    x, y, width, height = file.boxes[0].pop("bbox")
    corners = [x, y, x + width, y, x + width, y + height, x, y + height]
    file.boxes[0]["segmentation"] = [corners]
    assert imported(run, file.save()).verdicts == {}


@pytest.mark.parametrize(
    "name",
    [
        "/data/local-files/?d=x%5CA%5C1.jpg",
        "file:///C:/x/a/1.JPG",
        "http://h:8080/data/local-files/?d=A/1.jpg",
    ],
)
def test_names_are_found_as_tools_write_them(run: FinishedRun, tmp_path: Path, name: str) -> None:
    file = Coco(run, tmp_path)
    file.rename()
    file.document["images"][0]["file_name"] = name
    made = imported(run, file.save())
    assert (made.verdicts, made.refused) == ({"class": 1}, ())


def test_a_name_that_may_be_several_images_says_which(run: FinishedRun, tmp_path: Path) -> None:
    file = Coco(run, tmp_path)
    file.document["images"][0]["file_name"] = "1.jpg"
    made = imported(run, file.save())
    assert made.verdicts == {}
    assert made.refused[0].startswith("'1.jpg' may be A/1.jpg or B/1.jpg: write it with its folder")


def test_a_csv_that_a_spreadsheet_saved_with_decimal_commas(run: FinishedRun, tmp_path: Path) -> None:
    text = Csv(run, tmp_path).save().read_text(encoding="utf-8")
    rows = list(csv.reader(text.splitlines()))
    edges = [place for place, name in enumerate(rows[0]) if name in {"x_min", "y_min", "x_max", "y_max"}]
    assert any("." in row[place] for row in rows[1:] for place in edges)
    for row in rows[1:]:
        for place in edges:
            row[place] = row[place].replace(".", ",")
    rows[2] += ["9", "9", "9"]
    rows.append(["A/9.jpg", *rows[2][1:]][: len(rows[0])])
    path = tmp_path / "saved.csv"
    path.write_text("\n".join(";".join(row) for row in rows), encoding="utf-8")

    made = imported(run, path)

    assert [reason.partition(" (")[0] for reason in made.refused] == [
        f"line 3: {len(rows[0]) + 3} values for {len(rows[0])} columns",
        "line 7: the run has no image 'A/9.jpg'",
        (
            "A/1.jpg: some of it could not be read: what is missing there is not taken as wrong, nor the "
            "photograph as done"
        ),
    ]
    assert made.verdicts == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.json", "{"), ("a.json", '{"annotations": []}'), ("a.csv", "a,b\n1,2\n"), ("a.gpkg", "no")],
)
def test_other_files_are_refused(run: FinishedRun, tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"read|format"):
        imported(run, path)


def test_a_verdict_chosen_from_the_list_that_a_geopackage_offers_is_taken_over(
    run: FinishedRun, tmp_path: Path
) -> None:
    package = GeoPackage(run, tmp_path)
    with closing(sqlite3.connect(package.path)) as database:
        forms = dict(database.execute("SELECT f_table_name, styleQML FROM layer_styles").fetchall())
    lists = {layer: form.partition('<field name="verdict">')[2] for layer, form in forms.items()}
    offered = {layer: _LISTED.findall(text.partition("</field>")[0]) for layer, text in lists.items()}
    assert [one for one in offered["detections"] if one[0] != "{"] == ["right", "wrong", "unsure"]
    for place, verdict in enumerate(offered["detections"][1:], 1):
        package.do("UPDATE detections SET verdict = ? WHERE fid = ?", verdict, place)
    package.do("UPDATE photographs SET verdict = ?", offered["photographs"][1])

    made = imported(run, package.save())

    assert made.refused == ()
    assert made.verdicts["wrong"] == made.verdicts["unsure"] == 1
    assert made.verdicts["nothing-here"] == sum(not result.failed for result in run.results)


def test_detections_that_timelapse_calls_empty_are_wrong_and_an_unknown_category_is_named(
    run: FinishedRun, tmp_path: Path
) -> None:
    file = MegaDetector(run, tmp_path)
    file.boxes[0]["category"], file.boxes[2]["category"] = "0", "7"
    file.document["images"].append({"file": "z.jpg", "detections": []})
    made = imported(run, file.save())

    assert made.verdicts == {"wrong": 1}
    assert made.refused[:2] == (
        "A/1.jpg: detection 3 is of category 7, which the file does not name",
        "the run has no image 'z.jpg'",
    )
    assert made.refused[2].startswith("A/1.jpg: some of it could not be read")


def test_timelapse_s_table_says_which_photographs_are_empty_and_nothing_else(
    run: FinishedRun, tmp_path: Path
) -> None:
    path = tmp_path / "TimelapseData.csv"
    path.write_text(
        "RootFolder,File,RelativePath,DateTime,DeleteFlag,Empty,Species,Count\n"
        "survey,1.jpg,A,2026-05-01 10:00:00,false,false,zebra,3\n"
        "survey,2.jpg,A,2026-05-01 10:00:02,false,TRUE,,0\n"
        "survey,1.jpg,B,2026-05-01 10:00:04,false,true,,0\n"
        "survey,9.jpg,B,2026-05-01 10:00:06,false,true,,0\n",
        encoding="utf-8",
    )
    made, again = imported(run, path), imported(run, path)

    assert made.verdicts == {"nothing-here": 2, "wrong": 2}
    assert again.verdicts == {}
    assert made.refused[0] == "line 5: the run has no image 'B/9.jpg'"
    assert made.refused[1].startswith("1 photograph: Timelapse's table has fields of whole photographs")
    after = standing(run)
    assert (len(after["A/1.jpg"]), after["A/2.jpg"], after["B/1.jpg"]) == (3, [], [])


def _damage(file: Csv | Coco | LabelStudio) -> None:
    """Damage the entry of a box that stands: nothing says that it is not there."""
    if isinstance(file, Csv):
        file.rows[0]["x_min"] = "left"
    elif isinstance(file, Coco):
        file.boxes[0]["category_id"] = 77
    else:
        file.annotated(0)[0]["type"] = "polygonlabels"


@pytest.mark.parametrize("form", [Csv, Coco, LabelStudio])
def test_a_box_whose_entry_cannot_be_read_does_not_count_as_taken_away(
    run: FinishedRun, tmp_path: Path, form: type[Csv | Coco | LabelStudio]
) -> None:
    before, file = standing(run), form(run, tmp_path)
    _damage(file)
    made = imported(run, file.save())

    assert made.verdicts == {}
    assert len(made.refused) == 2
    assert made.refused[1].startswith("A/1.jpg: some of it could not be read")
    assert standing(run) == before


def test_what_was_said_on_a_copy_of_the_run_is_brought_together_once(
    run: FinishedRun, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run.folder, copy)
    there = read_finished_run(copy)
    own, other = Csv(run, tmp_path), Csv(there, tmp_path / "copy")
    own.rename()
    other.delete()
    import_corrected(run, own.save(), "Ann")
    import_corrected(there, other.save(), "Bo")
    taken_back = read_verdicts(copy).verdicts[0]
    with writing_verdicts(copy) as file:
        file.append(
            Verdict(kind="undo", image=taken_back.image, reviewer="Bo", undoes=taken_back.id),
            Verdict(kind="nothing-here", image="A/2.jpg", reviewer="Bo"),
            Verdict(kind="nothing-here", image="C/9.jpg", reviewer="Bo"),
        )
    brought = copy / "review" / "verdicts.jsonl"
    with brought.open("ab") as cut:
        cut.write(b'{"id":"1"}\n{"id":')

    made, again = imported(run, brought), imported(run, brought)

    assert made.verdicts == {"wrong": 1, "undo": 1, "nothing-here": 1}
    assert len(made.refused) == 2
    assert made.refused[0].startswith("line 5")
    assert made.refused[1] == "the run has no image 'C/9.jpg'"
    assert again.verdicts == {}
    assert [(one.kind, one.reviewer) for one in read_verdicts(run.folder).verdicts] == [
        *(("class", "Ann"), ("wrong", "Bo"), ("undo", "Bo"), ("nothing-here", "Bo"))
    ]
    (tmp_path / "none.jsonl").write_bytes(b"no\n")
    with pytest.raises(InputError, match="holds no verdicts"):
        imported(run, tmp_path / "none.jsonl")
    with pytest.raises(InputError, match="there is no file"):
        imported(run, tmp_path / "away.jsonl")


def _review(run: FinishedRun) -> None:
    """One of each that people can say on the page after the file was exported."""
    marks = {one.image: one for one in reviews_of(run.results, NAMES, [])}["A/1.jpg"].marks
    said: dict[str, Any] = {"image": "A/1.jpg", "reviewer": "Ann"}
    boxes = [(mark.id, mark.box) for mark in marks]
    far = Marked((600.0, 610.0, 640.0, 650.0), boxes[0][1].class_name)
    with writing_verdicts(run.folder) as file:
        file.append(
            Verdict(kind="moved", detection=boxes[0][0], before=boxes[0][1], after=far, **said),
            Verdict(kind="wrong", detection=boxes[1][0], before=boxes[1][1], **said),
            Verdict(
                kind="class",
                detection=boxes[2][0],
                before=boxes[2][1],
                after=Marked(boxes[2][1].xyxy, "okapi"),
                **said,
            ),
            Verdict(kind="added", detection="new", after=Marked(NEW, "zebra"), **said),
        )


@pytest.mark.parametrize("form", FORMATS)
def test_an_untouched_export_takes_nothing_back_that_people_said_since(
    run: FinishedRun, tmp_path: Path, form: Callable[[FinishedRun, Path], Any]
) -> None:
    file = form(run, tmp_path)
    if isinstance(file, LabelStudio):
        file.annotated(0)  # accepted as it was predicted
    _review(run)
    before = standing(run)
    assert len(before["A/1.jpg"]) == 3

    made = imported(run, file.save())

    assert {kind: count for kind, count in made.verdicts.items() if kind != "nothing-here"} == {}
    assert standing(run) == before


def test_a_box_that_a_file_added_and_no_longer_holds_is_taken_away_again(
    run: FinishedRun, tmp_path: Path
) -> None:
    file = Csv(run, tmp_path)
    file.add()
    assert imported(run, file.save()).verdicts == {"added": 1}
    del file.rows[-1]
    file.rows.append({"image": "A/2.jpg", "verdict": "nothing-here"})
    assert imported(run, file.save()).verdicts == {"wrong": 1, "nothing-here": 1}
    file.move()
    assert imported(run, file.save()).verdicts == {"moved": 1}
    file.rows[0] |= dict(zip(("x_min", "y_min", "x_max", "y_max"), map(str, BOXES[0]), strict=True))
    assert imported(run, file.save()).verdicts == {"moved": 1}


def test_the_coco_file_of_a_run_that_is_half_reviewed_is_no_change(run: FinishedRun, tmp_path: Path) -> None:
    _review(run)
    with writing_verdicts(run.folder) as file:
        file.append(Verdict(kind="nothing-here", image="A/1.jpg", reviewer="Ann"))
    path = tmp_path / "coco.json"
    review = reviewed_run(run)
    assert review is not None
    write_coco(path, run.results, NAMES, review.boxes)
    document = json.loads(path.read_text(encoding="utf-8"))
    assert [one.get("reviewed") for one in document["images"]] == [True, None, None]

    made = imported(run, path)
    assert made.verdicts == {}
    assert len(made.refused) == 1
    assert "1 photograph without any box in the file, such as B/1.jpg" in made.refused[0]

    document["annotations"] = [one for one in document["annotations"] if one["bbox"][:2] != list(NEW[:2])]
    path.write_text(json.dumps(document), encoding="utf-8")
    assert imported(run, path).verdicts == {"wrong": 1}


@pytest.mark.parametrize(
    ("keeps", "reason"),
    [
        (lambda row: row["class"] != NAMES[1], f"{NAMES[1]}: 12 detections, which is all, gone"),
        (
            lambda row: float(row["confidence"]) > 0.5,
            "12 detections, all with a confidence up to 0.49, gone",
        ),
        (lambda row: int(row["x_min"].partition(".")[0]) % 3 != 0, None),
    ],
)
def test_a_table_that_was_filtered_makes_nothing_wrong(
    tmp_path: Path, keeps: Callable[[dict[str, str]], bool], reason: str | None
) -> None:
    results = []
    for number in range(2):
        corners = np.array([[10 + 61 * place, 20] for place in range(12)], np.float32)
        sure = np.where(np.arange(12) < 6, 0.4, 0.8) + np.arange(12) % 6 * 0.018
        found = Detections(np.hstack([corners, corners + 50]), sure, np.arange(12) % 2)
        path = tmp_path / f"{number}.jpg"
        results.append(ImageResult(name=path.name, path=path, detections=found, width=4000, height=3000))
    write_run(tmp_path / "run", results)
    run = read_finished_run(tmp_path / "run")
    file = Csv(run, tmp_path)
    assert len(file.rows) == 24
    file.rows = [row for row in file.rows if keeps(row)]
    gone = 24 - len(file.rows)
    assert gone in {8, 12}

    made = imported(run, file.save())

    if reason is None:
        assert made == Imported(2, {"wrong": gone}, ())
        return
    assert made.verdicts == {}
    assert len(made.refused) == 1
    assert made.refused[0].startswith(reason)
    # who says so in words means it
    rest = Csv(run, tmp_path)
    for row in rest.rows:
        row["verdict"] = "" if keeps(row) else "wrong"
    assert imported(run, rest.save()).verdicts == {"wrong": 12}
