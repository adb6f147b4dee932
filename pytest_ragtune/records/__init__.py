"""The records: frozen, slotted, comparable values that every layer hands to the next."""

from .golden import Case, Corpus, Example, GoldenSet, Passage
from .responses import Generation, Hit, Prompt, Response
from .results import CaseScore, Evaluation, Interval, Outcome, Verdict
from .scores import Claim, MetricInfo, Score, Support

__all__ = [
    "Case",
    "CaseScore",
    "Claim",
    "Corpus",
    "Evaluation",
    "Example",
    "Generation",
    "GoldenSet",
    "Hit",
    "Interval",
    "MetricInfo",
    "Outcome",
    "Passage",
    "Prompt",
    "Response",
    "Score",
    "Support",
    "Verdict",
]
