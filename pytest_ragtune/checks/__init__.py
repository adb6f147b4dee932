"""Checks: scores, thresholds and baselines in, a verdict out. Nothing here asks a model."""

from .changes import better_than, no_regression
from .evidence import Evidence, collect
from .pairing import Pairing, pair
from .thresholds import at_least, at_most

__all__ = ["Evidence", "Pairing", "at_least", "at_most", "better_than", "collect", "no_regression", "pair"]
