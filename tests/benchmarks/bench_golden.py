"""How long 10,000 cases with quote labels over 300 documents take to load, beside a bare ``json.loads`` loop.

Run: ``python -m tests.benchmarks golden``. Times are those of the processor, which a busy machine changes
least; it exits with 1 when even the fastest load takes a second of them.
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pytest_ragtune.golden import load_golden_set

CASES, DOCUMENTS, SECTIONS, LIMIT_SECONDS = 10_000, 300, 8, 1.0


def write_golden_set(root: Path) -> None:
    """A golden set of that size; every case has a quote label that spans a line end."""
    rng = random.Random(0)
    syllables = [a + b for a in "bdfgklmnprst" for b in ("a", "e", "i", "o", "u", "an", "er")]
    vocabulary = ["".join(rng.choices(syllables, k=rng.randint(1, 4))) for _ in range(4000)]
    (root / "corpus").mkdir()
    texts = []
    for number in range(DOCUMENTS):
        sections = []
        for section in range(SECTIONS):
            words = rng.choices(vocabulary, k=90)
            lines = [" ".join(words[i : i + 12]) for i in range(0, 90, 12)]
            sections.append(f"## Section {section}\n\n" + "\n".join(lines) + "\n")
        texts.append(f"# Document {number}\n\n" + "\n".join(sections))
        (root / "corpus" / f"d{number:03}.md").write_text(texts[-1], encoding="utf-8")
    (root / "golden_set.toml").write_text('schema = 1\nname = "bench"\n', encoding="utf-8")
    with (root / "cases.jsonl").open("w", encoding="utf-8") as file:
        for number in range(CASES):
            document = rng.randrange(DOCUMENTS)
            words = texts[document].split("## Section")[rng.randint(1, SECTIONS)].split()[1:]
            place = rng.randrange(len(words) - 16)
            quote = " ".join(words[place : place + 14])
            line = {
                "id": f"q{number}",
                "question": f"What does entry {number} say about {words[place]}?",
                "reference": " ".join(words[place : place + 6]),
                "relevant": [{"document": f"d{document:03}.md", "quote": quote}],
                "tags": ["bench"],
            }
            file.write(json.dumps(line) + "\n")


def seconds(work: Callable[[], object]) -> float:
    """Seconds of the processor that one call takes."""
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> int:
    """Print the table; 0 when the fastest load, the least disturbed one, is fast enough."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_golden_set(root)

        def bare() -> list[object]:
            with (root / "cases.jsonl").open(encoding="utf-8") as file:
                return [json.loads(line) for line in file]

        first = seconds(lambda: load_golden_set(root))
        rounds = [(seconds(lambda: load_golden_set(root)), seconds(bare)) for _ in range(9)]
    fastest = min(load for load, _ in rounds)
    median = statistics.median(load for load, _ in rounds)
    floor = statistics.median(bare for _, bare in rounds)
    ratio = statistics.median(load / bare for load, bare in rounds)
    print(f"{CASES} cases with a quote each, {DOCUMENTS} documents, 9 rounds")
    print(f"  first load, pydantic imported in it  {first:.3f} s")
    print(f"  load, fastest                        {fastest:.3f} s")
    print(f"  load, median                         {median:.3f} s")
    print(f"  json.loads of the same lines, median {floor:.3f} s")
    print(f"  ratio, median of the rounds          {ratio:.1f}")
    return 0 if fastest < LIMIT_SECONDS else 1


if __name__ == "__main__":
    sys.exit(main())
