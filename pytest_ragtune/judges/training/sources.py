"""The public labelled sets that the shipped judge is trained on, as rows; read from a folder."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_ragtune.text import content_words, sentences, words

from .rows import DEV, TEST, Part, Row, Verdict, grouped, part_of, plain

_NLI: dict[str, Verdict] = {"entailment": "yes", "neutral": "unknown", "contradiction": "contradicted"}
_FAMILIES = {"snli_devtest": "snli", "counterfactual": "snli", "breaking": "snli"}
_QNLI_BLOCK = 60
"""Rows of QNLI that stay together: it is in the order of its articles."""


@dataclass(frozen=True, slots=True)
class Source:
    """One set: its licence, and how it becomes rows."""

    licence: str
    """Of the data."""
    read: Callable[[Path], list[Row]]
    """From the folder of all sets."""
    trained: bool = True
    """False for a set that is only validated on."""


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON Lines file, gzipped or not."""
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
    for line in text.split("\n"):
        if line.strip():
            yield json.loads(line)


def _nli(name: str) -> Callable[[Path], list[Row]]:
    def read(data: Path) -> list[Row]:
        family = _FAMILIES.get(name, name)
        found = [
            Row("supports", plain(r["premise"]), plain(r["hypothesis"]), _NLI[r["label_raw"]], name, family)
            for r in read_jsonl(data / f"nli/nli_{name}/data.jsonl.gz")
        ]
        return [replace(row, group=f"{family}:{_key(row.first)}") for row in dict.fromkeys(found)]

    return read


def _key(text: str) -> str:
    return " ".join(words(text))


def _labelled(name: str, family: str) -> Callable[[Path], list[Row]]:
    def read(data: Path) -> list[Row]:
        return [
            Row(
                "supports",
                plain(r["context"]),
                plain(r["claim"]),
                "yes" if r["label"] else _raw(r),
                name,
                family,
            )
            for r in read_jsonl(data / f"faithfulness/{name}/data.jsonl.gz")
            if r["label"] is not None
        ]

    return read


def _raw(row: dict[str, Any]) -> Verdict:
    """Which kind of unsupported, where the source says."""
    known: dict[str, Verdict] = {"REFUTES": "contradicted", "REFUTE": "contradicted", "NOINFO": "unknown"}
    return known.get(row["label_raw"], "no")


def _scifact(data: Path) -> list[Row]:
    return [
        Row("supports", plain(r["context"]), r["claim"], "yes" if r["label"] else _raw(r), "scifact_dev",
            "scifact", evidence=_rationale(r["context"], r["rationale_sentences"]))
        for r in read_jsonl(data / "faithfulness/scifact_dev/data.jsonl.gz")
    ]  # fmt: skip


def _rationale(abstract: str, sets: list[list[int]]) -> tuple[str, ...]:
    """The sentences that the annotators name by position after the title."""
    found = [plain(sentence) for sentence in sentences(abstract)][1:]
    return tuple(found[i] for i in sorted({i for one in sets for i in one}) if i < len(found))


def _contracts(data: Path) -> list[Row]:
    folder = data / "faithfulness/contract_nli"
    documents = {r["id"]: r["text"] for r in read_jsonl(folder / "documents.jsonl.gz")}
    verdicts: dict[str, Verdict] = {
        "Contradiction": "contradicted",
        "NotMentioned": "unknown",
        "Entailment": "yes",
    }
    return [
        Row("supports", documents[r["doc"]], r["claim"], verdicts[r["label_raw"]], "contract_nli",
            "contract_nli", f"contract_nli:{r['doc']}", tuple(r["evidence"]))
        for r in read_jsonl(folder / "data.jsonl.gz")
    ]  # fmt: skip


def _summaries(data: Path) -> list[Row]:
    """Whole summaries; :func:`edited_sentences` has their sentences."""
    return [
        Row("supports", r["context"], plain(r["claim"]), "yes" if r["label"] else "no", "summedits",
            "summedits", f"summedits:{_key(r['context'])[:200]}",
            tuple(map(plain, sentences(r["original_summary"]))))
        for r in read_jsonl(data / "faithfulness/summedits/data.jsonl.gz")
    ]  # fmt: skip


def edited_sentences(row: Row) -> list[Row]:
    """The sentences of an edited summary: those of the original are right, the others are not."""
    original = {_key(s) for s in row.evidence}
    return [
        replace(row, second=s, verdict="yes" if row.label or _key(s) in original else "no", evidence=())
        for s in sentences(row.second)
        if len(words(s)) >= 4
    ]


