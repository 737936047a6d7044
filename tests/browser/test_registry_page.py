"""What MLflow's own page shows of a registered detector."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.workspaces import REPOSITORY, Workspace, unused_uri

from wildetect.server.process.page import MODELS_PAGE

pytest.importorskip("selenium", reason="selenium is not installed (uv run nox -s browser)")
from selenium import webdriver
from selenium.webdriver.common.by import By


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    root = tmp_path_factory.mktemp("page") / "project"
    workspace = Workspace.make(root, MLFLOW_TRACKING_URI=unused_uri())
    workspace.succeed("mlflow.serve", "--detach")
    try:
        yield workspace
    finally:
        workspace.succeed("mlflow.stop")


def text_with(browser: webdriver.Chrome, words: tuple[str, ...]) -> str:
    """The page's text once it holds all words; the page is made by scripts."""
    until = time.monotonic() + 40
    while True:
        text = browser.find_element(By.TAG_NAME, "body").text
        missing = [word for word in words if word not in text]
        if not missing:
            return text
        assert time.monotonic() < until, f"{missing} is not on the page: {text}"
        time.sleep(0.3)


def test_what_is_known_of_a_version(served: Workspace, browser: webdriver.Chrome, tmp_path: Path) -> None:
    config = served.root / "configs/page.yaml"
    tags = "{training_data: camp-23}"
    config.write_text(f"description: Seen in the **field**\ntags: {tags}\n", encoding="utf-8")
    weights = REPOSITORY / "demo" / "detector.onnx"
    words = ("--config", config, "--weights", weights, "--name", "page-detector", "--alias", "production")
    served.succeed("model.register", *words)
    browser.set_window_size(1400, 1100)
    address = served.variables["MLFLOW_TRACKING_URI"]
    browser.get(address + MODELS_PAGE)  # as mlflow.serve opens it
    text = text_with(browser, ("page-detector", "production", "Model registry"))
    time.sleep(2)  # greetings come after the models
    text = text_with(browser, ("page-detector",))
    for greeting in ("MLflow Assistant", "Try it now", "Prompts", "AI Gateway"):
        assert greeting not in text
    browser.save_screenshot(str(screenshots(tmp_path) / "models.png"))
    browser.get(f"{address}/#/models/page-detector/versions/1")
    known = (
        "page-detector",
        "Version 1",
        "production",
        "training_data",
        "camp-23",
        "yolov8",
        "field",
        "sha256",
    )
    text_with(browser, (*known, "Inputs (1)", "Outputs (1)"))
    browser.save_screenshot(str(screenshots(tmp_path) / "version.png"))


def test_the_runs_that_were_made_with_a_version(
    served: Workspace, browser: webdriver.Chrome, tmp_path: Path
) -> None:
    weights = REPOSITORY / "demo" / "detector.onnx"
    served.succeed("model.register", "--weights", weights, "--name", "runs-of", "--alias", "production")
    words = (
        "--source",
        REPOSITORY / "demo" / "pictures",
        "--model",
        "runs-of@production",
        "--tile-size",
        "640",
    )
    served.succeed("detect.run", *words, "--output", tmp_path / "run", "--limit", "1")
    address = served.variables["MLFLOW_TRACKING_URI"]
    browser.set_window_size(1400, 1100)
    browser.get(f"{address}/#/models/runs-of/versions/1")
    text_with(browser, ("last_detection", "runs-of on 1 of 1 image"))
    source = browser.find_element(By.XPATH, "//*[contains(text(), 'Source Model')]/following::a[1]")
    browser.get(str(source.get_attribute("href")))
    text_with(browser, ("Runs", "runs-of on 1 of 1 image", "pictures (#"))
    browser.save_screenshot(str(screenshots(tmp_path) / "runs.png"))
    run = browser.find_element(By.XPATH, "//a[contains(., 'runs-of on 1 of 1 image')]")
    browser.get(str(run.get_attribute("href")))
    text_with(browser, ("detections with runs-of version 1 in 1 of 1 image", "Datasets", "pictures ("))
    note = browser.find_element(By.XPATH, "//a[contains(., 'runs-of version 1')]")
    assert str(note.get_attribute("href")).endswith("#/models/runs-of/versions/1")


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (390, 844)])
def test_who_types_the_address_finds_the_models_too(
    served: Workspace, browser: webdriver.Chrome, tmp_path: Path, width: int, height: int
) -> None:
    """The bare address, as a phone on the network gets it: no greeting, and the registry in the menu."""
    address = served.variables["MLFLOW_TRACKING_URI"]
    browser.set_window_size(width, height)
    browser.get(f"{address}/health")  # a page without scripts
    browser.execute_script("localStorage.clear()")
    browser.get(address)
    text_with(browser, ("Model registry", "Registered Models"))
    time.sleep(2)
    text = text_with(browser, ("Model registry", "Registered Models"))
    for greeting in ("MLflow Assistant", "Try it now", "Prompts", "AI Gateway", "telemetry"):
        assert greeting not in text
    browser.get(f"{address}/#/")  # Home, by its link
    text_with(browser, ("Welcome to MLflow",))
    time.sleep(2)
    text = text_with(browser, ("Welcome to MLflow",))
    assert "telemetry" not in text
    browser.save_screenshot(str(screenshots(tmp_path) / f"home-{width}.png"))
    # who chooses otherwise keeps it
    browser.execute_script("localStorage.setItem('mlflow.workflowType_v1', JSON.stringify('genai'))")
    browser.get("about:blank")
    browser.get(address)
    text_with(browser, ("Prompts",))
    browser.execute_script("localStorage.clear()")


def screenshots(tmp_path: Path) -> Path:
    """Where pictures of the page are kept: a folder that CI names, else the test's own."""
    folder = Path(os.environ.get("WILDETECT_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
