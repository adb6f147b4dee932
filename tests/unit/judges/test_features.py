from __future__ import annotations

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


def support(claim: str, context: str = CONTEXT, logits: tuple[float, ...] = ()) -> dict[str, float]:
    document = read_document(context, POLICY)
    windows = choose(document, claim, POLICY)
    return support_features(claim, document, windows, logits or tuple(float(-n) for n in range(len(windows))))


def answer(question: str, text: str, cosine: float = 0.0) -> dict[str, float]:
    document = read_document(text, POLICY)
    windows = choose(document, question, POLICY)
    return answer_features(question, document, windows, [0.0] * len(windows), [-1.0, cosine])


def test_the_names_are_those_announced() -> None:
    assert tuple(support("The warranty lasts two years.")) == SUPPORT_FEATURES
    assert tuple(answer("Who leads?", "Anna leads.")) == ANSWER_FEATURES


def test_a_verbatim_claim_misses_nothing() -> None:
    found = support("The warranty lasts two years.")
    assert found["covered"] > 0.0
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
    assert over_a_page["covered"] > over_a_note["covered"] > short["covered"] > 0.0
    strange = "Every brown fox jumps over some lazy dog while nobody watches."
    assert support(strange, page)["covered"] < support(strange)["covered"] < 0.0


def test_of_a_claim_of_several_statements_the_words_of_all_count() -> None:
    document, claim = read_document(CONTEXT, POLICY), "The warranty lasts two years."
    windows = choose(document, claim, POLICY)
    alone, bad = (
        support_features(claim, document, windows, [0.0] * len(windows), whole)
        for whole in ("", f"{claim} Every brown fox jumps over some lazy dog.")
    )
    assert bad["covered"] < 0.0 < alone["covered"]
    assert {name for name in alone if alone[name] != bad[name]} == {"covered"}


def test_the_best_logit_and_the_mean_of_the_three_best_count() -> None:
    short = "It lasts two years."
    found = support("The warranty lasts two years.", short, logits=(1.0, 3.0))
    assert (found["logit_best"], found["logit_mean"]) == (3.0, 2.0)
    many = support("The warranty lasts two years.", short, logits=(1.0, 3.0, 2.0, -9.0))
    assert (many["logit_best"], many["logit_mean"]) == (3.0, 2.0)


def test_the_longer_a_context_the_less_every_sign_says() -> None:
    claim = "The warranty lasts five years."
    found = [
        support(claim, " ".join(["The warranty lasts two years."] + ["We like cats."] * count), logits=(2.0,))
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


def test_a_low_cosine_speaks_against_an_answer_and_a_high_one_says_nothing() -> None:
    text = "Anna leads. Everyone else sells."
    lowest, low, near, same = (answer("Who leads?", text, c)["cosine"] for c in (-0.1, 0.2, 0.4, 1.0))
    assert lowest < low < near == same == 0.0
    long = "Who leads the sales team, now that " + "everyone else has left it and " * 6 + "I have no name?"
    assert answer(long, text, 0.2)["cosine"] == pytest.approx(3 * low)


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
