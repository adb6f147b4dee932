"""What a judge card reports: planted errors found, evidence agreed on, and the rows kept for agreement."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_ragtune import extras
from pytest_ragtune.judges.nli import NliJudge
from pytest_ragtune.text import sentences, words

from .paraphrase import paraphrase
from .planting import KINDS, Stock, plant, stock_of
from .rows import DEV, TEST, Row, plain, split
from .sources import SOURCES, edited_sentences, read_sources, texts

EACH = 220
"""Planted errors of a kind."""
MOST = 400
"""Rows of a set that are written to be calibrated on."""
_TRIES = 60_000
_PEOPLE = ("fever_symmetric", "begin", "scifact_dev")


@dataclass(frozen=True, slots=True)
class Rate:
    """How often a judge called claims supported, or not."""

    kind: str
    claims: int
    share: float
    """Of errors the share found; of true claims the share called unsupported."""
    low: float
    """Lower end of the 95% interval (Clopper-Pearson)."""
    high: float
    """Its upper end."""
    example: str = ""
    """One that the judge got wrong."""


def planted_table(data: Path, judge: NliJudge, *, seed: int = 5, each: int = EACH) -> list[Rate]:
    """Detection rate of each kind of planted error, and false alarms on true paraphrases and true claims.

    The claims are of documents and of people's supported pairs that no training row was made of.
    """
    rng = random.Random(seed)
    pairs = _true_pairs(data, rng)
    stock = stock_of([context for context, _ in rng.sample(pairs, min(250, len(pairs)))])
    made = {kind: _planted_kind(kind, pairs, stock, each, rng) for kind in KINDS}
    true = [(context, changed) for context, claim in pairs if (changed := paraphrase(claim, rng))]
    found = [_rate(kind, rows, judge, wrong=True) for kind, rows in made.items()]
    found.append(_rate("true paraphrase, made", true[: 3 * each], judge, wrong=False))
    found.append(_rate("true claim as it stands", pairs[: 3 * each], judge, wrong=False))
    return found


def _planted_kind(
    kind: str, pairs: Sequence[tuple[str, str]], stock: Stock, each: int, rng: random.Random
) -> list[tuple[str, str]]:
    """``each`` errors of a kind, none twice."""
    found: dict[tuple[str, str], None] = {}
    for _ in range(_TRIES):
        context, claim = rng.choice(pairs)
        wrong = plant(kind, claim, context, stock, rng)
        if wrong is not None and wrong not in context:
            found[context, wrong] = None
        if len(found) == each:
            break
    return list(found)


def _true_pairs(data: Path, rng: random.Random) -> list[tuple[str, str]]:
    """Claims that are sentences of held-out documents, beside some of the sentences around them."""
    documents = [text for found in texts(data, "test").values() for text in found[:400]]
    pairs = []
    for text in documents:
        known = text.split("\n\n")
        found = [plain(s) for part in known for s in sentences(part)]
        for at, claim in enumerate(found):
            if 7 <= len(words(claim)) <= 35 and rng.random() < 0.5:
                first = max(0, at - rng.randint(0, 6))
                pairs.append((" ".join(found[first : at + rng.randint(1, 7)]), claim))
    trained = [name for name, source in SOURCES.items() if source.trained]
    kept = split(read_sources(data, trained), dev=DEV, test=TEST)["test"]
    people = [(row.first, row.second) for row in kept if row.label and row.source in _PEOPLE]
    pairs += [pair for pair in people if 6 <= len(words(pair[1])) <= 35]
    rng.shuffle(pairs)
    return pairs


def _rate(kind: str, rows: Sequence[tuple[str, str]], judge: NliJudge, *, wrong: bool) -> Rate:
    threshold = judge.thresholds["supports"]
    stats = extras.load("scipy.stats")
    called = [(o.probability or 0.0) < threshold for o in judge.support(list(rows))]
    failed = [row for row, is_low in zip(rows, called, strict=True) if is_low != wrong]
    interval = stats.binomtest(sum(called), max(1, len(called))).proportion_ci(0.95)
    share = sum(called) / max(1, len(called))
    return Rate(kind, len(called), share, interval.low, interval.high, failed[0][1] if failed else "")


def evidence_agreement(data: Path, judge: NliJudge) -> Rate:
    """Share of supported SciFact claims whose shown sentence is one that the annotators marked.

    Over all of the set, as no rationale was trained on but for choosing windows of its training part.
    """
    stats = extras.load("scipy.stats")
    threshold = judge.thresholds["supports"]
    rows = [row for row in SOURCES["scifact_dev"].read(data) if row.label and row.evidence]
    found = judge.best_support([(row.second, [row.first]) for row in rows])
    said = [
        (row, item)
        for row, item in zip(rows, found, strict=True)
        if (item.support.probability or 0.0) >= threshold
    ]
    agreed = [_is_marked(item.sentence or "", row.evidence) for row, item in said]
    interval = stats.binomtest(sum(agreed), max(1, len(agreed))).proportion_ci(0.95)
    return Rate("evidence", len(agreed), sum(agreed) / max(1, len(agreed)), interval.low, interval.high)


def _is_marked(sentence: str, marked: Sequence[str]) -> bool:
    key = words(sentence)
    joined = [" ".join(words(one)) for one in marked]
    return any(" ".join(key) in one or one in " ".join(key) for one in joined if key)


def write_held_out(data: Path, out: Path, *, most: int = MOST) -> Mapping[str, int]:
    """Write rows that no part of training saw as labels for ``ragtune calibrate``; returns how many by set.

    Of a set with more, whole groups are taken until there are ``most``.
    """
    trained = [name for name, source in SOURCES.items() if source.trained]
    kept = split(read_sources(data, trained), dev=DEV, test=TEST)["test"]
    kept += read_sources(data, [name for name, source in SOURCES.items() if not source.trained])
    kept += [
        replace(one, source="summedits_sentences")
        for row in kept
        if row.source == "summedits"
        for one in edited_sentences(row)
    ]
    chosen = [one for name in dict.fromkeys(r.source for r in kept) for one in _some(kept, name, most)]
    names = {"supports": ("context", "claim"), "answers": ("question", "answer")}
    with out.open("w", encoding="utf-8") as lines:
        for row in chosen:
            first, second = names[row.head]
            value = {"set": row.source, first: row.first, second: row.second, "label": row.label}
            lines.write(json.dumps(value | {"group": row.group}, ensure_ascii=False) + "\n")
    return Counter(row.source for row in chosen)


def _some(rows: Sequence[Row], name: str, most: int) -> list[Row]:
    """The rows of a set, group by group in the order of their digests."""
    members = [row for row in rows if row.source == name]
    order = {g: hashlib.sha256(g.encode()).hexdigest() for g in {row.group for row in members}}
    return sorted(members, key=lambda row: order[row.group])[:most]
