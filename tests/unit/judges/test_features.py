from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_ragtune.judges.features import (
    ANSWER_FEATURES,
    SUPPORT_FEATURES,
    Combiner,
    answer_features,
    stretches,
    support_features,
)
from pytest_ragtune.judges.windows import Policy, choose, read_document

POLICY = Policy()
CONTEXT = "Anna Berg leads the sales team. The warranty lasts two years. Opened items cannot be returned."


def support(
    claim: str, context: str = CONTEXT, *, logits: Sequence[float] = (), rest: float = -9.0, whole: str = ""
) -> dict[str, float]:
    """Features with ``logits`` of the first windows and ``rest`` of the others."""
    document = read_document(context, POLICY)
    windows = choose(document, claim, POLICY)
    given = [*logits, *[rest] * (len(windows) - len(logits))]
    return support_features(claim, document, windows, given, whole)


def answer(question: str, text: str, cosine: float = 0.0) -> dict[str, float]:
    document = read_document(text, POLICY)
    windows = choose(document, question, POLICY)
    return answer_features(question, document, windows, [0.0] * len(windows), [-1.0, cosine])


def test_the_names_are_those_announced() -> None:
    assert tuple(support("The warranty lasts two years.")) == SUPPORT_FEATURES
    assert tuple(answer("Who leads?", "Anna leads.")) == ANSWER_FEATURES


def test_a_verbatim_claim_misses_nothing() -> None:
    found = support("The warranty lasts two years.")
    assert found["known"] > 0.0
    assert not any(found[name] for name in ("number_missing", "name_missing", "negation_added", "edited"))


@pytest.mark.parametrize(
    ("claim", "feature"),
    [
        ("The warranty lasts five years.", "number_missing"),
        ("Carla Berg leads the sales team, and Carla Berg sells.", "name_missing"),
        ("The warranty does not last two years.", "negation_added"),
        ("Bags can be returned within 30 days.", "edited"),
    ],
)
def test_what_is_wrong_shows(claim: str, feature: str) -> None:
    rules = "Bikes can be returned within 30 days. Bags can be returned within 14 days."
    assert support(claim, rules if feature == "edited" else CONTEXT)[feature] > 0.0
    assert support("The warranty lasts two years.")[feature] == 0.0


def test_known_words_tell_more_of_a_long_claim_over_a_long_context() -> None:
    page = " ".join([CONTEXT, *(f"Shelf {n} holds spare parts for the pumps." for n in range(30))])
    claim = (
        "Anna Berg leads the sales team and the warranty lasts two years and opened items cannot be returned."
    )
    over_a_page, over_a_note, short = support(claim, page), support(claim), support("Anna leads.", CONTEXT)
    assert over_a_page["known"] > over_a_note["known"] > short["known"] > 0.0
    strange = "Every brown fox jumps over some lazy dog while nobody watches."
    assert support(strange, page)["known"] < support(strange)["known"] < 0.0


def test_of_a_claim_of_several_statements_the_words_of_all_count() -> None:
    claim = "The warranty lasts two years."
    alone, bad = (
        support(claim, rest=2.0, whole=whole)
        for whole in ("", f"{claim} Every brown fox jumps over some lazy dog.")
    )
    assert bad["known"] < alone["known"] / 2
    assert bad["logit_shared"] == 0.0 < alone["logit_shared"]
    assert {name for name in alone if alone[name] != bad[name]} == {"known", "logit_shared"}


def test_the_more_words_a_context_holds_the_more_the_model_is_asked() -> None:
    all_known, most_known, half_known = (
        support(claim, rest=2.0)["logit_shared"]
        for claim in (
            "The warranty lasts two years.",
            "Anna Berg leads the sales team, opened items cannot be returned early.",
            "The guarantee is for two years.",
        )
    )
    assert all_known > most_known > half_known == 0.0


