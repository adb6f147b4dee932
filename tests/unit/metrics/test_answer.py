from __future__ import annotations

import re

import pytest

from pytest_ragtune.metrics.answer import Abstention, ExactMatch, Matches, RougeL, TokenF1
from pytest_ragtune.protocols import Metric
from pytest_ragtune.records import Case, Response, Score


def score(metric: Metric, answer: str | None, *, error: str | None = None, **case: object) -> Score:
    fields = {"id": "q1", "question": "How long?", "reference": "30 days", **case}
    return metric.score([Case(**fields)], [Response(answer, error=error)])[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "value"),
    [("30 days", 1.0), ("The 30  days.", 1.0), ("30", 0.0), ("one month", 1.0), ("", 0.0), ("300 days", 0.0)],
)
def test_exact_match(answer: str, value: float) -> None:
    assert score(ExactMatch(), answer, aliases=("one month",)).value == value


@pytest.mark.parametrize(
    ("reference", "answer", "value"),
    [
        ("-5 °C", "5 °C", 0.0),
        ("5 °C", "\u22125 °C", 0.0),
        ("-5 °C", "\u22125 °C.", 1.0),
        ("(-.5)", "-.5", 1.0),
        ("-$5", "$5", 0.0),
        ("2-3 days", "2\u20133 days", 1.0),
        ("COVID-19", "covid-19", 1.0),
        ("f(x)-1", "f(x)-1", 1.0),
        ("- 5 days", "5 days", 1.0),
    ],
)
def test_exact_match_sees_the_sign_of_a_number(reference: str, answer: str, value: float) -> None:
    assert score(ExactMatch(), answer, reference=reference).value == value


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("30 days", 1.0),
        ("It takes 30 days", 2 * 2 / (4 + 2)),
        ("30 30 30", 2 * 1 / (3 + 2)),
        ("days 30", 1.0),
        ("a month", 1.0),
        ("no", 0.0),
        ("", 0.0),
    ],
)
def test_token_f1(answer: str, value: float) -> None:
    assert score(TokenF1(), answer, aliases=("one month", "month")).value == pytest.approx(value)


def test_rouge_l_counts_the_longest_common_subsequence_of_stems() -> None:
    found = score(RougeL(), "Refund takes ten days", reference="refunds take exactly ten days").value
    assert found == pytest.approx(2 * (4 / 4) * (4 / 5) / (4 / 4 + 4 / 5))
    assert score(RougeL(), "30 days", reference="never", aliases=("30 days",)).value == 1.0


def test_rouge_l_does_not_score_a_reference_it_cannot_read() -> None:
    found = score(RougeL(), "你好", reference="你好")
    assert (found.value, found.applicable) == (None, True)
    assert found.reason == "rouge-score reads Latin letters and digits only; the reference has none"


@pytest.mark.parametrize("metric", [ExactMatch(), TokenF1(), RougeL()], ids=lambda metric: metric.info.name)
class TestReferenceMetrics:
    @pytest.mark.parametrize("reference", [None, "", " "])
    def test_no_reference_is_not_applicable(self, metric: Metric, reference: str | None) -> None:
        found = score(metric, "30 days", reference=reference)
        assert found == Score(None, "the case has no reference", applicable=False)

    def test_unanswerable_is_not_applicable(self, metric: Metric) -> None:
        found = score(metric, "30 days", answerable=False)
        assert found == Score(None, "the case is unanswerable", applicable=False)

    def test_an_error_is_unscored(self, metric: Metric) -> None:
        assert score(metric, None, error="time out") == Score(None, "no answer: time out")

    def test_no_text_is_unscored(self, metric: Metric) -> None:
        assert score(metric, None) == Score(None, "no answer was generated")

    def test_the_best_of_reference_and_aliases_counts(self, metric: Metric) -> None:
        assert score(metric, "four weeks", aliases=("a month", "four weeks", "")).value == 1.0


@pytest.mark.parametrize(
    ("answer", "answerable", "value"),
    [
        ("I don't know.", False, 1.0),
        ("I don't know.", True, 0.0),
        ("30 days", True, 1.0),
        ("30 days", False, 0.0),
        ("", True, 0.0),
        (" ", False, 0.0),
    ],
)
def test_abstention(answer: str, answerable: bool, value: float) -> None:
    assert score(Abstention(), answer, answerable=answerable).value == value


def test_abstention_is_unscored_without_an_answer() -> None:
    assert score(Abstention(), None, error="boom") == Score(None, "no answer: boom")
    assert score(Abstention(), None) == Score(None, "no answer was generated")


def test_matches() -> None:
    metric = Matches(r"^hello\b", name="greets", flags=re.IGNORECASE)
    assert metric.info.name == "greets"
    assert metric.info.binary
    assert score(metric, "Hello you").value == 1.0
    assert score(metric, "Oh, hello").value == 0.0
    assert score(metric, "hello", reference=None, answerable=False).value == 1.0
    assert score(metric, None, error="boom") == Score(None, "no answer: boom")


def test_matches_with_another_pattern_or_flag_has_another_identity() -> None:
    made = [Matches("a"), Matches("b"), Matches("a", flags=re.IGNORECASE), Matches("a", name="b")]
    assert len({metric.info.identity for metric in made}) == 4


def test_matches_refuses_a_broken_pattern_and_an_empty_name() -> None:
    with pytest.raises(ValueError, match=r"'\(' is no regular expression \(missing \), .*\): escape it"):
        Matches("(")
    with pytest.raises(ValueError, match="the name of a metric is ' '"):
        Matches("a", name=" ")


def test_lists_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="got 1 cases and 0 responses: expected one response a case"):
        ExactMatch().score([Case("q", "q")], [])
