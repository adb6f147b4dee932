"""Adapting a judge to a user's own labels: before and after on folds that it did not learn from."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_ragtune.judges.encoder import MODEL, TOKENIZER, Encoder
from pytest_ragtune.judges.features import Combiner, Head
from pytest_ragtune.judges.lexical import sigmoid
from pytest_ragtune.judges.windows import choose, read_document
from pytest_ragtune.statistics.agreement import Agreement, agreement

from .combining import Sample, best_threshold, fit_combiner, weights_of
from .exporting import export, load_weights, reader_weights
from .folder import Draft, write_card
from .network import Recipe, base_folder, build_network, load_tokenizer, train
from .rows import Row
from .scoring import features_of

Features = Sequence[Mapping[str, float] | None]
BEFORE, COMBINER, NETWORK = "before", "combiner", "network and combiner"


@dataclass(frozen=True, slots=True)
class Adapted:
    """What came of it."""

    chosen: Mapping[Head, str]
    """For each head the variant that was kept: ``before`` where learning did not help."""
    agreements: Mapping[Head, Mapping[str, Agreement]]
    """On held-out folds, by head and variant."""


def adapt(
    rows: Sequence[Row],
    out: Path,
    start: Path,
    *,
    recipe: Recipe | None = None,
    folds: int = 5,
    name: str = "nli",
    tell: Callable[[str], None] = lambda line: None,
) -> Adapted:
    """Learn from ``rows`` beginning with the judge in ``start``; write the better judge to ``out``.

    Args:
        rows: with their groups; a group is never on both sides of a fold.
        out: folder to write.
        start: folder of a judge.
        recipe: how to train the network; None leaves it as it is and fits only the combiner.
        folds: into how many parts the groups are dealt.
        name: of the new judge.
        tell: told of each step.

    Raises:
        ValueError: there are fewer groups than folds.
    """
    sides = _deal(rows, folds)
    encoder = Encoder(start)
    features = features_of(rows, encoder, encoder.card.window)
    scores: dict[str, list[float]] = {BEFORE: _scores(rows, features, encoder.card.combiners)}
    scores[COMBINER] = _held_out(rows, sides, features, encoder)
    if recipe is not None:
        scores[NETWORK] = _held_out_networks(rows, sides, features, encoder, recipe, tell)
    agreements = {
        head: {
            variant: _agreement(rows, values, head, encoder.card.thresholds[head])
            for variant, values in scores.items()
        }
        for head in dict.fromkeys(row.head for row in rows)
    }
    chosen = {head: _best(found) for head, found in agreements.items()}
    _write(rows, out, encoder, features, chosen, agreements, recipe, name, tell)
    return Adapted(chosen, agreements)


def _best(found: Mapping[str, Agreement]) -> str:
    """The variant of the highest AUROC, then of the highest balanced accuracy; the simplest of equals."""

    def rank(variant: str) -> tuple[float, float]:
        one = found[variant]
        return round(one.auroc.value or 0.0, 3), round(one.balanced_accuracy.value or 0.0, 3)

    return max(found, key=rank)  # the first of equals: they come in the order of their cost


def _deal(rows: Sequence[Row], folds: int) -> list[int]:
    """The fold of each row: groups in the order of their digests, dealt round."""
    groups = sorted({row.group for row in rows}, key=lambda g: hashlib.sha256(g.encode()).hexdigest())
    if folds < 2 or len(groups) < folds:
        raise ValueError(
            f"{len(groups)} groups of rows cannot be dealt into {folds} folds: expected at least 2 folds and "
            "as many groups (rows that share a sentence of context are one group)"
        )
    place = {group: number % folds for number, group in enumerate(groups)}
    return [place[row.group] for row in rows]


def _scores(rows: Sequence[Row], features: Features, combiners: Mapping[str, Combiner]) -> list[float]:
    return [
        0.0 if found is None else sigmoid(combiners[row.head].logit(found))
        for row, found in zip(rows, features, strict=True)
    ]


def _refitted(rows: Sequence[Row], features: Features, encoder: Encoder) -> dict[str, Combiner]:
    """The combiners pulled from the starting ones towards ``rows``."""
    combiners = dict(encoder.card.combiners)
    for head in dict.fromkeys(row.head for row in rows):
        usable = [(r, f) for r, f in zip(rows, features, strict=True) if r.head == head and f is not None]
        weights = weights_of([row for row, _ in usable], {})
        samples = [Sample(r, f, w) for (r, f), w in zip(usable, weights, strict=True)]
        prior = encoder.card.combiners[head]
        combiners[head] = fit_combiner(samples, prior.features, prior)
    return combiners


def _held_out(rows: Sequence[Row], sides: Sequence[int], features: Features, encoder: Encoder) -> list[float]:
    scores = [0.0] * len(rows)
    for fold in range(max(sides) + 1):
        known = [i for i, side in enumerate(sides) if side != fold]
        combiners = _refitted([rows[i] for i in known], [features[i] for i in known], encoder)
        for i, side in enumerate(sides):
            if side == fold:
                scores[i] = _scores([rows[i]], [features[i]], combiners)[0]
    return scores


def _held_out_networks(
    rows: Sequence[Row],
    sides: Sequence[int],
    features: Features,
    encoder: Encoder,
    recipe: Recipe,
    tell: Callable[[str], None],
) -> list[float]:
    scores = [0.0] * len(rows)
    for fold in range(max(sides) + 1):
        known = [i for i, side in enumerate(sides) if side != fold]
        asked = [i for i, side in enumerate(sides) if side == fold]
        tell(f"fold {fold + 1} of {max(sides) + 1}: {len(known)} rows to learn from, {len(asked)} to ask")
        combiners = _refitted([rows[i] for i in known], [features[i] for i in known], encoder)
        with tempfile.TemporaryDirectory() as folder:
            network = _trained([rows[i] for i in known], encoder, recipe)
            tuned = _folder(Path(folder), encoder, network, combiners)
            held = [rows[i] for i in asked]
            found = _scores(held, features_of(held, tuned, tuned.card.window), combiners)
        for i, score in zip(asked, found, strict=True):
            scores[i] = score
    return scores


def _trained(rows: Sequence[Row], encoder: Encoder, recipe: Recipe) -> Any:
    network = build_network(base_folder())
    load_weights(network, encoder.folder / MODEL)
    train(network, load_tokenizer(encoder.folder), _windowed(rows, encoder), recipe)
    return network


def _windowed(rows: Sequence[Row], encoder: Encoder) -> list[Row]:
    """What the network learns: the window it believes most of a positive row, the two of a negative one."""
    found: list[Row] = []
    for row in rows:
        long, about = (row.first, row.second) if row.head == "supports" else (row.second, row.first)
        windows = choose(read_document(long, encoder.card.window), about, encoder.card.window)
        pairs = [(w.text, about) if row.head == "supports" else (about, w.text) for w in windows]
        column = 0 if row.head == "supports" else 1
        ranked = sorted(zip(encoder.logits(pairs), pairs, strict=True), key=lambda item: -item[0][column])
        found += [replace(row, first=a, second=b) for _, (a, b) in ranked[: 1 if row.label else 2]]
    return found


def _folder(folder: Path, encoder: Encoder, network: Any, combiners: Mapping[str, Combiner]) -> Encoder:
    folder.mkdir(parents=True, exist_ok=True)
    export(network, folder / MODEL, reader=reader_weights(encoder.folder / MODEL))
    shutil.copyfile(encoder.folder / TOKENIZER, folder / TOKENIZER)
    write_card(folder, _draft(encoder, combiners, {}))
    return Encoder(folder)


def _draft(encoder: Encoder, combiners: Mapping[str, Combiner], calibration: Mapping[str, Any]) -> Draft:
    card = encoder.card
    return Draft(
        {"supports": combiners["supports"], "answers": combiners["answers"]},
        {"supports": card.thresholds["supports"], "answers": card.thresholds["answers"]},
        card.window, card.max_tokens, f"{card.name} {card.checksum}", 0, calibration=calibration,
    )  # fmt: skip


def _write(
    rows: Sequence[Row],
    out: Path,
    encoder: Encoder,
    features: Features,
    chosen: Mapping[Head, str],
    agreements: Mapping[Head, Mapping[str, Agreement]],
    recipe: Recipe | None,
    name: str,
    tell: Callable[[str], None],
) -> None:
    """The judge of the chosen variants, learned from all rows; a head that gained nothing stays as it was."""
    learned = [row for row in rows if chosen[row.head] != BEFORE]
    kept = [f for row, f in zip(rows, features, strict=True) if chosen[row.head] != BEFORE]
    combiners = _refitted(learned, kept, encoder)
    tuned = [row for row in rows if chosen[row.head] == NETWORK]
    out.mkdir(parents=True, exist_ok=True)
    if tuned and recipe is not None:
        tell(f"training on all {len(tuned)} rows")
        _folder(out, encoder, _trained(tuned, encoder, recipe), combiners)
    else:
        for file in (MODEL, TOKENIZER):
            shutil.copyfile(encoder.folder / file, out / file)
    report = {
        head: {variant: round(found.auroc.value or 0.0, 4) for variant, found in variants.items()}
        | {"kept": chosen[head]}
        for head, variants in agreements.items()
    }
    draft = replace(_draft(encoder, combiners, {"held-out folds, AUROC": report}), name=name)
    thresholds = dict(draft.thresholds) | _thresholds(learned, kept, combiners)
    write_card(out, replace(draft, thresholds=thresholds, trained_on=_sets(rows)))


def _thresholds(
    rows: Sequence[Row], features: Features, combiners: Mapping[str, Combiner]
) -> dict[Head, float]:
    found: dict[Head, float] = {}
    scores = _scores(rows, features, combiners)
    for head in dict.fromkeys(row.head for row in rows):
        members = [i for i, row in enumerate(rows) if row.head == head]
        labels = [rows[i].label for i in members]
        found[head] = best_threshold([scores[i] for i in members], labels, [1.0] * len(members))
    return found


def _sets(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [{"set": "own labels", "licence": "the user's", "rows": len(rows)}]


def _agreement(rows: Sequence[Row], scores: Sequence[float], head: Head, threshold: float) -> Agreement:
    members = [i for i, row in enumerate(rows) if row.head == head]
    return agreement(
        [rows[i].label for i in members], [scores[i] for i in members], threshold=threshold,
        groups=[rows[i].group for i in members],
    )  # fmt: skip
