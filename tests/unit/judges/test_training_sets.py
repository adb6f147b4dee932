"""The public sets, in a small made-up copy of their folder: read, split, mixed and kept apart."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_ragtune.cli import main, train_judge
from pytest_ragtune.judges.nli import NliJudge
from pytest_ragtune.judges.training import reporting
from pytest_ragtune.judges.training.mixture import build, short_claims, strangers, window
from pytest_ragtune.judges.training.network import Recipe
from pytest_ragtune.judges.training.rows import Row
from pytest_ragtune.judges.training.shipped import fit_rows, has_sets, single_claims
from pytest_ragtune.judges.training.sources import SOURCES, edited_sentences, read_sources

JUDGE = Path(__file__).parents[3] / "fixtures/judges/overlap"
TOWNS = ("Lambert", "Verona", "Osterby", "Kellen", "Marlow", "Tarn", "Ilford", "Sundby", "Brack", "Cole")
COUNT = 60


def sentence(n: int) -> str:
    town, year = TOWNS[n % len(TOWNS)], 1800 + n
    return f"The harbour of {town} {n} was built by Anna Keller in {year} before the war with {n + 40} ships."


def context(n: int) -> str:
    return f"{sentence(n)} Some visitors of house {n} may stay for {n + 2} days because it is quiet there."


def write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sets")
    every = range(COUNT)
    kinds = ("entailment", "neutral", "contradiction")
    for name in ("snli_devtest", "counterfactual", "mnli", "breaking", "conj", "med", "help"):
        rows = [{"premise": context(n), "hypothesis": sentence(n), "label_raw": kinds[n % 3]} for n in every]
        write(folder / f"nli/nli_{name}/data.jsonl.gz", rows)
    for name in (
        "begin",
        "q2_dialogue",
        "faithdial_audit",
        "fever_symmetric",
        "citation_integrity",
        "clapnq_rag_human",
    ):
        labelled: list[dict[str, Any]] = [
            {"context": context(n), "claim": sentence(n), "label": (1, 0, None)[n % 3], "label_raw": "x"}
            for n in every
        ]
        write(folder / f"faithfulness/{name}/data.jsonl.gz", labelled)
    faith = folder / "faithfulness"
    write(
        faith / "scifact_dev/data.jsonl.gz",
        [{"context": f"A title. {context(n)}", "claim": sentence(n), "label": n % 2,
          "label_raw": ("REFUTE", "SUPPORT")[n % 2],
          "rationale_sentences": [[0]] if n % 2 else []} for n in every],
    )  # fmt: skip
    write(faith / "contract_nli/documents.jsonl.gz", [{"id": f"d{n}", "text": context(n)} for n in every])
    verdicts = ("Entailment", "Contradiction", "NotMentioned")
    write(
        faith / "contract_nli/data.jsonl.gz",
        [{"doc": f"d{n}", "claim": sentence(n), "label_raw": verdicts[n % 3], "evidence": []} for n in every],
    )
    original = [f"{sentence(n)} The price is {n} euros for all of them." for n in every]
    edited = [f"{sentence(n)} The price is {n + 500} euros for all of them." for n in every]
    write(
        faith / "summedits/data.jsonl.gz",
        [{"context": f"{context(n)} It costs {n} euros.", "claim": (edited, original)[n % 2][n],
          "label": n % 2, "original_summary": original[n]} for n in every],
    )  # fmt: skip
    qnli = [{"premise": f"Who built {n}?", "hypothesis": sentence(n),
             "label_raw": ("entailment", "not_entailment")[n % 2]} for n in range(300)]  # fmt: skip
    write(folder / "nli/nli_qnli/data.jsonl.gz", qnli)
    asked = [{"question": f"{('Who', 'When', 'What')[n % 3]} built {n}?", "answers": [f"Anna {n}"],
              "gold_doc": f"p{n // 3}"} for n in every]  # fmt: skip
    write(folder / "retrieval/xquad_en/qa.jsonl", asked)
    write(
        folder / "retrieval/xquad_en/corpus.jsonl",
        [{"id": f"p{n // 3}", "text": " ".join(f"Anna {m} built {m}." for m in (n, n + 1, n + 2))}
         for n in every if n % 3 == 0],
    )  # fmt: skip
    write(
        folder / "retrieval/multihop_small/corpus.jsonl.gz",
        [{"id": f"m{n}", "text": context(n)} for n in every],
    )
    write(
        folder / "relevance/haluquestqa/data.jsonl.gz",
        [
            {"question_text": f"Why is {n} so?", "ans1_text": sentence(n), "ans2_text": context(n)}
            for n in every
        ],
    )
    asked_news = [
        {"question": f"Who built {n // 3} ?", "claim": sentence(n), "label": (1, 0, None)[n % 3]}
        for n in every
    ]
    write(folder / "relevance/trecqa_relevance/data.jsonl.gz", asked_news)
    write(
        folder / "style/bitext_support/data.jsonl.gz",
        [
            {"instruction": f"cancel {n}", "response": context(n), "intent": f"i{n % 3}", "category": "c"}
            for n in every
        ],
    )
    write(
        folder / "freshness/factbook_temporal/documents_2023-09-28.jsonl.gz",
        [{"id": f"f{n}", "text": context(n)} for n in every],
    )
    write(
        folder / "style/bible_style_parallel/data.jsonl.gz",
        [{"id": f"Ruth{n // 10}:{n % 10 + 1}", "book": "Ruth",
          "archaic": f"Verily the harbour of {TOWNS[n % 10]} {n} was builded by Anna before the war.",
          "modern": f"The harbour of {TOWNS[n % 10]} {n} was built by Anna before the war.",
          "basic": f"&lt;A Song.&gt; Anna made the port of {TOWNS[n % 10]} {n} before the fighting ."}
         for n in range(200)],
    )  # fmt: skip
    covid = folder / "qa/covid_qa_longdocs"
    write(
        covid / "corpus.jsonl.gz",
        [{"id": f"c{n}", "text": f"License: cc-by\n\n{context(n)} It was then sold off."} for n in every],
    )
    write(
        covid / "qa.jsonl.gz",
        [
            {"question": f"Who built house {n}?", "answers": ["Anna Keller"], "gold_doc": f"c{n}"}
            for n in every
        ],
    )
    return folder


CAPS = {name: 40 for name, source in SOURCES.items() if source.trained} | {"planted": 200, "retold": 60}


def test_every_set_is_read_with_both_labels_and_a_group(data: Path) -> None:
    rows = read_sources(data)
    for name in SOURCES:
        members = [row for row in rows if row.source == name]
        assert {row.label for row in members} == {0, 1}, name
        assert all(row.group for row in members), name


def test_what_is_neither_is_left_out_and_what_kind_of_no_is_kept(data: Path) -> None:
    begin = read_sources(data, ["begin"])
    assert len(begin) == COUNT * 2 // 3
    verdicts = {row.verdict for row in read_sources(data, ["contract_nli"])}
    assert verdicts == {"yes", "contradicted", "unknown"}


def test_training_rows_share_no_group_with_those_kept(data: Path) -> None:
    mixture = build(data, seed=1, caps=CAPS)
    assert mixture.train
    sides = [{row.group for row in part if row.group} for part in (mixture.train, mixture.dev, mixture.test)]
    assert not sides[0] & sides[1]
    assert not sides[0] & sides[2]
    assert not sides[1] & sides[2]
    untrained = {name for name, source in SOURCES.items() if not source.trained}
    assert not untrained & {row.source for row in (*mixture.train, *mixture.dev, *mixture.test)}
    assert sum(mixture.counts.values()) == len(mixture.train)


def test_a_mixture_is_the_same_for_the_same_seed_only(data: Path) -> None:
    one, two, other = (build(data, seed=seed, caps=CAPS).train for seed in (1, 1, 2))
    assert one == two
    assert one != other


def test_half_of_the_planted_rows_are_true_or_nearly(data: Path) -> None:
    rows = [row for row in build(data, seed=1, caps=CAPS).train if row.source.startswith("planted")]
    assert 0.45 < sum(row.label for row in rows) / len(rows) < 0.6
    assert all(row.second not in row.first for row in rows if not row.label)


def test_a_stranger_is_the_answer_to_another_question_of_the_same_set() -> None:
    rows = [
        Row(
            "answers",
            f"What is {source} {n}?",
            f"It is {source} {n}.",
            "yes",
            source,
            source,
            f"{source}:{n}",
        )
        for source in ("one", "two")
        for n in range(40)
    ]
    found = strangers(rows, random.Random(3), 0.5)
    assert 20 < len(found) < 60
    texts = {(row.first, row.second) for row in rows}
    for row in found:
        assert not row.label
        assert (row.first, row.second) not in texts
        assert row.second.startswith(f"It is {row.source} ")
    assert not strangers(rows, random.Random(3), 0.0)


def test_only_the_edited_sentence_of_a_summary_is_wrong(data: Path) -> None:
    row = next(r for r in read_sources(data, ["summedits"]) if not r.label)
    assert [(r.label, "price" in r.second) for r in edited_sentences(row)] == [(1, False), (0, True)]


def test_a_window_holds_the_sentence_nearest_to_the_claim() -> None:
    long = " ".join(sentence(n) for n in range(30))
    for seed in range(10):
        found = window(long, sentence(17), random.Random(seed))
        assert sentence(17) in found
        assert len(found) < len(long) / 4


def test_a_supported_answer_is_asked_claim_by_claim_and_an_unsupported_one_as_a_whole() -> None:
    text = "The harbour is old. The town is small."
    yes, no = (Row("supports", "c", text, verdict, "begin") for verdict in ("yes", "no"))
    assert [r.second for r in single_claims(yes)] == ["The harbour is old.", "The town is small."]
    assert single_claims(no) == [no]


def test_rows_to_fit_on_come_from_their_part_alone(data: Path) -> None:
    mixture = build(data, seed=1, caps=CAPS)
    dev = {row.first for row in mixture.dev}
    rows = fit_rows(data, mixture, "dev", 1)
    assert rows
    assert all(row.first in dev for row in rows if row.family != "planted")
    assert {row.family for row in rows} >= {"planted", "dialogue", "summedits", "squad"}


def test_the_table_of_planted_errors_has_every_kind_that_has_a_place(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "_TRIES", 300)
    found = {rate.kind: rate for rate in reporting.planted_table(data, NliJudge(JUDGE), each=5)}
    assert {"number", "name", "negation", "true paraphrase, made", "true claim as it stands"} <= set(found)
    assert found["number"].claims == 5
    assert found["number"].share == 1.0  # the judge lowers a claim whose number is missing
    assert found["other passage"].share > 0.5
    assert found["true claim as it stands"].share < 0.2
    assert all(0 <= rate.low <= rate.share <= rate.high <= 1 for rate in found.values() if rate.claims)


def test_evidence_agrees_where_the_shown_sentence_was_marked(data: Path) -> None:
    found = reporting.evidence_agreement(data, NliJudge(JUDGE))
    assert found.claims > 0
    assert found.share == 1.0


def test_held_out_rows_are_labels_that_calibrate_reads(data: Path, tmp_path: Path) -> None:
    counts = reporting.write_held_out(data, tmp_path / "held.jsonl", most=30)
    lines = [json.loads(line) for line in (tmp_path / "held.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(lines) == sum(counts.values())
    assert counts["contract_nli"] == 30
    assert counts["clapnq_rag_human"] == 30
    kept = {row.group for row in build(data, seed=1, caps=CAPS).train if row.group}
    assert not kept & {line["group"] for line in lines}


def test_a_report_needs_the_public_sets(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert has_sets(data)
    assert main(["train-judge", str(tmp_path), "--out", str(JUDGE), "--report"]) == 2
    assert "holds no public sets" in capsys.readouterr().err


def test_without_a_pass_the_public_sets_fit_what_stands_behind_the_mean_of_the_networks_named(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Any] = []

    def given(sets: Path, out: Path, recipe: Recipe, **options: Any) -> dict[str, Any]:
        found.append((sets, out, recipe.epochs, options["starts"]))
        return {}

    monkeypatch.setattr(train_judge, "train_shipped", given)
    command = ["train-judge", str(data), "--out", str(tmp_path), "--start", str(JUDGE)]
    assert main([*command, "--start", str(JUDGE), "--epochs", "0"]) == 0
    assert main(["train-judge", str(data), "--out", str(tmp_path)]) == 0
    assert found == [(data, tmp_path, 0.0, [JUDGE, JUDGE]), (data, tmp_path, 1.0, [])]


def test_own_labels_adapt_one_judge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = tmp_path / "labels.jsonl"
    labels.write_text("{}", encoding="utf-8")
    command = ["train-judge", str(labels), "--out", str(tmp_path / "out"), "--start", str(JUDGE)]
    assert main([*command, "--start", str(JUDGE)]) == 2
    assert "--start is given 2 times: expected one judge" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--epochs", "0"], ["--epochs", "-1"], ["--rate", "0"]])
def test_public_sets_are_not_trained_on_without_a_pass_or_a_rate(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    assert main(["train-judge", str(data), "--out", str(tmp_path), *options]) == 2
    assert "expected" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_public_sets_begin_with_a_judge_that_is_one(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["train-judge", str(data), "--out", str(out), "--start", str(tmp_path)]) == 2
    assert "holds no judge to begin with" in capsys.readouterr().err
    assert not out.exists()


def test_the_words_that_answer_a_question_are_a_claim_and_other_words_of_the_passage_a_wrong_one() -> None:
    passage = "The hall was built in 1999. Anna Bell led the work. It cost two million."
    asked = [(passage, "Who led the work?", "Anna Bell", "1999"), ("Nothing of it.", "Who?", "Anna", "Paul")]
    rows = short_claims(asked, random.Random(1))
    assert [(row.second, row.verdict, row.source) for row in rows[:2]] == [
        ("Who led the work? Anna Bell", "yes", "planted"),
        ("Who led the work? 1999", "no", "planted:other answer"),
    ]
    assert "Anna Bell" in rows[0].first
    assert [row.verdict for row in rows[2:]] == ["no"]  # a passage without the answer supports none


def test_answers_to_other_questions_are_drawn_as_often_as_asked() -> None:
    rows = [Row("answers", f"q{n}", f"a{n}", "yes", "s", group=str(n)) for n in range(400)]
    for share in (0.5, 1.0, 1.5):
        found = strangers(rows, random.Random(1), share)
        assert len(found) == pytest.approx(400 * share, abs=40)
        assert all(row.second != row.first.replace("q", "a") and not row.label for row in found)
