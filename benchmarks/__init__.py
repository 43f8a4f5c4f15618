"""Benchmarks: each compares contenders in one interleaved run and prints ratios; see docs/performance.md."""
