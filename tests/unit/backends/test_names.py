from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from pytest_ragtune.backends.names import backend_metric, is_backend_name
from pytest_ragtune.fakes import ScriptedGenerator, ScriptedJudge
from pytest_ragtune.judges.prompted import PromptedJudge

BACKENDS = [name for name in ("ragas", "deepeval") if find_spec(name) is not None]


def test_names_say_where_they_belong() -> None:
    assert is_backend_name("ragas:faithfulness")
    assert is_backend_name("deepeval:g_eval")
    assert not is_backend_name("faithfulness")
    with pytest.raises(ValueError, match="expected ragas:NAME or deepeval:NAME"):
        backend_metric("faithfulness")


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_generator_comes_from_the_judge(backend: str) -> None:
    generator = ScriptedGenerator({})
    for judge in (generator, PromptedJudge(generator)):
        metric: Any = backend_metric(f"{backend}:faithfulness", judge)
        assert metric.judge is generator
        assert metric.info.name == f"{backend}:faithfulness"
    with pytest.raises(ValueError, match=r"got no generator.*ScriptedJudge asks no model"):
        backend_metric(f"{backend}:faithfulness", ScriptedJudge(lambda context, claim: 1.0))
    with pytest.raises(ValueError, match="got no generator"):
        backend_metric(f"{backend}:faithfulness")
