"""The sentence reader: it learns the vectors of its teacher, and is exported and carried over as it is."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_ragtune.judges.encoder import CARD, MODEL, TEXT_TOKENS, TOKENIZER, Encoder
from pytest_ragtune.judges.features import FEATURES, Head
from pytest_ragtune.judges.training import shipped
from pytest_ragtune.judges.training.adapting import adapt
from pytest_ragtune.judges.training.exporting import export, reader_weights
from pytest_ragtune.judges.training.folder import Draft, blank_combiners, write_card
from pytest_ragtune.judges.training.network import Recipe, build_network, load_encoder, load_tokenizer
from pytest_ragtune.judges.training.rows import Row, grouped
from pytest_ragtune.judges.training.sentences import (
    ReaderRecipe,
    build_reader,
    chosen_texts,
    reader_state,
    teach,
    vectors,
)
from pytest_ragtune.judges.windows import Policy

pytestmark = pytest.mark.models
WORDS = ("red", "green", "blue", "black", "is", "the", "door", "roof", "boat", "what", "colour", "and", "it")
FEW = ReaderRecipe(epochs=30.0, rate=3e-3, tokens=512)


def texts(count: int, seed: int = 1) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=draw.randint(2, 9))) for _ in range(count)]


def read(model: Any, folder: Path, given: list[str]) -> Any:
    """Rows of unit vectors, each text run alone."""
    import torch

    tokenizer = load_tokenizer(folder)
    with torch.no_grad():
        found = [
            vectors(model, torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.int64))[0].numpy()
            for ids in (tokenizer.encode(text).ids for text in given)
        ]
    return np.stack(found)


def judge(folder: Path, base: Path, reader: Any | None = None) -> Encoder:
    """A judge's folder around an untrained network, with the reader or without one."""
    import torch

    folder.mkdir()
    torch.manual_seed(1)
    weights = None if reader is None else reader_state(reader)
    export(build_network(base).eval(), folder / MODEL, reader=weights)
    shutil.copyfile(base / TOKENIZER, folder / TOKENIZER)
    even: dict[Head, float] = {"supports": 0.5, "answers": 0.5}
    write_card(folder, Draft(blank_combiners(FEATURES), even, Policy(), 64, "tiny", 1))
    return Encoder(folder)


def test_a_reader_learns_the_vectors_of_the_encoder(base: Path) -> None:
    whole, reader = load_encoder(base).eval(), build_reader(base)
    for name, value in reader.named_parameters():
        if name.endswith(".step"):
            value.data *= 6.0  # so coarse that nearly all weights are nothing
    asked = texts(40, seed=2)
    wanted, before = read(whole, base, asked), read(reader.eval(), base, asked)
    lines: list[str] = []
    teach(reader, base, texts(400), FEW, tell=lines.append)
    after = read(reader, base, asked)
    far = [float((1 - (found * wanted).sum(1)).mean()) for found in (before, after)]
    assert far[1] < 0.5 * far[0]
    assert lines[0].endswith(" texts to learn the vectors of")
    assert lines[-1].startswith("step ")


def test_a_matrix_is_held_in_four_bits(base: Path) -> None:
    reader = build_reader(base)
    name = "encoder.layer.0.intermediate.dense"
    steps, sizes = (reader_state(reader)[f"{name}.{kind}"] for kind in ("weight", "step"))
    assert steps.dtype == np.int8
    assert set(np.unique(steps)) <= set(range(-8, 8))
    assert len(np.unique(steps)) > 12
    held = reader.get_submodule(name).weight.detach().numpy()
    assert np.allclose(steps * sizes[:, None], held, atol=1e-6)
    original = load_encoder(base).get_submodule(name).weight.detach().numpy()
    assert np.abs(held - original).mean() < 0.15 * np.abs(original).mean()


