from __future__ import annotations

import json

import pytest

from pytest_ragtune.fakes import ScriptedJudge
from pytest_ragtune.judges.majority import Agreement, MajorityJudge, fleiss_kappa
from pytest_ragtune.protocols import Judge


def says(*values: float | None) -> ScriptedJudge:
    return ScriptedJudge(lambda context, claim: values[int(claim)])


PAIRS = [("c", "0"), ("c", "1"), ("c", "2"), ("c", "3")]


def test_the_majority_decides_and_a_missing_vote_may_not() -> None:
    both = MajorityJudge([says(1.0, 0.51, 0.9, 0.9), says(0.0, 0.51, None, None), says(0.9, 0.0, 0.8, 0.1)])
    assert isinstance(both, Judge)
    got = both.support(PAIRS)
    assert [o.probability for o in got] == [pytest.approx(2 / 3), pytest.approx(2 / 3), 1.0, None]
    assert [o.reason for o in got] == [
        "2 of 3 judges agree",
        "2 of 3 judges agree",
        "2 of 3 judges agree, 1 gave none",
        "1 of 3 judges gave no opinion: the scripted judge gave no opinion",
    ]
    assert both.relevance(PAIRS) == got


def test_agreement() -> None:
    both = MajorityJudge([says(1, 0, 1, None), says(1, 0, 0, 1)])
    assert both.agreement(PAIRS) == Agreement(3, 1, 2 / 3, (2 / 3 - 0.5) / 0.5)
    assert MajorityJudge([says(None), says(1)]).agreement(PAIRS[:1]) == Agreement(0, 1, None, None)


def test_fleiss_kappa_against_a_value_by_hand() -> None:
    """Four rows of three votes: P = (1 + 1/3 + 1/3 + 1) / 4 = 2/3, share for 1/2, Pe = 1/2."""
    votes = [[True] * 3, [True, True, False], [True, False, False], [False] * 3]
    assert fleiss_kappa(votes) == pytest.approx((2 / 3 - 1 / 2) / (1 / 2))
    assert fleiss_kappa([]) is None
    assert fleiss_kappa([[True]]) is None
    assert fleiss_kappa([[True, True]]) is None
    assert fleiss_kappa([[True, False]]) == -1.0


def test_identity_and_settings() -> None:
    judges = [says(1), ScriptedJudge(lambda a, b: 0.0, version="2")]
    assert json.loads(MajorityJudge(judges).identity)["judges"] == [j.identity for j in judges]
    with pytest.raises(ValueError, match="at least two"):
        MajorityJudge(judges[:1])
