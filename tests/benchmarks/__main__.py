"""Run the benchmarks: all, or those named. ``python -m tests.benchmarks [NAME ...]``."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

NAMES = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))


def main() -> int:
    """Run each benchmark in turn; 2 for an unknown name, 1 when one misses its bound."""
    wanted = sys.argv[1:] or NAMES
    if unknown := [name for name in wanted if name not in NAMES]:
        print(f"no benchmark is called {unknown[0]!r}: expected {', '.join(NAMES)}", file=sys.stderr)
        return 2
    codes = []
    for name in wanted:
        print(f"== {name}", flush=True)
        codes.append(subprocess.call([sys.executable, "-m", f"tests.benchmarks.bench_{name}"]))
    return int(any(codes))


if __name__ == "__main__":
    raise SystemExit(main())
