"""Measures how stable image classifiers are against image degradation."""
