"""The commands that README.md and docs/ show, as a reader would copy them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
SHELL = "", "bash", "console", "sh", "shell"  # of a fenced block: what may hold commands
BLOCK = re.compile(r"(?:^(<!--[^\n]*-->)\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)  # mark, language, content
LONG = re.compile(r"<!-- long: \w.*-->")  # the mark of a block that no test runs, with the reason
STARTS = re.compile(
    r"(?:python3? (?:-m )?[\w./]+|convstab(?:-[a-z]+)?|pip install|mkdocs|pytest|uv|wandb|ray|mutmut)(?= |$)"
)
GIVEN = {"<[^<>]*>": "given", r",\.\.\.,": ",", r"\$\{?[A-Z_]+\}?": "1"}  # what a reader is to fill in


@dataclass(frozen=True)
class Command:
    """One command of a page, as words: the first names the program."""

    page: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {' '.join(self.words)}"


def commands() -> list[Command]:
    """All commands of all pages, in their order."""
    return [command for page in PAGES for command in of_page(page)]


def of_page(page: Path) -> Iterator[Command]:
    """The commands of one page."""
    name = page.relative_to(ROOT).as_posix()
    for token in MarkdownIt("commonmark").parse(page.read_text(encoding="utf-8")):
        if token.type in ("fence", "code_block") and token.info.strip() in SHELL:
            yield from (Command(name, words) for words in lines_of(token.content))
        for child in token.children or ():
            if child.type == "code_inline" and " " in child.content:
                yield from (Command(name, words) for words in lines_of(child.content))


def lines_of(text: str) -> Iterator[tuple[str, ...]]:
    """The commands of a block, without comments, and with words for what a reader is to fill in."""
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        filled = line
        for pattern, word in GIVEN.items():
            filled = re.sub(pattern, word, filled)
        for one in filled.split(" && "):
            if STARTS.match(one) and "=..." not in one:
                words = shlex.split(one.partition(" | ")[0], comments=True)
                yield tuple(word for word in words if word != "...")


def unseen_blocks(text: str) -> list[str]:
    """The blocks of commands of a page that no mark can stand before: indented, within a list, or fenced otherwise."""
    seen = [content for _, _, content in BLOCK.findall(text)]
    blocks = [one for one in MarkdownIt("commonmark").parse(text) if one.type in ("fence", "code_block")]
    commands = [one.content for one in blocks if one.info.strip() in SHELL and any(lines_of(one.content))]
    return [content for content in commands if content not in seen]


def run_blocks(page: str) -> list[str]:
    """The blocks of commands of a page that are not marked as long: tests run them."""
    found = BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    return [
        content for mark, kind, content in found if kind in SHELL and any(lines_of(content)) and not LONG.match(mark)
    ]
