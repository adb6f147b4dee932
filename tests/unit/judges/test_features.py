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
    assert found["content_context"] == found["content_window"] == found["content_sentence"] == 1.0
    assert found["bigrams_new"] == found["trigrams_new"] == found["number_missing"] == 0.0
    assert found["run"] == 1.0


@pytest.mark.parametrize(
    ("claim", "feature"),
    [
        ("The warranty lasts five years.", "number_missing"),
        ("The warranty lasts 7 years.", "numbers_missing_window"),
        ("Carla Berg leads the sales team, and Carla Berg sells.", "name_missing"),
        ("The team of Carla sells.", "names_missing_window"),
        ("The warranty does not last two years.", "negation_added"),
        ("Opened items can be returned.", "negation_dropped"),
        ("The years last the warranty two.", "bigrams_new"),
    ],
)
def test_what_is_wrong_shows(claim: str, feature: str) -> None:
    assert support(claim)[feature] > 0.0
    assert support("The warranty lasts two years.")[feature] == 0.0


def test_new_words_are_counted_and_not_only_their_share() -> None:
    short, long = (
        support("The warranty ends."),
        support("The warranty ends badly for boats, planes and trains."),
    )
    assert 0.0 < short["new_words"] < long["new_words"]
    assert support("The warranty lasts two years.")["new_words"] == 0.0


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


def test_logits_best_second_and_mean() -> None:
    found = support("The warranty lasts two years.", logits=(1.0, 3.0))
    assert [found[name] for name in ("logit_best", "logit_second", "logit_mean", "logit_lexical")] == [
        3,
        1,
        2,
        1,
    ]
    alone = support("Two.", "Two.", logits=(2.0,))
    assert alone["logit_second"] == 2.0


def test_an_answer_that_only_repeats_the_question_adds_nothing() -> None:
    question = "How long does the warranty last?"
    assert answer(question, "How long does the warranty last?")["added"] == 0.0
    assert answer(question, "The warranty lasts two years.")["added"] > 0.0
    assert answer(question, "We like cats.")["asked_found"] == 0.0


def test_of_the_cosines_of_an_answer_the_highest_counts() -> None:
    low, high = (answer("Who leads?", "Anna leads. Everyone else sells.", c)["cosine"] for c in (0.3, 0.7))
    assert low < 0.0 < high
    long = "Who leads the sales team, now that " + "everyone else has left it and " * 6 + "I have no name?"
    assert answer(long, "Anna leads. Everyone else sells.", 0.7)["cosine"] == pytest.approx(3 * high)


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
