"""Tables as the text of a Markdown page."""

from collections.abc import Iterable, Sequence


def markdown_text(head: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 0) -> str:
    """The head and the rows, whose cells are Markdown as they are.

    texts: how many of the columns, the first ones, are text; the others are numbers and stand to the right.
    """
    marks = ["---" if place < texts else "---:" for place in range(len(head))]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, marks, *rows))
