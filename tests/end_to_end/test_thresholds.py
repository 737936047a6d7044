"""The thresholds that are registered with a model act in every run whose settings give none."""

from __future__ import annotations

from tests.workspaces import REPOSITORY, Workspace

DETECTOR = REPOSITORY / "demo/detector.onnx"


def test_the_registered_thresholds_are_those_of_a_run(served: Workspace) -> None:
    found = {}
    for name, overlap in (("strict", 0.01), ("loose", 0.95)):
        config = served.root / f"configs/{name}.yaml"
        config.write_text(
            f"localizer: {{yolo: {{iou_thres: {overlap}, conf_thres: 0.01}}}}\n", encoding="utf-8"
        )
        model = f"{name}-threshold"
        served.succeed("model.register", "--weights", DETECTOR, "--name", model, "--config", config)
        words = ("--model", f"{model}/1", "--source", REPOSITORY / "demo/pictures", "--limit", "1")
        run = served.document("detect.run", *words, "--tile-size", "640", "--output", f"results/{name}")
        assert (run["settings"]["nms_threshold"], run["settings"]["confidence"]) == (overlap, 0.01)
        found[name] = run["detections"]
    assert found["strict"] < found["loose"]


def test_model_show_says_what_a_run_would_use(served: Workspace) -> None:
    served.succeed("model.register", "--weights", DETECTOR, "--name", "shown-thresholds")
    shown = served.document("model.show", "--model", "shown-thresholds/1")
    assert shown["run_thresholds"] == shown["manifest"]["thresholds"]
    assert "in a run" not in served.succeed("model.show", "--model", "shown-thresholds/1")

    settings = served.root / "configs/detection.yaml"
    before = settings.read_text(encoding="utf-8")
    try:
        settings.write_text(before.replace("nms_threshold: null", "nms_threshold: 0.7"), encoding="utf-8")
        shown = served.document("model.show", "--model", "shown-thresholds/1")
        assert shown["run_thresholds"] == shown["manifest"]["thresholds"] | {"iou": 0.7}
        text = served.succeed("model.show", "--model", "shown-thresholds/1")
        assert "IOU 0.7: configs/detection.yaml" in text
    finally:
        settings.write_text(before, encoding="utf-8")
