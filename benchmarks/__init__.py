"""Measurements, each beside a baseline in the same run: `python -m benchmarks.sync`, `python benchmarks/decoding.py`."""
