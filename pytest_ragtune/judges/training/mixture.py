"""The training mixture: rows of every set, windows as inference sees them, noise, and planted errors."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pytest_ragtune.text import content_words, sentences, words

from .paraphrase import paraphrase
from .planting import KINDS, Stock, stock_of
from .retellings import read_chapters, retold
from .rows import DEV, TEST, Part, Row, Verdict, plain, split
from .scarce import plant_scarce
from .sources import SOURCES, asked, edited_sentences, read_sources, texts

CAPS: Mapping[str, int] = {
    "snli_devtest": 7000, "counterfactual": 6000, "mnli": 14000, "breaking": 700, "conj": 3000, "med": 3000,
    "help": 1500, "begin": 3500, "q2_dialogue": 1000, "faithdial_audit": 2000, "fever_symmetric": 1800,
    "scifact_dev": 1000, "citation_integrity": 2200, "summedits": 2000, "qnli": 4000, "xquad_en": 1800,
    "haluquestqa": 2000, "bitext_support": 1500, "covid_qa": 1900, "planted": 26000, "retold": 8000,
}  # fmt: skip
"""At most so many training rows of each set."""
_REFUSALS = (
    "I don't know.", "The text does not say.", "The passage does not mention this.",
    "There is no information on that.",
    "I could not find an answer in the documents provided.", "That is a good question!",
    "Please contact our support team for more information.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mixture:
    """What one training run sees, and what is kept from it."""

    train: list[Row]
    """Ready to tokenise, shuffled."""
    dev: list[Row]
    """Rows of the groups kept for choosing and for fitting what stands behind the network."""
    test: list[Row]
    """Rows of the groups kept for reporting."""
    counts: dict[str, int] = field(default_factory=dict)
    """Training rows by set."""


def build(data: Path, *, seed: int, caps: Mapping[str, int] = CAPS) -> Mixture:
    """The mixture from the folder of all sets; the same for the same seed."""
    rng = random.Random(seed)
    parts = split(read_sources(data, [name for name in caps if name in SOURCES]), dev=DEV, test=TEST)
    everything = [text for found in texts(data, "train").values() for text in found]
    stock = stock_of(rng.sample(everything, min(600, len(everything))))
    train: list[Row] = []
    for name, cap in caps.items():
        if name not in SOURCES:
            continue
        rows = [row for row in parts["train"] if row.source == name]
        rng.shuffle(rows)
        train += [ready for row in rows[:cap] for ready in _prepared(row, stock, rng)][: int(cap * 1.2)]
    train += strangers([row for row in train if row.head == "answers"], rng, 1.5)
    train += refusals([row for row in train if row.head == "answers"], rng, 400)
    train += planted(data, parts["train"], rng, caps.get("planted", 0), "train")
    train += short_claims(asked(data, "train"), rng) if "xquad_en" in caps else []
    train += retold(read_chapters(data, "train"), rng, caps["retold"]) if "retold" in caps else []
    rng.shuffle(train)
    counts: dict[str, int] = {}
    for row in train:
        counts[row.source] = counts.get(row.source, 0) + 1
    return Mixture(train, parts["dev"], parts["test"], counts)


def _prepared(row: Row, stock: Stock, rng: random.Random) -> list[Row]:
    """A row as the network sees it: a window of a long context, noise around a short one."""
    if row.head == "answers":
        return [row]
    if row.source == "summedits":
        found = edited_sentences(row)
        wrong = [r for r in found if not r.label]
        found = [
            *wrong,
            *rng.sample([r for r in found if r.label], min(len(wrong) + 1, len(found) - len(wrong))),
        ]
        return [replace(r, first=window(r.first, r.second, rng)) for r in found]
    if row.source == "scifact_dev" and row.evidence and row.label:
        return [replace(row, first=window(row.first, row.evidence[0], rng)) for _ in range(2)]
    if len(words(row.first)) > 60:
        return [replace(row, first=window(row.first, row.second, rng))]
    if rng.random() < 0.3:
        return [replace(row, first=buried(row.first, stock, rng))]
    return [row]


def window(context: str, claim: str, rng: random.Random) -> str:
    """Sentences of ``context`` around the one that shares most with ``claim``: one to six of them."""
    found = sentences(context)
    wanted = set(content_words(claim))
    shared = [len(wanted & set(content_words(sentence))) for sentence in found]
    best = max(range(len(found)), key=shared.__getitem__)
    size = rng.choice((1, 2, 3, 3, 4, 6))
    first = max(0, min(best - rng.randrange(size), len(found) - size))
    return plain(" ".join(found[first : first + size]))


def buried(evidence: str, stock: Stock, rng: random.Random) -> str:
    """``evidence`` among sentences of other texts."""
    noise = rng.sample(list(stock.claims), rng.choice((1, 2, 2, 3, 5)))
    noise.insert(rng.randint(0, len(noise)), evidence)
    return plain(" ".join(noise))


def refusals(rows: Sequence[Row], rng: random.Random, count: int) -> list[Row]:
    """Questions with a reply that answers none of them."""
    chosen = rng.sample(list(rows), min(count, len(rows)))
    return [replace(row, second=rng.choice(_REFUSALS), verdict="no", source="refusals") for row in chosen]


def strangers(rows: Sequence[Row], rng: random.Random, share: float) -> list[Row]:
    """For each answered question so many answers to others of its set (0.5: for every other): no answers."""
    by_source: dict[str, list[Row]] = {}
    for row in rows:
        by_source.setdefault(row.source, []).append(row)
    found = []
    for row in rows:
        count = int(share) + (rng.random() < share % 1) if row.label else 0
        others = [rng.choice(by_source[row.source]) for _ in range(count)]
        found += [replace(row, second=o.second, verdict="no") for o in others if o.group != row.group]
    return found


def short_claims(found: Sequence[tuple[str, str, str, str]], rng: random.Random) -> list[Row]:
    """Questions with the few words that answer them, read as one claim, and with other words of it."""
    rows = []
    for passage, question, right, wrong in found:
        pairs: list[tuple[str, Verdict]] = [(right, "yes"), (wrong, "no")]
        for answer, verdict in pairs:
            context = window(passage, f"{question} {right}", rng)
            kind = "planted" if verdict == "yes" else "planted:other answer"
            if verdict == "yes" and right not in context:
                continue
            rows.append(Row("supports", context, f"{question} {answer}", verdict, kind))
    return rows


def planted(data: Path, known: Sequence[Row], rng: random.Random, count: int, part: Part) -> list[Row]:
    """Pairs of a context with a true claim, a paraphrase of it, and one with an error, in equal parts.

    Half of the claims are sentences of plain documents, half are claims that people found supported.
    """
    documents = [
        (name, text) for name, found in texts(data, part).items() for text in _some(found, name, rng)
    ]
    yes = [r for r in known if r.head == "supports" and r.label and 6 <= len(words(r.second)) <= 45]
    human = [r for r in yes if r.source not in ("summedits", "conj", "breaking")]
    kinds = list(KINDS)
    rows: list[Row] = []
    stock = stock_of([text for _, text in rng.sample(documents, min(300, len(documents)))])
    uses = dict.fromkeys(kinds, 0)
    while len(rows) < count:
        made = (
            _of_document(rng.choice(documents)[1], rng)
            if rng.random() < 0.6
            else _of_row(rng.choice(human), rng)
        )
        if made is None:
            continue
        context, claim, missing = made
        if missing and rng.random() < 0.25:
            rows.append(Row("supports", context, missing, "unknown", "planted:left out"))
        rows += _variants(context, claim, stock, uses, rng)
    return rows[:count]


def _some(found: Sequence[str], name: str, rng: random.Random) -> list[str]:
    """As many documents of each set as keep one from filling the mixture."""
    return rng.sample(
        list(found), min(len(found), {"multihop_small": 2000, "bitext_support": 120}.get(name, 300))
    )


def _of_document(text: str, rng: random.Random) -> tuple[str, str, str] | None:
    """Neighbouring sentences, one of them or two, and one of the same text that is not among them."""
    found = [plain(s) for s in sentences(text)]
    usable = [i for i, s in enumerate(found) if 6 <= len(words(s)) <= 40]
    if not usable:
        return None
    at, size = rng.choice(usable), rng.choice((1, 2, 3, 3, 4, 6, 8))
    first = max(0, min(at - rng.randrange(size), len(found) - size))
    span = found[first : first + size]
    others = [found[i] for i in usable if not first <= i < first + size and found[i] not in span]
    missing = rng.choice(others) if others else ""
    if rng.random() < 0.2 and found[at] in span[:-1] and len(words(found[at + 1])) <= 25:
        return " ".join(span), f"{found[at]} {found[at + 1]}", missing
    return " ".join(span), found[at], missing


def _of_row(row: Row, rng: random.Random) -> tuple[str, str, str]:
    short = len(words(row.first)) <= 60
    return (row.first if short else window(row.first, row.second, rng)), row.second, ""


def _variants(context: str, claim: str, stock: Stock, uses: dict[str, int], rng: random.Random) -> list[Row]:
    """The claim or a paraphrase, and one or two errors planted in either; rare kinds come first."""
    if rng.random() < 0.2:
        context = buried(context, stock, rng)
    true = (paraphrase(claim, rng, steps=rng.choice((1, 2, 3))) if rng.random() < 0.75 else claim) or claim
    rows = [Row("supports", context, true, "yes", "planted")]
    wrong = plant_scarce([claim, true], context, stock, uses, rng)
    if wrong is not None:
        rows.append(Row("supports", context, wrong.claim, "no", f"planted:{wrong.kind}"))
    return rows
