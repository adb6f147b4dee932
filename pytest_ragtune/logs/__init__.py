"""Logs: answers that an application already gave, scored where they lie."""

from .reading import BadLine as BadLine
from .reading import LogRow as LogRow
from .reading import read_log as read_log
from .scoring import ScoredRow as ScoredRow
from .scoring import Tally as Tally
from .scoring import score_log as score_log
