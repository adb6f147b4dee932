"""The embedded judge: pairs a second beside its fp32 and torch forms, and what scoring a log costs.

Run: ``python -m tests.benchmarks judge``. It exits with 1 when int8 is not faster than fp32 in the same run,
or when scoring 1,000 rows takes over 100 MB more than 100 rows do. The fp32 forms are the network with the
judge's own weights: exported without rounding, and under torch.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from pytest_ragtune.judges.encoder import MODEL, THREADS, WEIGHTS, open_session

ROOT = Path(__file__).resolve().parents[2]
COUNTING = ROOT / "fixtures" / "judges" / "overlap"
TOKENS, PAIRS, ROUNDS = 128, 48, 3
ROWS, FEW, MEMORY_LIMIT = 1_000, 100, 100.0
EMBEDDED_IDS = 30_000
PAIR = ("input_ids", "attention_mask", "token_type_ids")

MEASURE = """
import sys, time
from pathlib import Path
from pytest_ragtune.cli import main
start, cpu = time.perf_counter(), time.process_time()
code = main(["score", sys.argv[1], "--metric", "faithfulness", "--out", sys.argv[2], "--judge", sys.argv[3]])
assert "torch" not in sys.modules
status = Path("/proc/self/status").read_text()  # not getrusage, which begins at what the parent had
peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
print(code, time.perf_counter() - start, time.process_time() - cpu, peak)
"""


def feeds() -> list[dict[str, Any]]:
    """Pairs of exactly ``TOKENS`` tokens, one a feed as the judge runs them, and a text of one token."""
    draw = np.random.default_rng(0)
    made = []
    for _ in range(PAIRS):
        ids = draw.integers(1_000, EMBEDDED_IDS, (1, TOKENS)).astype("int64")
        types = (np.arange(TOKENS) >= TOKENS * 3 // 4).astype("int64")[None]
        values = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": types}
        values |= {"text_ids": ids[:, :1], "text_mask": np.ones_like(ids[:, :1])}
        made.append(values)
    return made


def full_forms(model: Path, folder: Path) -> dict[str, Any]:
    """The model's weights in 32 bits, by onnxruntime and by torch, each called like a session."""
    import torch

    from pytest_ragtune.judges.training.exporting import export, load_weights
    from pytest_ragtune.judges.training.network import base_folder, build_network

    torch.set_num_threads(1)
    network = build_network(base_folder()).eval()
    load_weights(network, model)
    export(network, folder / MODEL, quantised=False)
    full = open_session(folder / MODEL)

    def run(feed: dict[str, Any]) -> None:
        with torch.inference_mode():
            network(**{name: torch.from_numpy(feed[name]) for name in PAIR})

    return {"fp32": runner(full), "torch fp32": run}


def runner(session: Any) -> Any:
    """A call that gives a session what it takes of a feed."""
    names = [item.name for item in session.get_inputs()]
    return lambda feed: session.run(["logits"], {name: feed[name] for name in names})


def pairs_a_second(runners: dict[str, Any], made: list[dict[str, Any]]) -> dict[str, float]:
    """The best of some rounds, two pairs at once, for each form in turn, so that others slow all alike."""
    best = dict.fromkeys(runners, 0.0)
    for run in runners.values():
        run(made[0])
    for _ in range(ROUNDS):
        for name, run in runners.items():
            start = time.perf_counter()
            with ThreadPoolExecutor(THREADS) as several:
                list(several.map(run, made))
            best[name] = max(best[name], len(made) / (time.perf_counter() - start))
    return best


def write_log(path: Path, rows: int) -> None:
    """Answers of 3 sentences over 4 passages each."""
    draw = random.Random(1)
    nouns = [f"{kind} {number}" for kind in ("lamp", "bike", "phone", "chair") for number in range(40)]
    verbs = ("costs", "weighs", "lasts", "needs")
    units = ("euros", "grams", "days", "parts")

    def fact() -> str:
        return f"The {draw.choice(nouns)} {draw.choice(verbs)} {draw.randint(2, 900)} {draw.choice(units)}."

    with path.open("w", encoding="utf-8") as stream:
        for number in range(rows):
            passages = [" ".join(fact() for _ in range(10)) for _ in range(4)]
            known = [draw.choice(passage.split(". ")).rstrip(".") + "." for passage in passages[:2]]
            answer = " ".join([*known, fact()])
            row = {"id": str(number), "question": "What is known?", "answer": answer, "context": passages}
            stream.write(json.dumps(row) + "\n")


def score(rows: int, judge: str) -> tuple[float, float, float]:
    """Rows a second, rows a second of processor time, and peak memory in MB, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log.jsonl")
        write_log(log, rows)
        command = [sys.executable, "-c", MEASURE, str(log), str(Path(folder, "out.jsonl")), judge]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    code, seconds, processor, peak = done.stdout.split()
    if code != "0":
        raise SystemExit(f"ragtune score ended with {code}: {done.stderr}")
    return rows / float(seconds), rows / float(processor), float(peak)


def main() -> int:
    """Print the figures; 1 when a bound is missed."""
    is_ours = (WEIGHTS / MODEL).is_file()
    session = open_session((WEIGHTS if is_ours else COUNTING) / MODEL)
    runners: dict[str, Any] = {"int8": runner(session)}
    with tempfile.TemporaryDirectory() as folder:
        if is_ours:
            runners |= full_forms(WEIGHTS / MODEL, Path(folder))
        else:
            print("the package has no weights: these are the figures of the test judge, which is no model")
        found = pairs_a_second(runners, feeds())
    for name, rate in found.items():
        print(f"{name}: {rate:.1f} pairs a second at {TOKENS} tokens, {rate / found['int8']:.2f} of int8")
    judge = "nli" if is_ours else str(COUNTING)
    few, many = score(FEW, judge), score(ROWS, judge)
    print(
        f"ragtune score, {ROWS} answers of 3 sentences over 4 passages: {many[0]:.1f} rows a second, "
        f"{many[1]:.1f} a second of processor time, peak {many[2]:.0f} MB ({few[2]:.0f} MB for {FEW})"
    )
    is_slow = "fp32" in found and found["int8"] <= found["fp32"]
    return int(is_slow or many[2] - few[2] > MEMORY_LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
