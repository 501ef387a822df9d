"""Degradations of images: pure functions on tensors, the randomness passed in."""
