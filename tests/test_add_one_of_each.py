"""One of each row of "Where do I add ..." in docs/developers.md, added in no more files than it says."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.test_where_to_add import PACKAGE, python, table

END = ""
"""What stands after the text that is added at the end of a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """One new thing.

    Attributes:
        what: The row of the page.
        edits: File, what stands there, and what is written before that.
        program: Prints what the program knows of the new thing.
        says: What is then printed.
    """

    what: str
    edits: tuple[tuple[str, str, str], ...]
    program: str
    says: str


ADDITIONS = (
    Addition(
        what="an exit code",
        edits=(
            (
                "errors.py",
                END,
                'class OfATestError(WildDetectError):\n    """A test."""\n\n    exit_code = 77\n',
            ),
        ),
        program="from wildetect.docs.pages import exit_codes_block; print(exit_codes_block())",
        says="| `77` | A test. |",
    ),
    Addition(
        what="a task",
        edits=(
            (
                "tasks/shims.py",
                END,
                '@verb(shim="of_a_test")\ndef of_a_test(context: Context) -> None:\n    """Say hello."""\n',
            ),
            ("tasks/__init__.py", "doctor.doctor)", "shims.of_a_test, "),
        ),
        program="""
from wildetect.tasks.docs import described_tasks
print([(one.name, one.shim) for one in described_tasks()])
""",
        says="('of-a-test', 'of_a_test')",
    ),
    Addition(
        what="a .bat file",
        edits=(("tasks/shims.py", 'help={"check": "change', 'shim="of_a_test.bat", '),),
        program="""
from pathlib import Path
from wildetect.shims import write_shims
from wildetect.tasks.shims import declared_shims
for path in write_shims(Path("{folder}/scripts"), declared_shims()):
    if "python -m invoke shims.write %*" in path.read_text(encoding="ascii"):
        print(path.name)
""",
        says="of_a_test.bat",
    ),
    Addition(
        what="a setting",
        edits=(
            (
                "settings/detection.py",
                "    device: Device =",
                '    of_a_test: int = Field(3, description="a test")\n',
            ),
        ),
        program="""
import os
from wildetect.docs.pages import keys_block
from wildetect.settings import Project, load_settings
from wildetect.settings.detection import DetectionSettings

os.environ["WILDETECT_DETECTION__MODEL__OF_A_TEST"] = "7"
row = next(line for line in keys_block(DetectionSettings).splitlines() if "of_a_test" in line)
print(row, load_settings(DetectionSettings, Project.find()).model.of_a_test)
""",
        says="| `model.of_a_test` | whole number | `3` | a test | 7",
    ),
    Addition(
        what="a word that a setting allows",
        edits=(("settings/words.py", '"square", "box"]', '"of-a-test", '),),
        program="""
from wildetect.docs.pages import keys_block
from wildetect.settings.registration import RegistrationSettings
print(keys_block(RegistrationSettings))
""",
        says="`of-a-test`, `square`, `box`",
    ),
    Addition(
        what="a fact of an image",
        edits=(
            ("results/records.py", "\n    def __post_init__(self)", "    of_a_test: int = 0\n"),
            (
                "results/records.py",
                "\n    @classmethod\n    def of(cls, result: ",
                "    of_a_test: int = 0\n",
            ),
            (
                "results/records.py",
                "\n    @classmethod\n    def of(cls, results: ",
                "    of_a_test: int = 0\n",
            ),
            (
                "results/records.py",
                "        if tally.scaled_tile:",
                "        self.of_a_test += tally.of_a_test\n",
            ),
            ("detection/run/image_work.py", "            scaled_tile=0 if", "            of_a_test=7,\n"),
            ("results/run.py", "    scaled_tiles: ScaledTiles =", "    of_a_test: int = 0\n"),
            (
                "results/run.py",
                "        scaled_tiles=ScaledTiles.of(",
                "        of_a_test=summary.of_a_test,\n",
            ),
        ),
        program="""
import wildetect
wildetect.detect("demo/pictures/A1.jpg", model="demo/detector.onnx", output="{folder}/run")
run = wildetect.open_run("{folder}/run")
print("of a test", run.record.of_a_test, [image.of_a_test for image in run.results])
""",
        says="of a test 7 [7]",
    ),
    Addition(
        what="a device",
        edits=(
            ("settings/words.py", '"cuda", "directml"', '"of-a-test", '),
            (
                "detection/network/devices.py",
                "    CPU,\n)",
                '    Backend(device="of-a-test", provider="TestProvider", package="test", says="a test"),\n',
            ),
        ),
        program="""
from wildetect.detection.network.devices import to_try
from wildetect.docs.pages import keys_block
from wildetect.settings.detection import DetectionSettings
print(to_try("of-a-test", ["TestProvider"])[0].says, "`of-a-test`" in keys_block(DetectionSettings))
""",
        says="a test True",
    ),
    Addition(
        what="a type of pictures",
        edits=(
            ("imagery/kinds.py", '    *(".jpg", ".jpeg"', '    ".tga",\n'),
            ("imagery/photograph.py", '"BMP", "GIF")', '"TGA", '),
        ),
        program="""
from pathlib import Path
from PIL import Image
from wildetect.geometry import Window
from wildetect.imagery.discovery import discover
from wildetect.imagery.opening import open_image
Image.new("RGB", (64, 48), (9, 8, 7)).save("{folder}/a.tga")
for one in discover([Path("{folder}")]):
    if one.path.suffix == ".tga":
        print(one.path.name, open_image(one.path).read(Window(0, 0, 64, 48))[0, 0])
""",
        says="a.tga [9 8 7]",
    ),
    Addition(
        what="a type of rasters",
        edits=(
            ("imagery/kinds.py", '    *(".jpg", ".jpeg"', '    ".img",\n'),
            (
                "local_files.py",
                "    # a JP2 file, a bare",
                '    RasterKind(driver="HFA", begins=(b"EHFA_HEADER_TAG",), pillow=False),\n',
            ),
        ),
        program="""
from pathlib import Path
import numpy as np
import rasterio
import wildetect
from wildetect.census.gathering import gather
from wildetect.imagery.opening import open_image
path = Path("{folder}/a.img")
place = rasterio.Affine(0.05, 0, 5e5, 0, -0.05, 9.8e6)
shape = {"driver": "HFA", "width": 640, "height": 640, "count": 3, "dtype": "uint8"}
with rasterio.open(path, "w", crs="EPSG:32737", transform=place, **shape) as file:
    file.write(np.arange(640 * 640 * 3).reshape(3, 640, 640).astype(np.uint8))
wildetect.detect(path, model="demo/detector.onnx", output="{folder}/run")
photographs = gather(wildetect.open_run("{folder}/run")).photographs
print([(one.file, round(one.georeference.gsd(320, 320), 2)) for one in photographs])
""",
        says="[('a.img', 0.05)]",
    ),
    Addition(
        what="a maker of cameras",
        edits=(
            (
                "imagery/camera/makers.py",
                '    Maker(\n        name="dji"',
                '    Maker(name="of-a-test", sensors={"T1": 9.5}),\n',
            ),
        ),
        program="from wildetect.imagery.camera.makers import sensor_width; print(sensor_width('T1'))",
        says="9.5",
    ),
    Addition(
        what="a doubt about a census",
        edits=(
            (
                "census/cautions/cameras.py",
                END,
                (
                    "def of_a_test(survey: Survey) -> Iterator[Caution]:\n"
                    '    yield Caution("of-a-test", f"{len(survey.shots)} shots.", "Fly again.")\n'
                ),
            ),
            ("census/cautions/findings.py", "    cameras,\n", "    of_a_test,\n"),
            ("census/cautions/findings.py", "cameras, edited, lens", "of_a_test, "),
        ),
        program="""
from wildetect.census.cautions.findings import cautions
from wildetect.census.ground.photographs import Views
print([one.kind for one in cautions([], Views(None, []))])
""",
        says="'of-a-test'",
    ),
    Addition(
        what="a section of a report",
        edits=(
            (
                "results/report/templates/report.html.j2",
                "{% if numbers.absent %}",
                "<h2>Of a test</h2><p>{{ numbers.of_a_test }}</p>",
            ),
            (
                "results/report/numbers.py",
                "    @property\n    def highest",
                "    @property\n    def of_a_test(self) -> int:\n        return 7\n\n",
            ),
        ),
        program="""
from pathlib import Path
import wildetect
wildetect.detect("demo/pictures/A1.jpg", model="demo/detector.onnx", output="{folder}/run")
print(Path("{folder}/run/report.html").read_text(encoding="utf-8").partition("<h2>Of a test</h2>")[2][:8])
""",
        says="<p>7</p>",
    ),
    Addition(
        what="a tag or metric in MLflow",
        edits=(("results/logged_run.py", '"state": run.state', '"of_a_test": "yes", '),),
        program="""
from pathlib import Path
import wildetect
from wildetect.results.logged_run import run_record
wildetect.detect("demo/pictures/A1.jpg", model="demo/detector.onnx", output="{folder}/run")
print(run_record(wildetect.open_run("{folder}/run").record, Path("{folder}/run")).tags)
""",
        says="'of_a_test': 'yes'",
    ),
    Addition(
        what="a check of `doctor`",
        edits=(
            (
                "checkup/store.py",
                END,
                (
                    "def check_of_a_test(subject: Subject) -> list[Finding]:\n"
                    '    return [fine("of-a-test", "all is well with the test")]\n'
                ),
            ),
            ("checkup/examination.py", '    "port": check_port', '    "of-a-test": check_of_a_test,\n'),
            ("checkup/examination.py", "check_disk, check_store\n", "check_of_a_test, "),
        ),
        program="""
from wildetect.checkup import examination
for name in [name for name in examination.CHECKS if name != "of-a-test"]:
    del examination.CHECKS[name]  # the others look at this machine
print(examination.as_document(list(examination.examine(None))))
""",
        says="all is well with the test",
    ),
)


