"""The rules of MegaDetector's batch output format 1.6, from its specification.

https://lila.science/megadetector-output-format
"""

from __future__ import annotations

from typing import Any


def problems_of(document: Any) -> list[str]:
    """What breaks a rule; empty for a valid document."""
    problems: list[str] = []

    def rule(holds: object, text: str) -> None:
        if not holds:
            problems.append(text)

    for key, kind in (("info", dict), ("detection_categories", dict), ("images", list)):
        rule(isinstance(document.get(key), kind), f"{key} is required")
    if problems:
        return problems
    version = document["info"].get("format_version")
    rule(isinstance(version, str) and float(version) == 1.6, "format_version is a string that holds 1.6")
    categories = document["detection_categories"]
    for number, name in categories.items():
        rule(number.isdigit(), f"category {number!r} is a number in a string")
        rule(isinstance(name, str) and name.strip(), f"category {number} has a name")
    files = [image.get("file") for image in document["images"]]
    rule(len(set(files)) == len(files), "no file is there twice")
    for image in document["images"]:
        where = image.get("file")
        rule(isinstance(where, str) and where, "each image has a file")
        failure, found = image.get("failure"), image.get("detections")
        if failure is not None:
            rule(isinstance(failure, str) and failure, f"{where}: failure is a reason")
            rule(found is None, f"{where}: a failed image has no list of detections")
            continue
        rule(isinstance(found, list), f"{where}: a processed image has a list of detections")
        for box in found or []:
            rule(box.get("category") in categories, f"{where}: category {box.get('category')!r} is known")
            rule(isinstance(box.get("conf"), float) and 0 <= box["conf"] <= 1, f"{where}: conf is 0 to 1")
            edges = box.get("bbox")
            rule(len(edges) == 4 and all(0 <= edge <= 1 for edge in edges), f"{where}: bbox is 0 to 1")
            x, y, width, height = edges
            inside = x + width <= 1 + 1e-6 and y + height <= 1 + 1e-6
            rule(inside, f"{where}: bbox {edges} is inside the image")
    return problems
