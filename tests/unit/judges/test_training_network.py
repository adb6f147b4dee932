"""The network: a tiny one learns, is exported as it is, and can be taken up again."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_ragtune import extras
from pytest_ragtune.judges.training import shipped
from pytest_ragtune.judges.training.network import (
    Recipe,
    batches,
    build_network,
    collate,
    encode,
    load_tokenizer,
    loss_of,
    train,
    two_logits,
)
from pytest_ragtune.judges.training.rows import Row, Verdict

pytestmark = pytest.mark.models


def rows(count: int, seed: int = 1) -> list[Row]:
    """Whether the context names green, the only colour that supports; whether the answer names a colour."""
    rng = random.Random(seed)
    colours, things = ("red", "green", "blue", "black"), ("door", "roof", "boat")
    found = []
    for _ in range(count):
        thing, colour, said = rng.choice(things), rng.choice(colours), rng.choice(colours)
        verdict: Verdict = "yes" if colour == "green" else rng.choice(("contradicted", "no"))
        found.append(Row("supports", f"the {thing} is {colour}", f"it is {said}", verdict, "made"))
        reply, right = (said, "yes") if rng.random() < 0.5 else (rng.choice(things), "no")
        known: Verdict = "yes" if right == "yes" else "no"
        found.append(Row("answers", f"what colour is the {thing}", f"it is {reply}", known, "made"))
    return found


def logits(network: Any, tokenizer: Any, given: list[Row]) -> Any:
    import torch

    with torch.no_grad():
        return two_logits(torch, network(**collate(torch, encode(tokenizer, given))))


def fresh(base: Path) -> Any:
    import torch

    torch.manual_seed(1)
    return build_network(base)


def test_both_heads_learn(base: Path) -> None:
    network, tokenizer = fresh(base), load_tokenizer(base)
    lines: list[str] = []
    recipe = Recipe(epochs=40, rate=3e-3, head_rate=3e-3, tokens=1024, save_every=10_000)
    train(network, tokenizer, rows(200), recipe, tell=lines.append)
    asked = rows(100, seed=2)
    found = logits(network, tokenizer, asked)
    right = {"supports": 0, "answers": 0}
    for row, pair in zip(asked, found.tolist(), strict=True):
        right[row.head] += (pair[0 if row.head == "supports" else 1] > 0) == bool(row.label)
    assert right["answers"] >= 98
    assert right["supports"] >= 98
    assert lines[-1].startswith("step ")


def test_a_run_that_was_stopped_goes_on_to_the_same_weights(base: Path, tmp_path: Path) -> None:
    recipe = Recipe(epochs=2, tokens=256, save_every=5)
    whole = fresh(base)
    train(whole, load_tokenizer(base), rows(60), recipe)

    class Stopped(Exception):
        pass

    def stop(line: str) -> None:
        if line.startswith("step 10 "):
            raise Stopped

    part = fresh(base)
    with pytest.raises(Stopped):
        # told before the checkpoint of step 10 is written: the run goes on from step 5
        train(part, load_tokenizer(base), rows(60), recipe, checkpoint=tmp_path / "c.pt", tell=stop)
    resumed = fresh(base)
    train(resumed, load_tokenizer(base), rows(60), recipe, checkpoint=tmp_path / "c.pt")
    for name, value in whole.state_dict().items():
        assert value.equal(resumed.state_dict()[name]), name


def test_the_exported_model_says_what_the_network_says(base: Path, tmp_path: Path) -> None:
    import numpy as np

    from pytest_ragtune.judges.training.exporting import export, load_weights

    network, tokenizer = fresh(base).eval(), load_tokenizer(base)

    given = [Row("supports", "the door is red", "it is red and the boat is blue", "yes", "made"), rows(1)[0]]
    feeds = [
        {"input_ids": np.array([ids]), "token_type_ids": np.array([kinds])}
        for ids, kinds in encode(tokenizer, given)
    ]
    expected = logits(network, tokenizer, given).numpy()
    runtime = extras.load("onnxruntime")
    export(network, tmp_path / "full.onnx", quantised=False)
    export(network, tmp_path / "small.onnx")
    sessions = [runtime.InferenceSession(str(tmp_path / f"{name}.onnx")) for name in ("full", "small")]
    full, small = (np.concatenate([one.run(["logits"], feed)[0] for feed in feeds]) for one in sessions)
    assert np.abs(full - expected).max() < 1e-5
    assert np.abs(small - expected).max() < 0.1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full.onnx", "small.onnx"]
    again = build_network(base).eval()
    load_weights(again, tmp_path / "small.onnx")
    assert np.abs(logits(again, tokenizer, given).numpy() - expected).max() < 0.1
    exact = build_network(base).eval()
    load_weights(exact, tmp_path / "full.onnx")
    assert logits(exact, tokenizer, given).equal(logits(network, tokenizer, given))


def test_of_several_models_the_mean_of_their_weights_is_taken(base: Path, tmp_path: Path) -> None:
    import torch

    from pytest_ragtune.judges.training.exporting import export, load_weights

    networks = []
    for seed in (1, 2, 3):
        torch.manual_seed(seed)
        networks.append(fresh(base))
        export(networks[-1], tmp_path / f"{seed}.onnx", quantised=False)
    mean = fresh(base)
    load_weights(mean, *(tmp_path / f"{seed}.onnx" for seed in (1, 2, 3)))
    for name, value in mean.state_dict().items():
        expected = sum(network.state_dict()[name] for network in networks) / 3
        assert torch.allclose(value, expected, atol=1e-6), name


def test_weights_of_another_model_are_refused(base: Path, tmp_path: Path) -> None:
    from pytest_ragtune.judges.training.exporting import load_weights

    other = Path(__file__).parents[3] / "fixtures/judges/overlap/model.onnx"
    with pytest.raises(ValueError, match="expected a model that ragtune trained"):
        load_weights(fresh(base), other)


def test_a_row_that_may_be_either_is_no_worse_for_the_way_it_is_unsupported() -> None:
    import torch

    given = torch.tensor([[0.0, 3.0, 1.0, 0.0]])
    kinds: tuple[Verdict, ...] = ("unknown", "no")
    unknown, no = (
        loss_of(torch, given, [Row("supports", "c", "d", verdict, "made")]).item() for verdict in kinds
    )
    contradicted = loss_of(torch, given, [Row("supports", "c", "d", "contradicted", "made")]).item()
    assert no < unknown < contradicted


def test_a_batch_holds_rows_of_similar_length_and_no_more_tokens_than_asked_for() -> None:
    rng = random.Random(3)
    lengths = [rng.randint(5, 250) for _ in range(500)]
    found = batches(lengths, 1024, random.Random(1))
    assert sorted(i for batch in found for i in batch) == list(range(500))
    assert all(max(lengths[i] for i in batch) * len(batch) <= 1024 for batch in found)
    padded = sum(max(lengths[i] for i in batch) * len(batch) for batch in found)
    assert padded < 1.15 * sum(lengths)


def test_a_long_context_loses_its_end_and_the_claim_stays(base: Path) -> None:
    tokenizer = load_tokenizer(base)
    ids, kinds = encode(tokenizer, [Row("supports", "red " * 100, "it is blue", "yes", "made")], most=20)[0]
    assert len(ids) == len(kinds) == 20
    assert ids[-4:] == [tokenizer.token_to_id(w) for w in ("it", "is", "blue", "[SEP]")]
    assert kinds == [0] * 16 + [1] * 4


def test_training_begins_with_the_network_of_a_judge(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnx
    import torch

    monkeypatch.setattr(shipped, "base_folder", lambda: base)
    still = Recipe(epochs=0.1, rate=0.0, head_rate=0.0)
    weights: list[Any] = []
    for name, starts in (("first", []), ("again", [tmp_path / "first"]), ("anew", [])):
        torch.manual_seed(len(weights))
        (tmp_path / name).mkdir()
        recipe = replace(still, seed=1 + len(weights))
        shipped._train(rows(40), tmp_path / name, recipe, starts, lambda line: None)
        model = onnx.load(tmp_path / name / "model.onnx")
        weights.append({i.name: onnx.numpy_helper.to_array(i) for i in model.graph.initializer}["out.weight"])
    assert (weights[0] == weights[1]).all()
    assert (weights[0] != weights[2]).any()
    (tmp_path / "mean").mkdir()
    told: list[str] = []
    both = [tmp_path / "first", tmp_path / "anew"]
    shipped._train(rows(40), tmp_path / "mean", Recipe(epochs=0), both, told.append)
    assert not any(line.startswith("step ") for line in told)
    assert not (tmp_path / "mean/checkpoint.pt").exists()
    model = onnx.load(tmp_path / "mean/model.onnx")
    mean = {i.name: onnx.numpy_helper.to_array(i) for i in model.graph.initializer}["out.weight"]
    assert abs(mean - (weights[0] + weights[2]) / 2).max() < 1e-6
