"""The task that shows everything once, on what the project ships."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from invoke.context import Context

from wildetect.tasks.calling import as_called
from wildetect.tasks.support import export_variables, say, verb
from wildetect.wording import commas, number_of

if TYPE_CHECKING:
    from pathlib import Path

    from wildetect.census.output.record import CensusRecord
    from wildetect.evaluation.scoring import Counts
    from wildetect.registry.versions import Version
    from wildetect.results.run import DetectionRun
    from wildetect.settings import Project

__all__ = ["demo"]

NAME = "demo"
ALIAS = "production"
TILE_SIZE = "640"  # what the demo detector was trained on
OVERLAP = "0.2"
CONFIDENCE = "0.35"
SCENES = "rendered scenes of the demo"  # what its pictures are called among labelled ones
CENSUS = "census"  # folder of its results beside the detections


@verb(shim="demo.bat")
def demo(context: Context) -> None:
    """Try everything, on the shipped detector and pictures.

    It starts the server, registers the detector, detects in the pictures, measures what was found, and
    counts each animal once.

    The pictures are rendered, not photographed; how many of their animals were found is measured then
    and there. It ends by saying where everything is.
    """
    del context
    from wildetect.results.journal.command import Command
    from wildetect.settings import Project
    from wildetect.settings.address import TRACKING_URI
    from wildetect.tasks.detect.detect import begun, detected
    from wildetect.workflows.detection_plan import Request

    project = Project.find()
    export_variables(project)
    folder = _shipped(project)
    output = project.root / "results" / "demo"
    url = _serve(project)
    # Whatever .env says: the demo's model belongs into this project's own server.
    os.environ[TRACKING_URI] = url
    version = _registered(project, url, folder / "detector.onnx")
    request = Request(
        sources=(str(folder / "pictures"),),
        output=str(output),
        model=f"{NAME}@{ALIAS}",
        tile_size=TILE_SIZE,
        overlap=OVERLAP,
        confidence=CONFIDENCE,
        restart=True,
        begun_by=Command("demo"),
    )
    run = detected(begun(request), request)
    measured = _measured(url, run, folder, output)
    found = _census(project, folder, output)
    _report(project, url, version, run, measured, output)
    _report_census(project, found, folder, output)


def _shipped(project: Project) -> Path:
    from wildetect.errors import InputError

    folder = project.root / "demo"
    if not (folder / "detector.onnx").is_file():
        raise InputError(
            f"the demo's detector and pictures are not in {folder}",
            hint="They come with the project's repository: run the demo in a clone of it.",
        )
    return folder


def _serve(project: Project) -> str:
    """Start the server in the background, on the next free port where another program has ours."""
    from wildetect.server.process.plan import plan_server
    from wildetect.server.process.ports import holder_of, next_free
    from wildetect.server.process.server import running, start
    from wildetect.settings import Option, load_settings
    from wildetect.settings.mlflow import MlflowSettings

    own = running(project)
    if own is not None:
        say(f"MLflow server is already running at {own.url}")
        return own.url
    plan = plan_server(project, load_settings(MlflowSettings, project))
    holder = holder_of(plan.host, plan.port)
    if holder is not None:
        port = next_free(plan.host, plan.port)
        say(f"port {plan.port} is held by {holder}; taking {port}")
        plan = plan_server(
            project, load_settings(MlflowSettings, project, options={("port",): Option("--port", port)})
        )
    say("starting the MLflow server (10 to 30 s the first time) ...")
    started = start(plan).state
    say(f"MLflow server at {started.url} (pid {started.pid}, {started.seconds:.1f} s)")
    return started.url


def _registered(project: Project, url: str, weights: Path) -> Version:
    """The demo's version in the registry, made unless the same file is there already."""
    from wildetect.registry.connection import connect
    from wildetect.settings.registration import Localizer, Naming, RegistrationSettings, Yolo
    from wildetect.tasks.progress import Terminal
    from wildetect.workflows.registration import checked, register

    settings = RegistrationSettings(
        localizer=Localizer(yolo=Yolo(weights=weights, conf_thres=float(CONFIDENCE))),
        processing=Naming(name=NAME),
        description="Small detector of the demo, trained on **rendered** scenes: not for real surveys.",
    )
    registration, _ = checked(project, settings, [ALIAS])
    version, made = register(project, connect(url), registration, Terminal())
    if made:
        say(f"registered {NAME} version {version.version} as {ALIAS}")
    return version


def _measured(url: str, run: DetectionRun, folder: Path, output: Path) -> Counts:
    """How many of the scenes' animals were found; the version keeps it, so that the census page knows."""
    from wildetect.evaluation.annotations import read_annotations
    from wildetect.evaluation.scoring import score
    from wildetect.registry.connection import connect
    from wildetect.results.exports.formats.csv_file import read_csv
    from wildetect.workflows.evaluation import log_scores

    truth = read_annotations(folder / "truth.json", run.class_names)
    scores = score(read_csv(output / "detections.csv", run.class_names), truth)
    log_scores(connect(url), run, truth, scores, SCENES)
    return scores.counts


def _report(
    project: Project, url: str, version: Version, run: DetectionRun, measured: Counts, output: Path
) -> None:
    counts = commas(f"{count:,} {name}" for name, count in run.counts.items())
    print(as_called(f"server    {url}   (open it in a browser; stop it: uv run invoke mlflow.stop)"))
    print(f"model     {NAME} version {version.version}, alias {ALIAS}")
    print(f"pictures  {run.images.read:,} of {run.images.found:,}, {number_of(run.tiles, 'tile')}: {counts}")
    print(
        f"measured  recall {measured.recall or 0:.3f}, precision {measured.precision or 0:.3f} "
        f"({measured.found:,} of {number_of(measured.animals, 'animal')} found, "
        f"{number_of(measured.wrong, 'wrong box', 'wrong boxes')})"
    )
    print("          on rendered scenes: a real survey needs a detector trained on real photographs")
    print(f"results   {project.shown(output)}: detections.csv, detections.json, run.json, overlays/")
    print(f"report    {project.shown(output / 'report.html')}   (open it in a browser)")


def _census(project: Project, folder: Path, output: Path) -> CensusRecord:
    """Animals that stand where pictures overlap, counted once, and how many the plain holds: census.json."""
    from wildetect.settings.census import Campaign, CensusExport, CensusSettings, SurveyKeys
    from wildetect.tasks.progress import Terminal
    from wildetect.workflows.census import census

    settings = CensusSettings(
        campaign=Campaign(id=NAME),
        survey=SurveyKeys(
            detections=output,
            strata=folder / "survey" / "outline.geojson",
            transects=folder / "survey" / "lines.geojson",
        ),
        export=CensusExport(output_directory=output / CENSUS),
    )
    return census(project, settings, watcher=Terminal()).record


def _report_census(project: Project, found: CensusRecord, folder: Path, output: Path) -> None:
    counts, total = found.counts, found.headlines[-1]
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    different = len({box["animal_id"] for box in truth["annotations"]})
    print(
        f"census    {number_of(counts.animals, 'animal')} detected, in "
        f"{number_of(counts.boxes, 'box', 'boxes')}; "
        f"there are {different} in the scenes"
    )
    if total.estimate is not None and total.lower is not None:
        print(
            f"estimate  {total.estimate:,.0f} on the {total.area_km2 or 0:.2f} km² around the "
            f"{number_of(total.sampled, 'flight line')}, 95% limits {total.lower:,.0f} to {total.upper:,.0f}"
        )
        print(f"          the limits hold {total.limits_hold}")
    print(f"          {project.shown(output / CENSUS / 'census_report.html')}   (open it in a browser)")
