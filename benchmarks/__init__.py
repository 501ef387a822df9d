"""Measurements; a package, so that benchmarks/evaluate.py and evaluate.py are two modules for a type checker."""
