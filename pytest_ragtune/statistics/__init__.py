"""Statistics: intervals, tests and power. Pure functions; numpy and scipy are loaded when one is called."""

from .components import Components, variance_components
from .estimates import Estimate
from .intervals import estimate_change, estimate_mean, mean_interval, paired_interval
from .power import Power, cases_to_decide, predict_power, resampled_power, smallest_detectable_change
from .samples import case_means, effective_cases
from .tests import ChangeTest, holm, noninferiority, paired_test, superiority

__all__ = [
    "ChangeTest",
    "Components",
    "Estimate",
    "Power",
    "case_means",
    "cases_to_decide",
    "effective_cases",
    "estimate_change",
    "estimate_mean",
    "holm",
    "mean_interval",
    "noninferiority",
    "paired_interval",
    "paired_test",
    "predict_power",
    "resampled_power",
    "smallest_detectable_change",
    "superiority",
    "variance_components",
]
