from __future__ import annotations

import json
import random
import shutil
import time
import warnings
from pathlib import Path

import pytest

from pytest_ragtune.errors import ModelError
from pytest_ragtune.judges.choosing import default_name, named_judge
from pytest_ragtune.judges.encoder import Encoder
from pytest_ragtune.judges.language import LanguageWarning, is_english
from pytest_ragtune.judges.lexical import LexicalJudge
from pytest_ragtune.judges.nli import NliJudge, has_weights
from pytest_ragtune.judges.shelf import Shelf
from pytest_ragtune.metrics.evidence import Request

STRANGE = {
    head: {"features": ["shoes"], "mean": [0], "scale": [1], "weights": [1], "bias": 0}
    for head in ("supports", "answers")
}
COUNTING = Path(__file__).resolve().parents[3] / "fixtures" / "judges" / "overlap"
CONTEXT = "The warranty lasts two years from delivery. It covers parts and labour. Shipping is free."


@pytest.fixture
def judge() -> NliJudge:
    return NliJudge(COUNTING)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(COUNTING, tmp_path / "judge"))


def test_the_sentence_that_supports_is_shown(judge: NliJudge) -> None:
    (found,) = judge.best_support([("The warranty lasts two years.", ["We like cats.", CONTEXT])])
    assert (found.context, found.sentence) == (1, "The warranty lasts two years from delivery.")
    assert found.support.probability is not None
    assert found.support.probability > 0.9


def test_a_wrong_number_is_not_supported_though_the_words_are_there(judge: NliJudge) -> None:
    right, wrong = judge.support(
        [(CONTEXT, "The warranty lasts two years."), (CONTEXT, "The warranty lasts five years.")]
    )
    assert (right.probability or 0.0) > 0.5 > (wrong.probability or 1.0)


def test_equal_scores_in_any_company_and_on_repeats() -> None:
    pairs = [(CONTEXT * n, f"The warranty {'really ' * n}lasts two years.") for n in range(1, 9)]
    together = NliJudge(COUNTING).support(pairs)
    alone = [NliJudge(COUNTING).support([pair])[0] for pair in pairs]
    assert together == alone
    judge = NliJudge(COUNTING)
    assert judge.support(pairs[::-1])[::-1] == together == judge.support(pairs)


def test_a_claim_is_read_with_what_it_refers_to(judge: NliJudge) -> None:
    alone = Request("It covers glass.", (CONTEXT,))
    in_full = Request("It covers glass.", (CONTEXT,), "The warranty lasts two years.")
    first, second = judge.find([alone, in_full])
    assert first.support != second.support
    assert second.sentence == "It covers parts and labour."


def test_a_claim_is_not_blamed_for_a_wrong_one_that_it_refers_to(judge: NliJudge) -> None:
    claim = "It covers parts and labour."
    alone, after_wrong, after_right = judge.find(
        [
            Request(claim, (CONTEXT,), before)
            for before in ("", "The warranty of Paris opens on Sundays.", "The warranty lasts two years.")
        ]
    )
    assert after_wrong == alone
    assert (after_right.support.probability or 0.0) > 0.5


def test_a_question_before_a_fragment_is_no_wrong_claim(judge: NliJudge) -> None:
    asked = Request("Within ten days.", (CONTEXT,), "When does the shop in Paris ship?")
    (read_along,) = judge.find([asked])
    assert read_along != judge.find([Request("Within ten days.", (CONTEXT,))])[0]


def test_a_claim_of_several_statements_is_supported_as_its_least_supported_one(judge: NliJudge) -> None:
    right, wrong = "The warranty lasts two years.", "Our shop in Paris opens on Sundays."
    together, alone, other = judge.best_support(
        [(text, [CONTEXT]) for text in (f"{right} {wrong}", wrong, right)]
    )
    assert together == alone
    assert (alone.support.probability or 0.0) < (other.support.probability or 0.0)


