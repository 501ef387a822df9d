"""Figures as their files."""

import io
import warnings

from matplotlib.figure import Figure


def drawn(figure: Figure, form: str = "png") -> bytes:
    """The bytes of a figure; warnings are errors: a layout that does not fit, a glyph that is missing.

    Not those of deprecated names: Matplotlib before 3.10.8 gives some about its own parser.
    """
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        figure.savefig(buffer, format=form)
    return buffer.getvalue()
