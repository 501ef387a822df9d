"""Draws of images: keyed degraded copies, in batches."""
