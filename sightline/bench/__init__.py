"""Benchmarks that anyone can run: real streams, the real box, and the usual pipelines beside it."""
