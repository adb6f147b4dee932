"""pytest-ragtune: evaluation as tests for RAG, LoRA, hybrid and long-context pipelines."""
