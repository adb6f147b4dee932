from __future__ import annotations

import pytest

from pytest_ragtune.records import Interval
from pytest_ragtune.reporting.numbers import apart, ends, number, p_value


@pytest.mark.parametrize(
    ("value", "metric", "text"),
    [
        (0.714, "R@5", "0.71"),
        (1.0, "R@5", "1.00"),
        (-0.001, "R@5", "0.00"),
        (0.4321, "seconds", "0.43 s"),
        (12.345, "seconds", "12.3 s"),
        (754.3, "seconds", "754 s"),
        (47.6, "tokens", "48"),
        (1234.5, "prompt_tokens", "1,234"),
        (3.14, "tokens", "3.1"),
    ],
)
def test_a_number_in_its_unit(value: float, metric: str, text: str) -> None:
    assert number(value, metric) == text


def test_signs_are_shown_where_asked() -> None:
    assert number(0.05, signed=True) == "+0.05"
    assert number(-0.05, signed=True) == "-0.05"
    assert number(-0.0001, signed=True) == "+0.00"


def test_two_numbers_are_never_shown_alike_unless_they_are() -> None:
    assert apart(0.71, 0.8) == ("0.71", "0.80")
    assert apart(0.7999, 0.8) == ("0.7999", "0.8000")
    assert apart(0.8, 0.8) == ("0.80", "0.80")
    assert apart(0.8 - 1e-12, 0.8) == ("0.80", "0.80")
    assert apart(12.34, 9.5, "seconds") == ("12.34 s", "9.50 s")


def test_ends_and_p_values() -> None:
    assert ends(Interval(0.6, 0.81)) == "0.60..0.81"
    assert ends(Interval(0.6, 0.81), "seconds") == "0.60..0.81 s"
    assert ends(Interval(-0.2, 0.01), signed=True) == "-0.20..+0.01"
    assert [p_value(p) for p in (0.0001, 0.004, 0.2)] == ["p<0.001", "p=0.004", "p=0.20"]