def _qnli(data: Path) -> list[Row]:
    return [
        Row("answers", r["premise"], r["hypothesis"], "yes" if r["label_raw"] == "entailment" else "no",
            "qnli", "squad", f"squad:{number // _QNLI_BLOCK}")
        for number, r in enumerate(read_jsonl(data / "nli/nli_qnli/data.jsonl.gz"))
    ]  # fmt: skip


def _short_answers(data: Path) -> list[Row]:
    """Questions with their answer of a few words, and one to a question of another kind."""
    rng, found = random.Random(13), list(read_jsonl(data / "retrieval/xquad_en/qa.jsonl"))
    blocks = {_key(row.first): row.group for row in _qnli(data)}
    rows = []
    for r in found:
        group = blocks.get(_key(r["question"]), f"squad:{r['gold_doc']}")
        opening = r["question"].split()[0].lower()
        others = [o for o in rng.sample(found, 30) if o["question"].split()[0].lower() != opening]
        rows.append(Row("answers", r["question"], r["answers"][0], "yes", "xquad_en", "squad", group))
        wrong = rng.choice(others)["answers"][0]
        rows.append(Row("answers", r["question"], wrong, "no", "xquad_en", "squad", group))
    return rows


def asked(data: Path, part: Part) -> list[tuple[str, str, str, str]]:
    """Passage, question, its answer of a few words, and the answer to another question about the passage."""
    passages = {r["id"]: r["text"] for r in read_jsonl(data / "retrieval/xquad_en/corpus.jsonl")}
    groups = {row.first: row.group for row in _short_answers(data)}
    found = [
        r for r in read_jsonl(data / "retrieval/xquad_en/qa.jsonl")
        if part_of(groups[r["question"]], dev=DEV, test=TEST) == part
    ]  # fmt: skip
    by_passage: dict[str, list[dict[str, Any]]] = {}
    for r in found:
        by_passage.setdefault(r["gold_doc"], []).append(r)
    rng, made = random.Random(14), []
    for r in found:
        answer = r["answers"][0]
        others = [o["answers"][0] for o in by_passage[r["gold_doc"]]]
        others = [o for o in others if not set(content_words(o)) & set(content_words(answer))]
        if others:
            made.append((plain(passages[r["gold_doc"]]), r["question"], answer, rng.choice(others)))
    return made


def _lfqa(data: Path) -> list[Row]:
    """Questions with the beginnings of their answers, and of the answers to another question."""
    rng, found = random.Random(11), list(read_jsonl(data / "relevance/haluquestqa/data.jsonl.gz"))
    rows = []
    for number, r in enumerate(found):
        group = f"lfqa:{number}"
        for key in ("ans1_text", "ans2_text"):
            text = " ".join(sentences(r[key])[: rng.randint(1, 3)])
            other = found[rng.randrange(len(found))]
            wrong = " ".join(sentences(other[key])[: rng.randint(1, 3)])
            rows.append(Row("answers", r["question_text"], text, "yes", "haluquestqa", "lfqa", group))
            if other is not r:
                rows.append(Row("answers", r["question_text"], wrong, "no", "haluquestqa", "lfqa", group))
    return rows


def _support(data: Path) -> list[Row]:
    """Requests to customer support with the reply to them, and a reply of the same category to another."""
    rng, found = random.Random(12), list(read_jsonl(data / "style/bitext_support/data.jsonl.gz"))
    rows = []
    for r in found:
        group = f"support:{_key(r['instruction'])}"
        others = [o for o in rng.sample(found, 40) if o["intent"] != r["intent"]]
        near = [o for o in others if o["category"] == r["category"]] or others
        for reply, verdict in ((r, "yes"), (rng.choice(near), "no")):
            text = " ".join(sentences(reply["response"])[: rng.randint(1, 3)])
            known: Verdict = "yes" if verdict == "yes" else "no"
            rows.append(Row("answers", r["instruction"], text, known, "bitext_support", "support", group))
    return rows


def _is_open(article: str) -> bool:
    return re.search(r"License:\s*cc-by", article, re.IGNORECASE) is not None


def _covid(data: Path) -> list[Row]:
    """Questions with the sentence that holds the answer, and with the most similar one that does not."""
    folder = data / "qa/covid_qa_longdocs"
    documents = {r["id"]: r["text"] for r in read_jsonl(folder / "corpus.jsonl.gz")}
    found = {key: sentences(text) for key, text in documents.items() if _is_open(text)}
    rows = []
    for r in read_jsonl(folder / "qa.jsonl.gz"):
        asked, group = set(content_words(r["question"])), f"covid_qa:{r['gold_doc']}"
        known = [plain(s) for s in found.get(r["gold_doc"], []) if 4 <= len(words(s)) <= 80]
        right = [s for s in known if plain(r["answers"][0])[:40] in s][:1]
        wrong = sorted(
            (s for s in known if s not in right), key=lambda s: -len(asked & set(content_words(s)))
        )[1:2]
        rows += [Row("answers", r["question"], s, "yes", "covid_qa", "covid", group) for s in right]
        rows += [Row("answers", r["question"], s, "no", "covid_qa", "covid", group) for s in wrong if right]
    return rows