def test_each_statement_may_be_supported_by_another_context(judge: NliJudge) -> None:
    first, second = "The warranty lasts two years.", "Our shop in Paris opens on Sundays."
    contexts = [CONTEXT, "Our shop in Paris opens on Sundays, from ten to six."]
    both, one = judge.best_support([(f"{first} {second}", contexts), (f"{first} {second}", contexts[:1])])
    assert (both.support.probability or 0.0) > 0.5 > (one.support.probability or 1.0)


@pytest.mark.parametrize("particle", ["No, ", "Yes, ", "yes: ", "No — "])
def test_the_yes_or_no_before_a_claim_is_not_part_of_it(judge: NliJudge, particle: str) -> None:
    bare, spoken = judge.support([(CONTEXT, claim + "shipping is free.") for claim in ("", particle)])
    assert bare == spoken
    (other,) = judge.support([(CONTEXT, "No shipping is free.")])
    assert other != bare


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Based on the provided document, ", ""),
        ("According to the context, ", ""),
        ("The text states that ", ""),
        ("", ", according to the passages above"),
    ],
)
def test_naming_the_given_text_as_the_source_changes_no_opinion(
    judge: NliJudge, before: str, after: str
) -> None:
    bare, spoken = judge.support(
        [(CONTEXT, f"{b}shipping is free{a}.") for b, a in (("", ""), (before, after))]
    )
    assert bare == spoken


def test_a_greeting_before_a_claim_changes_no_opinion(judge: NliJudge) -> None:
    bare, spoken = judge.support(
        [(CONTEXT, f"{greeting}Shipping is free.") for greeting in ("", "Sure, I'd be happy to help! ")]
    )
    assert bare == spoken


def test_of_many_contexts_those_that_share_most_are_read(judge: NliJudge) -> None:
    contexts = [f"Cats number {number} sleep." for number in range(60)]
    contexts.insert(41, CONTEXT)
    (found,) = judge.best_support([("The warranty lasts two years.", contexts)])
    assert found.context == 41


@pytest.mark.parametrize("context", ["", "  ", "🙂", "\x00\x07"])
def test_a_context_without_words_supports_nothing(judge: NliJudge, context: str) -> None:
    (found,) = judge.support([(context, "It is so.")])
    assert found.probability == 0.0


def test_a_claim_or_question_without_words_is_not_judged(judge: NliJudge) -> None:
    assert judge.support([(CONTEXT, "🙂")])[0].probability is None
    assert judge.relevance([("?", CONTEXT)])[0].probability is None
    assert judge.relevance([("Why?", "…")])[0].probability == 0.0


def test_odd_text_is_scored(judge: NliJudge) -> None:
    for text in ("It costs \x00 5 🙂.", "broken \ud800 text", "word " * 5000, "x" * 100_000, "你好" * 3000):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LanguageWarning)
            assert judge.support([(text, "It costs 5.")])[0].probability is not None
            assert judge.support([("It costs 5.", text)])[0].probability is not None


def test_a_long_context_takes_linear_time(judge: NliJudge) -> None:
    draw = random.Random(1)
    vocabulary = [f"word{number}" for number in range(3000)]

    def seconds(sentences: int) -> float:
        text = " ".join(f"It has {' '.join(draw.choices(vocabulary, k=8))}." for _ in range(sentences))
        start = time.process_time()
        judge.support([(text, f"It has word{number} inside.") for number in range(5)])
        return time.process_time() - start

    seconds(100)
    assert seconds(3200) < 40 * seconds(400)  # quadratic would be 64 times


