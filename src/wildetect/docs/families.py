"""What the pages say of the detector families: one row for each record of their table."""

from __future__ import annotations

from wildetect.detection.families.table import TABLE
from wildetect.docs.markdown import cell, code, table

__all__ = ["families_block"]


def families_block() -> str:
    """Write the table of families: the word, what is exported so, and the outputs."""
    rows = [[code(one.name), cell(one.exported_from), cell(one.outputs)] for one in TABLE.values()]
    return table(["family", "exported from", "outputs; C is the number of classes"], rows)