def _clapnq(data: Path) -> list[Row]:
    return [
        Row("supports", r["context"], r["claim"], "yes" if r["label"] else "no", "clapnq_rag_human", "clapnq")
        for r in read_jsonl(data / "faithfulness/clapnq_rag_human/data.jsonl.gz")
    ]


def _trecqa(data: Path) -> list[Row]:
    return [
        Row("answers", plain(r["question"]), plain(r["claim"]), "yes" if r["label"] else "no",
            "trecqa_relevance", "trecqa", f"trecqa:{_key(r['question'])}")
        for r in read_jsonl(data / "relevance/trecqa_relevance/data.jsonl.gz")
        if r["label"] is not None
    ]  # fmt: skip


def texts(data: Path, part: Part) -> dict[str, list[str]]:
    """Plain documents of one part to plant errors in, by set."""
    profiles = data / "freshness/factbook_temporal/documents_2023-09-28.jsonl.gz"
    covid = read_jsonl(data / "qa/covid_qa_longdocs/corpus.jsonl.gz")
    replies = read_jsonl(data / "style/bitext_support/data.jsonl.gz")
    known = {
        "multihop_small": list(read_jsonl(data / "retrieval/multihop_small/corpus.jsonl.gz")),
        "factbook_temporal": list(read_jsonl(profiles)),
        "covid_qa": [r | {"text": r["text"][:12_000]} for r in covid if _is_open(r["text"])],
        "bitext_support": [{"id": n, "text": r["response"]} for n, r in enumerate(replies)],
    }
    return {
        name: [r["text"] for r in found if part_of(f"{name}:{r['id']}", dev=DEV, test=TEST) == part]
        for name, found in known.items()
    }


_NLI_LICENCES = {
    "snli_devtest": "CC BY-SA 4.0", "counterfactual": "Apache-2.0", "mnli": "OANC and others",
    "breaking": "CC BY-SA 4.0", "conj": "MIT", "med": "CC BY-SA 4.0", "help": "CC BY-SA 4.0",
}  # fmt: skip
SOURCES: dict[str, Source] = {
    **{name: Source(licence, _nli(name)) for name, licence in _NLI_LICENCES.items()},
    "begin": Source("CC BY 4.0, CDLA-Sharing-1.0", _labelled("begin", "dialogue")),
    "q2_dialogue": Source("MIT", _labelled("q2_dialogue", "dialogue")),
    "faithdial_audit": Source("MIT", _labelled("faithdial_audit", "dialogue")),
    "fever_symmetric": Source("CC BY-SA 3.0", _labelled("fever_symmetric", "fever")),
    "scifact_dev": Source("CC BY 4.0, ODC-By 1.0", _scifact),
    "citation_integrity": Source("MIT", _labelled("citation_integrity", "citations")),
    "summedits": Source("Apache-2.0", _summaries),
    "qnli": Source("CC BY-SA 4.0", _qnli),
    "xquad_en": Source("CC BY-SA 4.0", _short_answers),
    "haluquestqa": Source("CC BY-SA 4.0", _lfqa),
    "bitext_support": Source("CDLA-Sharing-1.0", _support),
    "covid_qa": Source("CC BY", _covid),
    "contract_nli": Source("Apache-2.0", _contracts, trained=False),
    "clapnq_rag_human": Source("Apache-2.0, CC BY-SA", _clapnq, trained=False),
    "trecqa_relevance": Source("unclear: validated on, never trained on", _trecqa, trained=False),
}
"""Every set by name."""
TEXT_LICENCES = {
    "multihop_small": "CC BY-SA 4.0, CC BY 4.0", "factbook_temporal": "CC0", "covid_qa": "CC BY",
    "bitext_support": "CDLA-Sharing-1.0",
}  # fmt: skip
"""Of :func:`texts`."""


def read_sources(data: Path, names: list[str] | None = None) -> list[Row]:
    """All rows of the sets named, with their groups."""
    rows = [row for name in names or SOURCES for row in SOURCES[name].read(data)]
    return [*(row for row in rows if row.group), *grouped([row for row in rows if not row.group])]
