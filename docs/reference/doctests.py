"""For mkdocstrings: the examples of docstrings, from >>> to the next empty line, are shown as code."""

import re
from typing import Any

from griffe import Extension, Object

EXAMPLE = re.compile(r"^>>> (?:.+\n?)+", re.MULTILINE)


class Doctests(Extension):
    """Fences the examples: Markdown would take >>> for a quotation in a quotation."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """When an object with its docstring was read."""
        if obj.docstring is not None:
            obj.docstring.value = EXAMPLE.sub(lambda found: f"```python\n{found[0].rstrip()}\n```", obj.docstring.value)
