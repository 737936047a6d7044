"""All forms in which a census leaves the house, one record each.

A new form is one file with its record in this folder, and its word in settings/words.py.
"""

from __future__ import annotations

from wildetect.catalogue import gathered
from wildetect.census.exports.form import CensusForm
from wildetect.settings.words import CENSUS_EXPORTS, CensusExport

__all__ = ["FORMS"]

FORMS: dict[CensusExport, CensusForm] = gathered("wildetect.census.exports", CensusForm, CENSUS_EXPORTS)
"""The records by their words, in their order."""
