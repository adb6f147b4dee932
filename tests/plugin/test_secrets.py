"""No secret reaches the store, a recording, a report, the JUnit file or the terminal."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest

from pytest_ragtune.sharing import export_recording

Run = Callable[..., pytest.RunResult]

# Put together here, so that no scanner takes this file for a leak.
SHAPED = "sk-" + "proj-abcdefghij0123456789"
NAMED = "tulip-42-garden"
BEARER = "qwertz.uiop-0123456789"
CUT = "-----BEGIN " + "PRIVATE KEY-----\\nMIIE42"

SUITE = f"""
import pytest
from pytest_ragtune import CallablePipeline, Response, assert_at_least, evaluate
from pytest_ragtune.fakes import ScriptedJudge

pytestmark = pytest.mark.golden_set("tiny")
LEAKS = ["{SHAPED}", "{NAMED}", "Authorization: Bearer {BEARER}", "{CUT}"]

def answers(question):
    return Response(f"It is {{' and '.join(LEAKS)}}.", contexts=[f"The key is {{LEAKS}}."], note=str(LEAKS))

def fails(question):
    raise PermissionError(f"401: headers {{LEAKS}}")

@pytest.mark.parametrize("function", [answers, fails])
def test_it(golden_set, function):
    judge = ScriptedJudge(lambda context, claim: None, version=str(LEAKS))
    pipeline = CallablePipeline(function, version=f"1 {{LEAKS}}")
    evaluation = evaluate(pipeline, golden_set, ["faithfulness", "token_f1"], judge=judge)
    assert_at_least(evaluation, "faithfulness", 0.5)
"""


def test_secrets_stay_where_they_are(
    project: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_API_KEY", NAMED)
    project.makepyfile(test_suite=SUITE)
    result = run(
        "--ragtune-report=report.json",
        "--ragtune-report=report.md",
        "--junitxml=junit.xml",
        "--tb=line",
        "-rA",
    )
    result.assert_outcomes(failed=2)
    store = project.path / ".ragtune" / "store.sqlite3"
    recording = export_recording(project.path / "tiny", store)
    texts = {name: (project.path / name).read_bytes() for name in ("report.json", "report.md", "junit.xml")}
    texts |= {path.name: path.read_bytes() for path in store.parent.iterdir() if path.is_file()}
    texts |= {"recording": gzip.decompress(recording.read_bytes()), "terminal": result.stdout.str().encode()}
    assert len(texts) >= 6
    assert b"[redacted]" in texts["recording"]
    assert b"[redacted]" in texts["report.json"]
    for name, text in texts.items():
        for secret in (SHAPED, NAMED, BEARER, "MIIE42"):
            assert secret.encode() not in text, (name, secret)
