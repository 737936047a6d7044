"""What MLflow's own pages show of trainings: curves, data set, and the way from version to run and back."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from tests.browser.test_registry_page import screenshots, served, text_with
from tests.training_sets import small_set
from tests.workspaces import REPOSITORY, Workspace

from wildetect.registry.connection import Connection, connect
from wildetect.registry.learning import runs
from wildetect.registry.runs import DatasetRecord, RunRecord, finish_run

pytest.importorskip("selenium", reason="selenium is not installed (uv run nox -s browser)")
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

__all__ = ["served"]


def trained(connection: Connection, name: str, rate: float) -> str:
    """A training of 12 epochs, logged as model.train does it, but learned by nobody; its id."""
    dataset = DatasetRecord(name="camp-set", digest="c0ffee" * 10, source={"folder": "camp-set"}, size=40)
    record = RunRecord(parameters={"epochs": 12, "imgsz": 320}, tags={"machine": "here"}, dataset=dataset)
    run_id = runs.begin(connection, name, record)
    for epoch in range(1, 13):
        recall = 1 - math.exp(-rate * epoch)
        runs.log_epoch(connection, run_id, epoch, {"val/recall": recall, "train/box_loss": 2 - recall})
    finish_run(connection, run_id, RunRecord(metrics={"best/recall": recall}))
    return run_id


def page(browser: webdriver.Chrome, served: Workspace, place: str, words: tuple[str, ...]) -> str:
    browser.get("about:blank")  # another # alone would not load the page again
    browser.get(f"{served.variables['MLFLOW_TRACKING_URI']}/#/{place}")
    text = text_with(browser, words)
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.ESCAPE)  # MLflow's greeting
    return text


def test_a_training_shows_curves_and_data_set_and_two_are_compared(
    served: Workspace, browser: webdriver.Chrome, tmp_path: Path
) -> None:
    connection = connect(served.variables["MLFLOW_TRACKING_URI"])
    first, second = trained(connection, "slow", 0.1), trained(connection, "quick", 0.4)
    experiment = connection.client.get_run(first).info.experiment_id
    browser.set_window_size(1500, 1200)
    page(browser, served, f"experiments/{experiment}/runs", ("slow", "quick", "camp-set"))
    browser.save_screenshot(str(screenshots(tmp_path) / "training.png"))
    page(browser, served, f"experiments/{experiment}/runs/{first}", ("slow", "camp-set", "epochs", "imgsz"))
    browser.save_screenshot(str(screenshots(tmp_path) / "training-run.png"))
    place = f"experiments/{experiment}/runs/{first}/model-metrics"
    page(browser, served, place, ("train/box_loss", "val"))  # recall is drawn once it is scrolled to
    assert browser.find_elements(By.CSS_SELECTOR, ".js-plotly-plot"), "no curve is drawn"
    browser.save_screenshot(str(screenshots(tmp_path) / "training-curves.png"))
    both = f"compare-runs?runs=[%22{first}%22,%22{second}%22]&experiments=[%22{experiment}%22]"
    page(browser, served, both, ("slow", "quick", "best/recall"))
    browser.save_screenshot(str(screenshots(tmp_path) / "training-compared.png"))


def test_the_card_of_a_version_leads_to_its_training_and_the_training_to_the_version(
    served: Workspace, browser: webdriver.Chrome, tmp_path: Path
) -> None:
    connection = connect(served.variables["MLFLOW_TRACKING_URI"])
    run_id = trained(connection, "of-a-version", 0.2)
    small_set(served.root / "camp-set")
    weights = ("--weights", REPOSITORY / "demo/detector.onnx", "--name", "carded", "--alias", "production")
    served.succeed("model.register", *weights, "--training-run", run_id, "--trained-on", "camp-set")
    browser.set_window_size(1500, 1200)
    words = ("Model card", "trained on", "camp-set", "measured", "never", "nothing was required")
    page(browser, served, "models/carded/versions/1", words)
    browser.save_screenshot(str(screenshots(tmp_path) / "card.png"))
    link = browser.find_element(By.XPATH, f"//a[contains(@href, '#/runs/{run_id}')]")
    browser.get(str(link.get_attribute("href")))
    text_with(browser, ("of-a-version", "carded version 1"))
    back = browser.find_element(By.XPATH, "//a[contains(., 'carded version 1')]")
    assert str(back.get_attribute("href")).endswith("#/models/carded/versions/1")
