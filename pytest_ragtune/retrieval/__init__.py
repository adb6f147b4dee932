"""Retrieval: BM25, dense, their fusion, and the stages around them (queries, filters, rerankers)."""
