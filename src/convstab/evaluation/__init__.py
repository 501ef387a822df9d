"""Classifying degraded copies: protocol, forward passes, counts, and what comes of them."""
