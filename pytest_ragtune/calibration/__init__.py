"""Calibration: how far a judge agrees with people."""

from .labels import Labelled as Labelled
from .labels import read_labels as read_labels
from .measuring import Calibration as Calibration
from .measuring import calibrate as calibrate
