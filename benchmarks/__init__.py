"""Measurements, run as modules from the root: ``python -m benchmarks.evaluate`` beside the command ``evaluate.py``."""
