"""What people write in place of YAML: the line at fault is named, with what to write instead.

Where a parser stops differs from where the slip is, and some slips are YAML with another meaning.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from tests.workspaces import Workspace

from wildetect.errors import ConfigurationError
from wildetect.settings import Option, Project, load_settings
from wildetect.settings.census import CensusSettings
from wildetect.settings.detection import DetectionSettings
from wildetect.settings.problems import Key

FILE = "configs/mine.yaml"


def read(text: str | bytes) -> DetectionSettings:
    path = Path(FILE)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_settings(DetectionSettings, Project.find(), file=path.resolve())


def problems(text: str | bytes) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read(text)
    return list(caught.value.details) or [caught.value.message]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        # as in files of other kinds
        ("processing:\n  tile_size 800\n  batch_size: 3\n", 2, "a colon is missing: write tile_size: 800"),
        ("processing:\n  tile_size\n  batch_size: 3\n", 2, "a colon is missing: write tile_size:"),
        ("image_dir D:/x\n", 1, "a colon is missing: write image_dir: D:/x"),
        ("image_dir :D:/x\n", 1, "a space is missing after the colon: write image_dir: D:/x"),
        ("export image_dir=D:/x\n", 1, "= in place of a colon: write image_dir: D:/x"),
        ("// ours\nimage_dir: D:/x\n", 1, "a comment begins with #: write # ours"),
        ("; ours\nimage_dir: D:/x\n", 1, "a comment begins with #: write # ours"),
        ("image_dir: D:/x // ours\n", 1, "a comment begins with #: write image_dir: D:/x # ours"),
        ("[model]\n", 1, "brackets are no block to YAML: write model:"),
        (
            "processing: tile_size: 800\n",
            1,
            "two keys in one line: write tile_size: 800 in a line of its own",
        ),
        ("processing.tile_size: 800\n", 1, "write processing: and below it, indented, tile_size: 800"),
        ("IMAGE_DIR: D:/x\n", 1, "did you mean image_dir?"),
        ("image_paths: D:/x.jpg\n", 1, "must be a valid list; write [D:/x.jpg]"),
        ("processing:\n  tile_size: [800]\n", 2, "must be one value, not a list; write 800"),
        ("processing:\n  tile_size: ８００\n", 2, "must be a valid integer; write 800"),  # noqa: RUF001
        # quotes of word processors
        ("image_dir: “D:/survey”\n", 1, "curly quotes are no quotes to YAML: write 'D:/survey'"),
        ("image_dir: „D:/survey“\n", 1, "write 'D:/survey'"),
        ("image_dir: ‘D:/survey’\n", 1, "write 'D:/survey'"),  # noqa: RUF001
        ("image_paths: [“D:/a.jpg”, “D:/b.jpg”]\n", 1, "write 'D:/a.jpg'"),
        ("image_paths:\n  - “D:/a.jpg”\n", 2, "write 'D:/a.jpg'"),
        ("model:\n  device: “cpu”\n", 2, "write 'cpu'"),
        # backslashes in double quotes
        ('image_dir: "D:\\new"\n', 1, r"write 'D:\new'"),
        ('image_dir: "D:\\birds\\raw"\n', 1, r"write 'D:\birds\raw'"),
        ('image_dir: "D:\\survey"\n', 1, r"write 'D:\survey'"),
        ('image_dir: "C:\\Users\\ann"\n', 1, r"write 'C:\Users\ann'"),
        ('image_dir: "D:\\survey\\"\n', 1, r"write 'D:\survey\'"),
        ('image_dir: "\\\\server\\share"\n', 1, r"write '\\server\share'"),
        ('image_paths: ["D:\\new\\a.jpg"]\n', 1, r"image_paths[0]: in double quotes"),
        ('output:\n  directory: "results\\night"\n', 2, r"write 'results\night'"),
        # a missing space, which YAML takes for a text over several lines
        ("model:\n  device:cpu\n", 2, "a space is missing after the colon: write device: cpu"),
        ("image_dir:D:/survey\nmodel:\n  device: cpu\n", 1, "write image_dir: D:/survey"),
        ("processing:\n  tile_size: 800\n  batch_size:3\n  overlap_ratio: 0.2\n", 3, "write batch_size: 3"),
        ("processing:\n  tile_sise:800\n  batch_size: 3\n", 2, "write tile_sise: 800"),
        ("image_paths:\n  - a.jpg\n  -b.jpg\n", 3, "a space is missing after the dash: write - b.jpg"),
        ("image_dir = D:/survey\n", 1, "= in place of a colon: write image_dir: D:/survey"),
        ("image_dir： D:/survey\n", 1, "in place of a colon: write image_dir: D:/survey"),  # noqa: RUF001
        # columns
        ("model:\n\tdevice: cpu\n", 2, "the line begins with a tab: indent with spaces"),
        (
            "processing:\n  tile_size: 800\n   batch_size: 3\n",
            3,
            "begins in column 4, the line above in",
        ),
        (
            "processing:\n   tile_size: 800\n  batch_size: 3\n",
            3,
            "begins in column 3, the line above in",
        ),
        (" image_dir: x\nmodel:\n  device: cpu\n", 1, "the first key begins in column 1"),
        ("model:\n\u00a0\u00a0device: cpu\n", 2, "a space that is none to YAML"),
        ("model:\n  device:\u00a0cpu\n", 2, "a space that is none to YAML"),
        # quotes and brackets that stay open, values that need quotes
        ("image_dir: 'D:/survey\nmodel:\n  device: cpu\n", 1, "a quote is opened here and not closed"),
        ("image_paths: [a.jpg, b.jpg\nmodel:\n  device: cpu\n", 1, "[ is opened here and not closed by ]"),
        ("image_dir: 'D:/ann's survey'\n", 1, "is written twice: 'D:/ann''s survey'"),
        ("image_dir: D:\\camp: north\n", 1, r"stands in quotes: 'D:\camp: north'"),
        ("image_dir: %USERPROFILE%\\camp\n", 1, r"stands in quotes: '%USERPROFILE%\camp'"),
        ("image_dir: *.jpg\n", 1, "stands in quotes: '*.jpg'"),
        ("image_dir: !new/x\n", 1, "stands in quotes: '!new/x'"),
        ("model:\n  device: cpu\n---\nmodel: {}\n", 3, "a second document begins here"),
        # keys and values
        ("model: {}\nprocessing: {}\nmodel: {}\n", 3, "model is given twice (also in line 1)"),
        ("model:\n  device: CPU\n", 2, "write cpu"),
        ("model:\n  device: cpu,\n", 2, "write cpu"),
        ("model:\n  mlflow_model_name: no\n", 2, "only in quotes: write 'no'"),
        ("output:\n  export_all: ja\n", 2, "unknown key"),
        ("logging:\n  verbose: ja\n", 2, "must be true or false"),
        ("processing:\n  overlap_ratio: 0,2\n", 2, "must be a valid number; write 0.2"),
        ("processing:\n  overlap_ratio: 20%\n", 2, "write 0.2"),
        ("processing:\n  tile_size: 800px\n", 2, "write 800"),
        ("processing:\n  tile_size: 1,000\n", 2, "write 1000"),
        ("image_dir: [D:/x]\n", 1, "must be one path"),
        # what an editor saved
        (b"output:\n  directory: Gr\xf6\xdfe\n", 2, "is not UTF-8 text: in the editor choose"),
    ],
)
def test_a_slip_is_named_with_its_line(workspace: Path, text: str | bytes, line: int, says: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(f"{FILE}:{line}: ")
    assert says in problem


SEVERAL = """\
model:
  device:cpu
  mlflow_model_name: [a
processing:
    tile_size: many
  overlap_ratio: 3
image_dir: D:/a: b
csv: 3
output:
  directory: "D:\\new"
  bogus: 1
flight_specs:
   gsd: 3
   gsd: 4
     sensor_height: 24
logging:
  verbose: maybe
  log_file: 'it's'
"""


def test_every_fault_of_a_file_is_named_in_one_go(workspace: Path) -> None:
    """Wherever a parser would stop: slips, keys and values alike, each once and in the order of the file."""
    told = problems(SEVERAL)
    assert [int(problem.split(":")[1]) for problem in told] == [2, 3, 5, 6, 7, 8, 10, 11, 14, 15, 17, 18]


def test_what_a_fault_hides_is_not_called_missing(workspace: Path) -> None:
    """A key that cannot be read is there, and a block without it is no empty block."""
    assert len(problems("processing:\n  tile_size=640\nlogging:\n  verbose: maybe\n")) == 2
    Path(FILE).write_text("campaign:\n  id=demo\nsurvey:\n  tolerance: far\n", encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(CensusSettings, Project.find(), file=Path(FILE).resolve())
    assert [problem.split(":")[1] for problem in caught.value.details] == ["2", "4"]


@pytest.mark.parametrize(
    "height", ["600 rods", "1,200", "1.200,5"], ids=["in another unit", "which is it", "of two signs"]
)
def test_no_number_is_proposed_that_could_be_wrong(workspace: Path, height: str) -> None:
    (problem,) = problems(f"flight_specs:\n  flight_height: {height}\n")
    assert problem.startswith(f"{FILE}:2: ")
    proposed = problem.split("; write ")[1]
    assert not any(letter.isdigit() for letter in proposed)


@pytest.mark.parametrize(
    ("setting", "write"),
    [
        ("flight_specs:\n  flight_height: 180 m", "180"),
        ("flight_specs:\n  flight_height: 180m", "180"),
        ("flight_specs:\n  flight_height: 600 ft", "182.88"),
        ("flight_specs:\n  flight_height: 0,18 km", "180"),
        ("flight_specs:\n  gsd: 3 cm", "3"),
        ("flight_specs:\n  gsd: 3 cm/px", "3"),
        ("flight_specs:\n  focal_length: 24 mm", "24"),
        ("processing:\n  tile_size: 640 px", "640"),
        ("processing:\n  tile_size: 640 m", "the number alone, in px"),
        ("processing:\n  batch_size: 8 tiles", "the number alone, without a unit"),
    ],
)
def test_a_number_with_its_unit_is_what_is_to_be_written(workspace: Path, setting: str, write: str) -> None:
    (problem,) = problems(f"{setting}\n")
    assert problem.endswith(f"; write {write}")


def test_every_slip_of_a_file_is_named_at_once(workspace: Path) -> None:
    told = problems("image_dir: “D:/x”\nprocessing:\n  tile_size:800\n\tbatch_size: 3\n")
    assert [problem.split(": ")[0] for problem in told] == [f"{FILE}:1", f"{FILE}:3", f"{FILE}:4"]


# what a person writes, the line that is named, and what the message says to write in its place
FOLLOWED = [
    ("model:\n  device := cpu\n", 2, "device: cpu"),
    ("model:\n  device -> cpu\n", 2, "device: cpu"),
    ("image_dir: `D:/survey`\n", 1, "'D:/survey'"),
    ('image_dir: D:/survey"\n', 1, "'D:/survey'"),
    ("image_dir: D:/survey'\n", 1, "'D:/survey'"),
    ('image_dir: ""D:/survey""\n', 1, "'D:/survey'"),
    ('image_dir: "D:/camp" and more\n', 1, "'D:/camp and more'"),
    ('image_dir: D:\\"my survey"\\x\n', 1, r"'D:\my survey\x'"),
    ("image_dir: \u202aD:/survey\n", 1, "image_dir: D:/survey"),
    ("image_dir: D:/sur\u00advey\n", 1, "image_dir: D:/survey"),
    ("model:\n  mlflow_model_name: ele\u200bphant\n", 2, "mlflow_model_name: elephant"),
    ("image_dir: $HOME/x\n", 1, "${HOME}/x"),
    ("image_dir: $env:HOME\\x\n", 1, r"${HOME}\x"),
    ("image_dir: '%HOME%\\x'\n", 1, r"${HOME}\x"),
    ("image_paths:\n  – a.jpg\n", 2, "- a.jpg"),  # noqa: RUF001
    ("image_paths:\n  • a.jpg\n", 2, "- a.jpg"),
    ("image_paths:\n  1. a.jpg\n", 2, "- a.jpg"),
    ("-- mine\nmodel: {}\n", 1, "# mine"),
    ("/* mine */\nmodel: {}\n", 1, "# mine"),
    ("<!-- mine -->\nmodel: {}\n", 1, "# mine"),
    ("rem mine\nmodel: {}\n", 1, "# mine"),
    ("My file\nmodel: {}\n", 1, "# My file"),
    ("model:\n  device: cpu\nthe tiles\nprocessing: {}\n", 3, "# the tiles"),
    ("model:\n  device: cpu\nfilename,latitude\nprocessing: {}\n", 3, "# filename,latitude"),
    ("processing:\n  tile_size: 1'024\n", 2, "1024"),
    ("processing:\n  tile_size: 1 024\n", 2, "1024"),
    ("processing:\n  tile_size: 1\u202f024\n", 2, "1024"),
    ("processing:\n  tile_size: 800,\n", 2, "800"),
    ("processing:\n  overlap_ratio: 1/5\n", 2, "0.2"),
    ("processing:\n  confidence: 25 percent\n", 2, "0.25"),
    ("sensitive:\n  species: rhino, elephant\n", 2, "[rhino, elephant]"),
    ("sensitive:\n  species: (rhino; elephant)\n", 2, "[rhino, elephant]"),
    ("sensitive:\n  species: {0: rhino, 1: elephant}\n", 2, "[rhino, elephant]"),
    ("sensitive:\n  species: [yes]\n", 2, "'yes'"),
]


@pytest.mark.parametrize(("text", "line", "write"), FOLLOWED)
def test_what_a_message_says_to_write_is_read(workspace: Path, text: str, line: int, write: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(f"{FILE}:{line}: ")
    assert problem.endswith(f"write {write}")
    lines = text.splitlines()
    at_fault = lines[line - 1]
    before = at_fault[: len(at_fault) - len(at_fault.lstrip())]
    if not re.match(r"\w+: |- |# ", write):
        before = at_fault[: at_fault.index(": ") + 2]
    lines[line - 1] = before + write
    read("\n".join(lines))


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("model:\n<<<<<<< HEAD\n  device: cpu\n", 2, "a merge left both versions here"),
        ("model: {}\nMLFLOW_TRACKING_URI=http://a\n", 2, "a variable stands in .env"),
        ("MLFLOW_TRACKING_URI: http://a\n", 1, "it is a variable: write it into .env"),
        ("```yaml\nmodel: {}\n", 1, "remove the line"),
        ("- image_dir: x\n", 1, "have no dash before them: write image_dir: without it"),
        ("processing:\n  - tile_size: 800\n", 1, "processing: its keys have no dash before them"),
        ("model:\n  device: cpu\n  processing: {}\n", 3, "write processing: without a space before it"),
        ("port: 5000\n", 1, "it stands in configs/mlflow.yaml"),
        ("survey: {}\n", 1, "it stands in configs/census.yaml"),
        ('image_dir: "D:/x\nmodel:\n  device: "cpu"\n', 1, "a quote is opened here and not closed"),
        ("image_dir: 'D:/x\nmodel:\n  device: 'cpu'\n", 1, "a quote is opened here and not closed"),
        ("image_dir: ${HOME/x\n", 1, "${ is opened here and not closed by }"),
        ("image_dir: D:/x\n  D:/y\n", 2, "more of the value above it"),
        ("model:\n\u3000device: cpu\n", 2, "a space that is none to YAML"),
        ("model:\n  device:\u2009cpu\n", 2, "a space that is none to YAML"),
        ("flight_specs:\n  gsd: .inf\n", 2, "must be a finite number"),
        ("output:\n  directory: a\x0bb\n", 2, "a character that is no text (code 11)"),
        (b"model:\n  device: cpu\n\0\0\0\0", 3, "a character that is no text (code 0)"),
    ],
)
def test_a_slip_that_needs_more_than_another_word(
    workspace: Path, text: str | bytes, line: int, says: str
) -> None:
    test_a_slip_is_named_with_its_line(workspace, text, line, says)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"PK\x03\x04\x14\0", "a workbook, a document or an archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "a workbook or a document"),
        (b"{\\rtf1 model: {}}", "a document (.rtf)"),
        (b"<!DOCTYPE html>", "a web page"),
        (b"%PDF-1.4", "a PDF"),
        (bytes(40), "it holds zero bytes alone"),
    ],
)
def test_a_file_that_holds_no_text_is_named_for_what_it_is(
    workspace: Path, content: bytes, kind: str
) -> None:
    (problem,) = problems(content)
    assert kind in problem


def test_braces_that_yaml_reads_in_another_way(workspace: Path) -> None:
    """A comma or a missing space makes keys without a value of them."""
    for written in ("{elephant:0.4}", "{elephant: 0,4}"):
        Path(FILE).write_text(f"campaign: {{id: x}}\nsurvey:\n  confidence: {written}\n", encoding="utf-8")
        with pytest.raises(ConfigurationError) as caught:
            load_settings(CensusSettings, Project.find(), file=Path(FILE).resolve())
        assert "configs/mine.yaml:3: " in caught.value.details[0]
        assert caught.value.details[0].endswith("write elephant: 0.4")


def test_names_ids_and_paths_are_what_is_written(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """007 became 7, 1.10 became 1.1 and 1e3 became 1000.0: another model, campaign or folder."""
    settings = read(
        "model:\n  mlflow_model_name: 007\n  mlflow_model_alias: 010\n"
        "image_dir: 2024\noutput:\n  directory: 1e3\nprocessing:\n  tile_size: 0640\n"
        "sensitive:\n  species: [001, 1.10]\n"
    )
    assert (settings.model.mlflow_model_name, settings.model.mlflow_model_alias) == ("007", "010")
    assert (settings.image_dir, settings.output.directory) == (Path("2024"), Path("1e3"))
    assert settings.processing.tile_size == 640
    assert settings.sensitive.species == ["001", "1.10"]
    Path(FILE).write_text(
        "campaign:\n  id: 0123\n  roll_up: {no: [007]}\nsurvey:\n  confidence: {010: 0.4}\n", encoding="utf-8"
    )
    monkeypatch.setenv("WILDETECT_CENSUS__CAMPAIGN__TARGET_SPECIES", "[007, no]")
    census = load_settings(CensusSettings, Project.find(), file=Path(FILE).resolve())
    assert census.campaign.id == "0123"
    assert census.campaign.roll_up == {"no": ["007"]}
    assert census.survey.confidence == {"010": 0.4}
    assert census.campaign.target_species == ["007", "no"]


def test_what_stands_for_nothing_is_null(workspace: Path) -> None:
    """An empty path was the project's folder, None a folder of that name."""
    for nothing in ("''", "None", "none", "null", "~", ""):
        settings = read(
            f"image_dir: {nothing}\nmodel:\n  mlflow_model_name: {nothing}\noutput:\n  overlays: none\n"
        )
        assert (settings.image_dir, settings.model.mlflow_model_name) == (None, None)
        assert settings.output.overlays == "none"
    assert read("output:\n  directory: ''\n").output.directory == Path("results")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_as_notepad_or_powershell_saves_it(workspace: Path, encoding: str) -> None:
    assert read("model:\r\n  device: cuda\r\n".encode(encoding)).model.device == "cuda"


@pytest.mark.parametrize(
    "text",
    [
        "model:\n  device:\tcuda\t\n",
        "model:\n  device: cuda\t# a comment\n",
        '{"model": {"device": "cuda"}}\n',
        "model:\n  device: 'cuda'\noutput:\n  directory: D:\\new\n",
        'model:\n  device: "cuda"\noutput:\n  directory: "D:\\\\new"\n',
        "# model:device and model = x\nmodel:\n  device: cuda\n  # “so” it is\n",
        "model:\n  mlflow_model_name: >\n    a text: device:cpu\n    model = “x”\n  device: cuda\n",
        "model:\n  device: cuda # a\u00a0: \u200bx, 'so\nimage_paths: [\n  'a.jpg',\n  \"b, c.jpg\"\n]\n",
        "model: {device: cuda}\noutput:\n  directory: D:\\it's\n",
        'model:\n  device: cuda\n  mlflow_model_name: Ann\'s "new" one\n',
        "model:\n  device: cuda\nimage_dir: \\\\server\\C$\\survey\n",
        "image_paths:\n- -5.jpg\n- D:/new/a.jpg\n- http://x\nmodel: {device: cuda}\n",
    ],
)
def test_what_is_no_slip(workspace: Path, text: str) -> None:
    assert read(text).model.device == "cuda"


def test_an_option_names_the_number_that_was_meant(workspace: Path) -> None:
    options: dict[Key, Option] = {("processing", "overlap_ratio"): Option("--overlap", "0,3")}
    with pytest.raises(ConfigurationError, match=r"--overlap: .*; write 0\.3"):
        load_settings(DetectionSettings, Project.find(), options=options)


@pytest.mark.parametrize(
    ("text", "line", "meant"),
    [
        ("image_dir: D:/survey #2\n", 1, "'D:/survey #2'"),
        ("# x\nimage_dir: D:/survey #2 north\r\n", 2, "'D:/survey #2 north'"),
        ("image_dir: D:\\survey #2\\day 1\n", 1, "'D:\\survey #2\\day 1'"),
        ("image_dir: D:/survey #camp", 1, "'D:/survey #camp'"),
        ("image_dir: D:/survey # 2\n", 1, "'D:/survey # 2'"),
        ("image_paths:\n- D:/a.jpg\n- D:/Bob's #2.jpg\n", 3, "'D:/Bob''s #2.jpg'"),
    ],
)
def test_a_path_that_yaml_cuts_is_warned_of(
    text: str, line: int, meant: str, workspace: Path, caplog: pytest.LogCaptureFixture
) -> None:
    read(text)
    (told,) = [record.getMessage() for record in caplog.records if '" #"' in record.getMessage()]
    assert told.startswith(f"{FILE}:{line}: image_")
    assert told.endswith(f"write {meant}")


@pytest.mark.parametrize(
    "text",
    [
        "image_dir: 'D:/survey #2'\n",
        "image_dir: D:/survey  # where they are\n",
        "image_dir: D:/survey #the card of Monday\n",
        "image_dir: D:/survey#2\n",
        "model:\n  device: cuda #2\n",
        "image_dir: D:/survey\n#2\n",
        *[
            path.read_text(encoding="utf-8")
            for path in [Path(__file__).parents[2] / "configs/detection.yaml"]
        ],
    ],
)
def test_a_comment_is_no_cut_path(text: str, workspace: Path, caplog: pytest.LogCaptureFixture) -> None:
    read(text)
    assert not [record for record in caplog.records if '" #"' in record.getMessage()]


def test_a_cut_path_is_warned_of_by_the_program(tmp_path: Path) -> None:
    project = Workspace.make(tmp_path / "project")
    (project.root / "configs/mine.yaml").write_text("image_dir: D:/survey #2\n", encoding="utf-8")
    ended = project.invoke("detect.run", "--config", "configs/mine.yaml")
    assert "configs/mine.yaml:1: image_dir: D:/survey is read" in ended.stderr
    assert "write 'D:/survey #2'" in ended.stderr


@pytest.mark.parametrize("words", [("config.show", "detection"), ("doctor",)])
def test_a_cut_path_is_warned_of_where_settings_are_looked_at(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Also beside an error of the same file."""
    project = Workspace.make(tmp_path / "project")
    text = "image_dir: D:/survey #2\n"
    (project.root / "configs/detection.yaml").write_text(text, encoding="utf-8")
    ended = project.invoke(*words)
    assert "write 'D:/survey #2'" in ended.stdout + ended.stderr
    (project.root / "configs/detection.yaml").write_text(f"{text}bogus: 1\n", encoding="utf-8")
    ended = project.invoke(*words)
    assert "write 'D:/survey #2'" in ended.stdout + ended.stderr


def test_a_folder_in_place_of_the_file_and_one_that_cannot_be_read(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path("configs/detection.yaml")
    path.mkdir()
    with pytest.raises(
        ConfigurationError, match=r"^configs/detection\.yaml is a folder, not a settings file$"
    ):
        load_settings(DetectionSettings, Project.find())
    path.rename("configs/other")
    load_settings(DetectionSettings, Project.find())
    path.write_text("model: {}\n", encoding="utf-8")

    def locked(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", locked)
    with pytest.raises(ConfigurationError, match=r"Permission denied.*: close the program that has it open"):
        load_settings(DetectionSettings, Project.find())


@pytest.mark.parametrize(
    "begin", ["/home/ann/", "D:\\my survey\\", "/it's ", "/a: b #c ", "- ", "/ä ", '"x" ', "1.10 "]
)
def test_a_file_that_a_program_wrote_is_read(workspace: Path, begin: str) -> None:
    """Programs break lines at 80 letters, in quotes and without."""
    folder = begin + "a long name of a folder " * 8 + "end"
    settings = read(yaml.safe_dump({"image_dir": folder, "processing": {"tile_size": 640}}))
    assert settings.image_dir == Path(folder)