def test_the_model_is_asked_where_the_words_stand() -> None:
    claim = "The warranty lasts two years."
    page = " ".join([CONTEXT, *(f"Shelf {n} holds spare parts for the pumps." for n in range(30))])
    holds = [claim in window.text for window in choose(read_document(page, POLICY), claim, POLICY)]
    assert len(set(holds)) == 2
    told = [-2.0 if is_held else 4.0 for is_held in holds]
    found = support(claim, page, logits=told)
    assert found["logit_best"] > 0.0 > found["logit_shared"]
    first = holds.index(True)
    better = support(claim, page, logits=[*told[:first], 1.0, *told[first + 1 :]])
    assert better["logit_shared"] == pytest.approx(found["logit_shared"] / -2.0)


def test_the_best_logit_and_the_mean_of_the_three_best_count() -> None:
    page = " ".join(f"The warranty of pump {n} lasts two years." for n in range(30))
    found = support("The warranty lasts two years.", page, logits=(1.0, 3.0, 2.0))
    weaker = support("The warranty lasts two years.", page, logits=(1.0, 3.0, 2.0), rest=-1.0)
    assert found["logit_mean"] == pytest.approx(found["logit_best"] * 2 / 3)
    assert found["logit_mean"] == weaker["logit_mean"]
    one = support("The warranty lasts two years.", "It lasts two years.", logits=(3.0,))
    assert one["logit_best"] == one["logit_mean"]


def test_the_longer_a_context_the_less_every_sign_says() -> None:
    claim = "The warranty lasts five years."
    found = [
        support(claim, " ".join(["The warranty lasts two years."] + ["We like cats."] * count), rest=2.0)
        for count in (0, 10, 40, 100, 400)
    ]
    for name in ("logit_best", "logit_mean", "number_missing"):
        values = [features[name] for features in found]
        assert values[0] > values[1] > values[2] > values[3] == values[4] > 0.6 * values[0], name
    lengths = [features["long"] for features in found]
    assert lengths[:2] == [0.0, 0.0]
    assert 0.0 < lengths[2] < lengths[3] < lengths[4] == 1.0


def test_of_an_answer_the_best_logit_and_the_second_count() -> None:
    document = read_document(CONTEXT, POLICY)
    windows = choose(document, "warranty", POLICY)
    found = answer_features("How long is the warranty?", document, windows, [1.0, 3.0], [0.5])
    assert (found["logit_best"], found["logit_second"]) == (3.0, 1.0)
    alone = answer_features("How long is the warranty?", document, windows[:1], [1.0], [0.5])
    assert (alone["logit_best"], alone["logit_second"]) == (1.0, 1.0)


def test_an_answer_that_shares_words_with_the_question_is_nearer_to_it() -> None:
    question = "How long does the warranty last?"
    near, far = answer(question, "The warranty lasts 2 years."), answer(question, "We like cats.")
    assert near["lexical"] > far["lexical"]


def test_a_low_cosine_speaks_against_an_answer_and_a_high_one_says_little() -> None:
    text = "Anna leads. Everyone else sells."
    lowest, low, near, same = (answer("Who leads?", text, c)["cosine"] for c in (-0.15, 0.05, 0.25, 1.0))
    assert lowest == pytest.approx(2 * low)
    assert low < near == 0.0 < same < -low
    long = "Who leads the sales team, now that " + "everyone else has left it and " * 6 + "I have no name?"
    assert answer(long, text, 0.05)["cosine"] == pytest.approx(3 * low)
    at_length = answer("Who leads?", text + " They meet twice a week in the old hall." * 5, 0.05)
    assert at_length["cosine"] == pytest.approx(2 * low)


def test_stretches_are_longer_than_a_sentence_where_there_are_any() -> None:
    windows = choose(read_document(CONTEXT, POLICY), "warranty", POLICY)
    assert [window.kind for window in windows] == ["whole", "sentence"]
    assert stretches(windows) == windows[:1]
    assert stretches(windows[1:]) == windows[1:]


def test_a_combiner_is_a_logistic_regression_over_standardised_features() -> None:
    combiner = Combiner(("a", "b"), (1.0, 0.0), (2.0, 1.0), (3.0, -1.0), 0.5)
    assert combiner.logit({"a": 5.0, "b": 2.0, "unused": 9.0}) == pytest.approx(0.5 + 3 * 2 - 2)
    with pytest.raises(KeyError):
        combiner.logit({"a": 5.0})
