"""What the processor is good at."""

from __future__ import annotations

from pathlib import Path

_FAST_BF16 = frozenset({"amx_bf16", "avx512_bf16"})


def has_fast_bfloat16(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether it multiplies bfloat16 natively (AMX, AVX512-BF16); elsewhere that is several times slower."""
    try:
        text = cpuinfo.read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        return False
    flags = {word for line in text.splitlines() if line.startswith("flags") for word in line.split()}
    return bool(flags & _FAST_BF16)