def test_a_shelf_forgets_the_longest_unused() -> None:
    made: list[str] = []

    def read(text: str) -> str:
        made.append(text)
        return text.upper()

    shelf = Shelf(read, characters=10, texts=3)
    assert [shelf(text) for text in ("aaaa", "bbbb", "aaaa", "cccc", "aaaa", "bbbb")][-1] == "BBBB"
    assert made == ["aaaa", "bbbb", "cccc", "bbbb"]
    shelf("d" * 50)
    assert shelf("d" * 50) == "D" * 50
    assert made.count("d" * 50) == 1


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_a_damaged_file_is_named(folder: Path, name: str) -> None:
    path = folder / name
    path.write_bytes(path.read_bytes()[:-1] + b"#")
    with pytest.raises(ModelError, match=rf"{name} is damaged: its SHA-256 is .*train-judge"):
        NliJudge(folder)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "judge.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelError, match=rf"{name} cannot be read"):
        NliJudge(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 9}, "has schema 9: expected 1"),
        ({"files": {}}, "is damaged"),
        ({"window": {"sizes": 3}}, "unknown settings"),
        ({"max_tokens": "many"}, "is damaged"),
        ({"combiner": {}}, "is damaged"),
        (
            {"combiner": STRANGE},
            r"another version .* weighs 'shoes', expected only .*; write .*train-judge",
        ),
    ],
)
def test_a_card_that_makes_no_sense_is_refused(folder: Path, change: dict[str, object], message: str) -> None:
    card = json.loads((folder / "judge.json").read_text(encoding="utf-8"))
    (folder / "judge.json").write_text(json.dumps(card | change), encoding="utf-8")
    with pytest.raises(ModelError, match=message):
        NliJudge(folder)


