"""Baselines: an evaluation's scores as a file that people review, one line a case.

A baseline is JSON Lines in UTF-8. Line 1 says what was measured: schema, pipeline, golden set and its
fingerprint, the identity of every metric. Each further line is a case: its scores rounded to six
digits, a reason where there is none, and short hashes of the case and of the response, so that a
later run can say which cases were edited and which answers changed. Equal evaluations give equal
bytes; NaN is refused on the way in and out.
"""

from .contents import Baseline, BaselineCase, baseline_of, baseline_path, file_name, rounded, scores_by_case
from .files import SCHEMA, UPDATE, read_baseline, shown, write_baseline
from .matching import Difference, difference, require_same

__all__ = [
    "SCHEMA",
    "UPDATE",
    "Baseline",
    "BaselineCase",
    "Difference",
    "baseline_of",
    "baseline_path",
    "difference",
    "file_name",
    "read_baseline",
    "require_same",
    "rounded",
    "scores_by_case",
    "shown",
    "write_baseline",
]
