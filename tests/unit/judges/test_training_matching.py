"""The model that needs no training: it compares the tokens of two texts that were read apart."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ragtune import extras
from pytest_ragtune.judges.training.graph import write_model
from pytest_ragtune.judges.training.matching import matching_model
from pytest_ragtune.judges.training.network import base_folder, load_tokenizer

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Sessions of the model in full and in 8 bits."""
    folder = tmp_path_factory.mktemp("matching")
    given = extras.load("safetensors.numpy").load_file(base_folder() / "model.safetensors")
    weights = {f"encoder.{name}": value for name, value in given.items() if not name.startswith("pooler")}
    model = matching_model(weights, 12)
    runtime = extras.load("onnxruntime")
    paths = {"full": folder / "full.onnx", "small": folder / "small.onnx"}
    for name, path in paths.items():
        write_model(model, path, quantised=name == "small")
    assert paths["small"].stat().st_size < 30_000_000
    return {name: runtime.InferenceSession(str(path)) for name, path in paths.items()}


def ask(session: Any, first: str, second: str) -> tuple[float, float]:
    import numpy as np

    encoded = load_tokenizer(base_folder()).encode(first, second)
    names = ("input_ids", "attention_mask", "token_type_ids")
    columns = (encoded.ids, encoded.attention_mask, encoded.type_ids)
    feed = {name: np.array([values], dtype="int64") for name, values in zip(names, columns, strict=True)}
    supports, answers = session.run(["logits"], feed)[0][0].tolist()
    return supports, answers


CONTEXT = "The warranty lasts two years from the day of delivery."


def test_a_claim_in_other_words_is_nearer_than_one_about_something_else(models: dict[str, Any]) -> None:
    for session in models.values():
        same = ask(session, CONTEXT, "The guarantee is valid for two years after delivery.")[0]
        partly = ask(session, CONTEXT, "The warranty lasts two years and covers damage by lightning.")[0]
        other = ask(session, CONTEXT, "Bananas are grown in Ecuador.")[0]
        assert same > partly > other


def test_an_answer_is_nearer_to_its_question_than_to_another(models: dict[str, Any]) -> None:
    for session in models.values():
        right = ask(session, "How long does the warranty last?", CONTEXT)[1]
        wrong = ask(session, "Where are bananas grown?", CONTEXT)[1]
        assert right > wrong + 2


def test_a_text_is_nearest_to_itself(models: dict[str, Any]) -> None:
    for session in models.values():
        itself = ask(session, CONTEXT, CONTEXT)
        other = ask(session, CONTEXT, "The guarantee is valid for two years.")
        assert itself[0] > other[0]
        assert itself[1] > other[1]


def test_eight_bits_cost_little(models: dict[str, Any]) -> None:
    for claim in ("The warranty lasts two years.", "It rains.", "The delivery takes two years."):
        full, small = (ask(session, CONTEXT, claim) for session in models.values())
        assert small == pytest.approx(full, abs=1.0)