def test_teaching_is_the_same_each_time_and_leaves_the_word_embeddings(base: Path) -> None:
    one, two, other = (build_reader(base) for _ in range(3))
    given = texts(60)
    for reader, seed in ((one, 1), (two, 1), (other, 2)):
        teach(reader, base, given, ReaderRecipe(epochs=2.0, tokens=256, seed=seed))
    assert all(value.equal(two.state_dict()[name]) for name, value in one.state_dict().items())
    bias = "encoder.layer.0.output.dense.bias"
    assert not other.state_dict()[bias].equal(one.state_dict()[bias])
    words = "embeddings.word_embeddings.weight"
    assert one.state_dict()[words].equal(build_reader(base).state_dict()[words])


def test_texts_to_learn_from_are_distinct_and_short_enough() -> None:
    found = chosen_texts(["a", "b", "a", " ", "c" * 2000, "d"], ReaderRecipe(texts=10))
    assert sorted(found) == ["a", "b", "d"]
    assert len(chosen_texts(["a", "b", "d"], ReaderRecipe(texts=2))) == 2


def test_the_exported_reader_says_what_the_reader_says(base: Path, tmp_path: Path) -> None:
    reader = build_reader(base).eval()
    encoder, given = judge(tmp_path / "judge", base, reader), texts(12)
    expected = read(reader, base, given)
    pairs = [(given[0], text) for text in given]
    cosines = encoder.cosines(pairs)
    assert np.abs(np.array(cosines) - expected @ expected[0]).max() < 0.02
    assert cosines[0] == pytest.approx(1.0, abs=1e-5)
    assert encoder.cosines(pairs[3:4]) == cosines[3:4]
    nothing = encoder._ask("vector", ([2, 5, 3], [1, 1, 1], [0, 0, 1]), ([0], [1]))
    assert not nothing.any()  # the half that is not asked for is not run
    without = judge(tmp_path / "without", base)
    assert encoder.logits(pairs) == without.logits(pairs)
    assert without.cosines(pairs) == [0.0] * len(pairs)
    assert reader_weights(without.folder / MODEL) == {}


def test_of_a_long_text_the_beginning_is_read(base: Path, tmp_path: Path) -> None:
    encoder = judge(tmp_path / "judge", base, build_reader(base).eval())
    long = "red door " * TEXT_TOKENS
    assert encoder.cosines([(long, long + "blue boat")]) == [pytest.approx(1.0, abs=1e-5)]
    assert -1.0 <= encoder.cosines([("", "\ud800")])[0] <= 1.0


def test_a_reader_is_carried_over_to_an_adapted_judge(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_ragtune.judges.training.adapting.base_folder", lambda: base)
    start = judge(tmp_path / "start", base, build_reader(base).eval())
    draw = random.Random(4)
    rows = grouped(
        [
            Row("answers", f"what colour is {n} door", f"the {n} door is {draw.choice(WORDS[:4])}",
                draw.choice(("yes", "no")), "labels", "labels")
            for n in range(40)
        ]
    )  # fmt: skip
    monkeypatch.setattr("pytest_ragtune.judges.training.adapting._best", lambda found: list(found)[-1])
    adapt(rows, tmp_path / "out", start.folder, recipe=Recipe(epochs=1.0, tokens=256), folds=2)
    assert json.loads((tmp_path / "out" / CARD).read_text(encoding="utf-8"))["base"].startswith("nli ")
    pairs = [(a, b) for a, b in zip(texts(8), texts(8, seed=5), strict=True)]
    assert Encoder(tmp_path / "out").cosines(pairs) == start.cosines(pairs)
    assert Encoder(tmp_path / "out").logits(pairs) != start.logits(pairs)


def test_the_shipped_recipe_teaches_a_reader_once(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shipped, "base_folder", lambda: base)
    given = [Row("answers", "what colour is the door", text, "yes", "made") for text in texts(30)]
    still = Recipe(epochs=0.1, rate=0.0, head_rate=0.0)
    found = []
    for name, starts in (("first", []), ("again", [tmp_path / "first"])):
        (tmp_path / name).mkdir()
        lines: list[str] = []
        shipped._train(given, tmp_path / name, still, starts, lines.append)
        found.append((reader_weights(tmp_path / name / MODEL), any("vectors" in line for line in lines)))
    assert [taught for _, taught in found] == [True, False]
    assert all(np.array_equal(value, found[1][0][key]) for key, value in found[0][0].items())
