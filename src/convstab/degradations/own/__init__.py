"""Degradations that others have written."""
