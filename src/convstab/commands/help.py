"""The help of the commands that Hydra composes: the keys of conf/ with their defaults and the comments beside them.

In conf/<command>.yaml, and in the files that its defaults name, the first lines say what the command does. A comment on
its own line is the title of the keys below it; one at the end of a line says what the key is, and goes on in the lines
below. One that ends with a colon is followed by the choices of the group. ``hydra.help.footer`` has the examples.
"""

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from itertools import takewhile

import yaml

from convstab.commands.values import groups
from convstab.files import choices

TITLES = (
    *("What is reproduced", "Predictions", "Model", "Images", "Degradation", "Attack", "Training"),
    *("Where it goes", "Several jobs", "How it is computed"),
)
KEY = re.compile(r"(?P<indent> *)(?P<item>- )?(?P<key>\w+):(?: +(?P<value>[^#\s].*?))?(?: +# ?(?P<about>.*))?")
INCLUDED = re.compile(r"  - (?P<name>/?[a-z][a-z_]*)(?:@(?P<below>\w+))?")
COMMENT = re.compile(r"(?P<indent> *)# ?(?P<about>.*)")
ASIDE = 8  # columns from which on a comment goes on with the one above it
FIXED = re.compile(r"_\w+_|kind|override")  # keys that are no settings
WIDTH, COLUMN = 120, 28  # of the text, and where it begins beside the keys
SWEEPS = "-m runs a sweep, "
MORE = (
    "The settings of a choice: GROUP=NAME --help; all keys with their values: --cfg job. "
    "{}-sc install=bash completes words by the tab key, --hydra-help says what Hydra can do."
)


@dataclass
class Option:
    """A key, what it is by default, what is said of it, and whether files of conf/ are its choices."""

    title: str
    key: str
    default: str
    about: str
    group: bool = False


def help_text(command: str, words: Sequence[str], sweeps: bool) -> str:
    """What a command does, its options with their defaults, and examples.

    words: of the command line; the settings of the choices that it names are shown as well. sweeps: whether it has any.
    """
    text = read(command)
    found = list(options(text))
    told = [introduction(text), "", "Options, as KEY=VALUE, with their defaults:"]
    for title in TITLES:
        told += titled(title, (option for option in found if option.title == title))
    for group, _, name in (word.partition("=") for word in words):
        if name in named(group):
            told += titled(f"{group}={name}", settings(group, name))
    examples = yaml.safe_load(text)["hydra"]["help"]["footer"]
    told += ["Examples:", textwrap.indent(examples, "  "), ""]
    return "\n".join([*told, textwrap.fill(MORE.format(SWEEPS if sweeps else ""), WIDTH)])


def read(name: str) -> str:
    """A file of conf/."""
    return (resources.files("convstab.conf") / f"{name}.yaml").read_text(encoding="utf-8")


def introduction(text: str) -> str:
    """The comment that a file begins with."""
    first = takewhile(lambda line: line.startswith("#"), text.splitlines())
    return "\n".join(line.removeprefix("# ") for line in first)


def options(text: str, folder: str = "") -> list[Option]:
    """The options of a file up to Hydra's own; those of the files that its defaults name come first.

    folder: of these, with a slash at its end.
    """
    found, inside, title = list[Option](), list[tuple[int, str]](), ""
    for line in text.partition("\nhydra:")[0].splitlines():
        if match := INCLUDED.fullmatch(line):
            found += included(match["name"], match["below"], folder)
        elif match := COMMENT.fullmatch(line):
            if len(match["indent"]) < ASIDE:
                title = match["about"]
            elif found:
                found[-1].about = f"{found[-1].about} {match['about']}".strip()
        elif match := KEY.fullmatch(line):
            depth = len(match["indent"])
            inside = [*(outer for outer in inside if outer[0] < depth), (depth, match["key"])]
            key = ".".join(name for _, name in inside if name != "defaults")
            if match["value"] or match["item"] or match["about"]:
                found.append(Option(title, key, shown(match["value"]), match["about"] or "", bool(match["item"])))
    return [option for option in found if not FIXED.fullmatch(option.key.rpartition(".")[2])]


def included(name: str, below: str | None, folder: str) -> list[Option]:
    """The options of another file, below a key."""
    found = options(read(name[1:] if name.startswith("/") else folder + name), folder)
    return [replace(option, key=f"{below}.{option.key}" if below else option.key) for option in found]


def shown(value: str | None) -> str:
    """A default as far as it is a constant."""
    constant, *rest = (value or "${").replace("${runs}", "runs").split("${")
    return constant + ("..." if rest else "")


def settings(group: str, name: str) -> Iterator[Option]:
    """The settings of a choice."""
    text = read(f"{group}/{name}")
    below = "" if "@package _global_" in text else f"{group}."
    last = {
        option.key: option for option in options(text, f"{group}/") if option.default != name
    }  # which says what it is
    for key, option in last.items():
        if not any(longer.startswith(f"{key}.") for longer in last):
            yield replace(option, key=below + key)


def named(group: str) -> list[str]:
    """The choices of a group; none where conf/ has no such group."""
    return sorted(choices(group)) if group in groups() else []


def titled(title: str, found: Iterable[Option]) -> list[str]:
    """Options as lines, below their title; none where there are none."""
    lines = [line for option in found for line in as_lines(option)]
    return [f" {title}:", *lines, ""] if lines else []


def as_lines(option: Option) -> Iterator[str]:
    """An option as a line, or as several."""
    first, about = f"  {option.key}={option.default}", option.about
    if option.group and about.endswith(":"):
        about += f" {', '.join(named(option.key))}"
    beside = textwrap.wrap(about, WIDTH - COLUMN)
    if not beside or len(first) > COLUMN - 2:
        yield first
    else:
        yield f"{first:{COLUMN}}{beside.pop(0)}"
    yield from (" " * COLUMN + text for text in beside)