@pytest.mark.parametrize("one", ADDITIONS, ids=[one.what for one in ADDITIONS])
def test_as_many_files_are_enough_as_the_page_says(tmp_path: Path, one: Addition) -> None:
    where, most = table()[one.what]
    edited = dict.fromkeys(file for file, _, _ in one.edits)
    assert len(edited) <= most
    named = re.findall(r"`([\w/.]+)`", where)
    assert [file for file in edited if not any(file.startswith(place) for place in named)] == []
    copy = tmp_path / "wildetect"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for file, place, new in one.edits:
        before = (copy / file).read_text(encoding="utf-8")
        assert place == END or before.count(place) == 1, f"{file}: {place}"
        after = f"{before}\n\n{new}" if place == END else before.replace(place, new + place)
        (copy / file).write_text(after, encoding="utf-8")
    said = python(tmp_path, one.program.replace("{folder}", tmp_path.as_posix()))
    assert said.returncode == 0, said.stderr
    assert one.says in said.stdout


def test_each_row_of_the_page_is_added_here() -> None:
    """Or in the tests of what is one file and one word."""
    elsewhere = {
        "a family of detectors",
        "a form of results",
        "a form of a census for others",
        "a census method",
    }
    assert set(table()) == {one.what for one in ADDITIONS} | elsewhere