def test_a_card_that_is_no_json_is_refused(folder: Path) -> None:
    (folder / "judge.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match=r"judge\.json is damaged"):
        NliJudge(folder)


def test_a_model_that_cannot_run_is_refused_when_it_is_used(folder: Path) -> None:
    import hashlib

    (folder / "model.onnx").write_bytes(b"no model")
    card = json.loads((folder / "judge.json").read_text(encoding="utf-8"))
    card["files"]["model.onnx"] = hashlib.sha256(b"no model").hexdigest()
    (folder / "judge.json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(ModelError, match=r"model\.onnx cannot be run by onnxruntime"):
        NliJudge(folder).support([(CONTEXT, "It is so.")])


def test_any_change_of_the_folder_changes_the_identity(folder: Path) -> None:
    before = NliJudge(folder).identity
    assert before == NliJudge(COUNTING).identity
    card = json.loads((folder / "judge.json").read_text(encoding="utf-8"))
    card["combiner"]["supports"]["bias"] += 0.1
    (folder / "judge.json").write_text(json.dumps(card), encoding="utf-8")
    assert NliJudge(folder).identity != before


def test_logits_do_not_depend_on_the_batch() -> None:
    pairs = [(CONTEXT[:n], "The warranty lasts two years.") for n in range(10, 60, 5)]
    encoder = Encoder(COUNTING)
    assert encoder.logits([*pairs, *pairs]) == [encoder.logits([pair])[0] for pair in pairs] * 2


def test_a_model_that_reads_no_text_alone_finds_all_equally_far() -> None:
    assert Encoder(COUNTING).cosines([(CONTEXT, CONTEXT), ("a", "b")]) == [0.0, 0.0]


@pytest.mark.skipif(not has_weights(), reason="the package was built without the judge's weights")
class TestShipped:
    """What the judge that comes with the package must know."""

    def test_texts_on_one_thing_are_nearer_than_others(self) -> None:
        asked = "How long can I return a bag?"
        texts = [asked, "Bags go back within two weeks.", "The office is in Ghent.", "", "\ud800"]
        encoder = Encoder()
        found = encoder.cosines([(asked, text) for text in texts])
        assert found[0] == pytest.approx(1.0, abs=1e-4)
        assert found[1] > found[2] + 0.2
        assert all(-1.0 <= cosine <= 1.0001 for cosine in found)
        assert [Encoder().cosines([(asked, text)])[0] for text in texts] == found

    @pytest.mark.parametrize(
        ("claim", "is_supported"),
        [
            ("Bags can be returned within 14 days.", True),
            ("Bikes can be returned within 30 days.", True),
            ("Bags can be returned within 30 days.", False),
            ("Bikes can be returned within 14 days.", False),
        ],
    )
    def test_a_number_that_another_sentence_says_of_something_else(
        self, claim: str, is_supported: bool
    ) -> None:
        context = "Bikes can be returned within 30 days. Bags can be returned within 14 days."
        judge = NliJudge()
        found = judge.best_support([(claim, [context])])[0]
        assert ((found.support.probability or 0.0) >= judge.thresholds["supports"]) is is_supported
        assert claim.split()[0] in found.sentence

    @pytest.mark.parametrize(
        "claim", ["Bags can be returned within 60 days.", "Bags can be sent back within 60 days."]
    )
    def test_a_number_that_stands_nowhere_is_held_against_the_sentence_about_the_same_thing(
        self, claim: str
    ) -> None:
        context = "Bikes can be returned within 30 days of delivery. Bags can be returned within 14 days."
        found = NliJudge().best_support([(claim, [context])])[0]
        assert (found.support.probability or 0.0) < 0.3
        assert found.sentence == "Bags can be returned within 14 days."

    @pytest.mark.parametrize(
        ("claim", "wrong"),
        [
            ("All workshops are open on Sunday.", "No workshops are open on Sunday."),
            ("The price rose after the law was passed.", "The price rose before the law was passed."),
            ("The film won two prizes in 1994.", "The film won three prizes in 1994."),
            ("Sales increased in the north.", "Sales decreased in the north."),
        ],
    )
    def test_one_word_changed_in_a_sentence_of_the_context_is_found(self, claim: str, wrong: str) -> None:
        judge = NliJudge()
        context = f"The town has two rivers. {claim} Many people come by train."
        right, changed = (
            one.probability or 0.0 for one in judge.support([(context, claim), (context, wrong)])
        )
        assert changed < judge.thresholds["supports"] <= right


@pytest.mark.parametrize(
    "text",
    [
        "Die Garantie gilt zwei Jahre und ist nicht mit der Lieferung verbunden.",
        "La garantie est de deux ans et les pièces sont dans le prix.",
        "La garantía es de dos años y los gastos no son del cliente.",
        "保修期为两年。",
        "Гарантия действует два года.",
        "الضمان لمدة عامين",
    ],
)
def test_other_languages_are_scored_with_one_warning(judge: NliJudge, text: str) -> None:
    assert not is_english(text)
    with pytest.warns(LanguageWarning, match="trained on English") as caught:
        found = [judge.support([(CONTEXT, text)] * n)[0] for n in (1, 3)]
    assert all(opinion.probability is not None for opinion in found)
    assert len(caught) == 1


@pytest.mark.parametrize(
    "text",
    [
        CONTEXT,
        "30 days",
        "",
        "🙂",
        "Café Zürich opens at 9.",
        "x = f(y)",
        "Los Angeles is the largest city of California, on the coast.",
        "The de facto standard is in use.",
        "Exchange rates: shillings per dollar 3,600, francs per dollar 585, kwacha per dollar 18",
    ],
)
def test_english_passes(text: str) -> None:
    assert is_english(text)


def test_judges_by_name(folder: Path) -> None:
    assert isinstance(named_judge("lexical"), LexicalJudge)
    assert isinstance(named_judge(str(folder)), NliJudge)
    assert default_name() == ("nli" if has_weights() else "lexical")
    assert not has_weights(folder.parent)
    if not has_weights():
        with pytest.raises(ModelError, match=r"the judge 'nli' has no weights in .*: expected .*lexical"):
            named_judge("nli")
    with pytest.raises(ValueError, match=r"judge 'gpt' is not known: expected one of nli, lexical"):
        named_judge("gpt")
