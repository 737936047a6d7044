"""What a census says on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wildetect.tasks.table import print_table

if TYPE_CHECKING:
    from pathlib import Path

    from wildetect.census.selftest.vectors import VectorCheck

__all__ = ["show_checks", "show_summary"]


def show_summary(document: dict[str, Any], folder: Path) -> None:
    """The numbers with their limits, and where everything is."""
    counts, tolerance = document["counts"], document["tolerance"]
    rows = [_row(one) for one in _headlines(document)]
    if rows:
        print_table(["species", "seen", "estimated", "95% limits"], rows, numbers=True)
    others = ", ".join(
        f"{one['animals']} at {one['metres']:.1f} m" for one in tolerance["counts"] if one["name"] != "chosen"
    )
    print(
        f"{counts['animals']} animals seen in {counts['boxes']} boxes of {counts['photographs']} photographs"
    )
    print(f"boxes within {tolerance['metres']:.1f} m of each other are one animal ({others})")
    refused = {one["refusal"]: one["estimate"] for one in _headlines(document) if one["refusal"]}
    for reason, estimate in refused.items():
        print(f"{'no estimate' if estimate is None else 'no limits'}: {reason}")
    _show_other_limits(document)
    _show_corrected(document)
    print(f"results: {folder}")
    print(f"report:  {folder / 'census_report.html'}   (open it in a browser; it needs no network)")


def _show_other_limits(document: dict[str, Any]) -> None:
    """The limits of all species together that were not chosen, and how each was made."""
    for total in _headlines(document)[-1:]:
        ways = [
            f"{one['lower']:,.0f} to {one['upper']:,.0f} ({one['shape']}, {one['spread']})"
            for one in total["limits"]
            if not one["chosen"]
        ]
        if ways:
            print(f"limits of all made in other ways: {', '.join(ways)}")


def _show_corrected(document: dict[str, Any]) -> None:
    """What a review makes of the numbers; one line where nobody has reviewed."""
    summary = document["summary"]
    rows = [
        [name, f"{one['detected']:,}", f"{one['reviewed']:,}", *_number(one["corrected"])]
        for name, one in summary.items()
        if one["corrected"]
    ]
    rows += [
        [f"{name}, hidden ones too", "", "", *_number(one["available"]["corrected"])]
        for name, one in summary.items()
        if one.get("available") and one["available"]["corrected"]
    ]
    if rows:
        print_table(["species", "detected", "reviewed", "corrected", "95% limits"], rows, numbers=True)
    for reason in dict.fromkeys(one["reason"] for one in summary.values() if one["reason"]):
        print(f"not corrected: {reason}")


def _number(corrected: dict[str, Any]) -> list[str]:
    return [f"{corrected['value']:,.0f}", f"{corrected['lower']:,.0f} to {corrected['upper']:,.0f}"]


def _headlines(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Of the whole survey: the species of which most were seen first, all together last."""
    found = [one for one in document["estimates"] if one["stratum"] == "all"]
    return sorted(found, key=lambda one: (one["species"] is None, -one["number_seen"]))


def _row(one: dict[str, Any]) -> list[str]:
    limits = "-" if one["lower"] is None else f"{one['lower']:,.0f} to {one['upper']:,.0f}"
    estimate = "-" if one["estimate"] is None else f"{one['estimate']:,.0f}"
    return [one["species"] or "all species", f"{one['number_seen']:,}", estimate, limits]


def show_checks(checks: Sequence[VectorCheck]) -> None:
    """Each figure as it was published and as it is computed here."""
    rows = [_check(check) for check in checks]
    print_table(["source", "figure", "expected", "computed", ""], rows, numbers=True)
    right = sum(check.ok for check in checks)
    print(f"{right} of {len(checks)} figures agree")


def _check(check: VectorCheck) -> list[str]:
    figures = [_figure(value, check.digits) for value in (check.expected, check.computed)]
    return [check.name, check.what, *figures, "ok" if check.ok else "OFF"]


def _figure(value: float, digits: int) -> str:
    return f"{value:,.{max(digits, 0)}f}"
