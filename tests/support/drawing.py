"""Figures as their files."""

import io
import warnings

from matplotlib.figure import Figure


def drawn(figure: Figure, form: str = "png") -> bytes:
    """The bytes of a figure; warnings are errors: a layout that does not fit, a glyph that is missing."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.savefig(buffer, format=form)
    return buffer.getvalue()
