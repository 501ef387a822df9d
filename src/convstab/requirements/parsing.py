"""Requirements read from YAML, and checked as far as that goes without results; loads nothing heavy."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

import yaml

from convstab.errors import InputError
from convstab.requirements.metrics import METRICS, Metric, Side
from convstab.requirements.specification import ALL, CLEAN, Requirement, Specification
from convstab.validation import FRACTION, Limit, check_limit, is_number

CONFIDENCE = Limit(lambda value: is_number(value) and 0.5 < value < 1, "above 0.5 and below 1, such as 0.95")
SIDES = get_args(Side)
EXAMPLE = "requirements: [{metric: accuracy, level: 20, at_least: 0.9}]"


class Once(yaml.SafeLoader):
    """A loader that refuses a key that is there twice: the first of two bounds would be lost without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping of a node."""
        keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        if twice := [key for key, count in keys.items() if count > 1]:
            raise yaml.MarkedYAMLError(problem=f"the key {twice[0]} is there twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


def read(path: Path) -> Specification:
    """The requirements in a file; InputError for what cannot be read or makes no sense."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Once)  # noqa: S506  # it is a SafeLoader
    except (FileNotFoundError, IsADirectoryError) as error:
        raise InputError(f"{path} is not a file; it must be a YAML file such as {EXAMPLE}") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    try:
        return parsed(content)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def parsed(content: Any) -> Specification:
    """The requirements that plain values say; InputError for anything else."""
    if not isinstance(content, Mapping):
        raise InputError(f"it holds no keys; it must be a mapping such as {EXAMPLE}")
    check_keys(content, ("confidence", "requirements"), "the file", needed=("requirements",))
    confidence, listed = number(content.get("confidence", 0.95)), content["requirements"]
    check_limit("confidence", confidence, CONFIDENCE)
    if not isinstance(listed, list) or not listed:
        raise InputError(f"requirements must be a list with at least one entry, such as {EXAMPLE}")
    requirements = tuple(requirement(entry, f"requirement {place}") for place, entry in enumerate(listed, 1))
    name, count = Counter(one.name for one in requirements).most_common(1)[0]
    if count > 1:
        raise InputError(f"{count} requirements are called {name!r}; each must have a name of its own")
    return Specification(requirements, confidence)


def requirement(entry: Any, where: str) -> Requirement:
    """One requirement from the values of its keys; where: names it in the words for what is wrong."""
    if not isinstance(entry, Mapping):
        raise InputError(f"{where} is {entry!r:.60}; it must be keys and values, such as {{metric: accuracy, ...}}")
    given = entry.get("metric")
    metric = METRICS.get(given) if isinstance(given, str) else None
    if metric is None:
        known = sorted({key for one in METRICS.values() for key in one.takes} | set(SIDES))
        check_keys(entry, known, where, needed=("metric",))
        hint = nearest(given, METRICS)
        raise InputError(f"{where}: there is no metric {given!r}; {hint}it can be {', '.join(METRICS)}")
    check_side(entry, metric, where)
    check_keys(entry, metric.takes, f"{where} ({given})", (*metric.needs, metric.side))
    bound, share = number(entry[metric.side]), number(entry.get("share"))
    check_limit(f"{where}: {metric.side}", bound, metric.limit)
    if share is not None or "share" in metric.needs:
        check_limit(f"{where}: share", share, FRACTION)
    level, of_class = level_of(entry.get("level"), where), text(entry.get("class"), "class", where)
    source = text(entry.get(metric.source), metric.source, where)
    found = Requirement("", str(given), bound, level, of_class, share, source)
    return Requirement(**vars(found) | {"name": text(entry.get("name"), "name", where) or found.sentence})


def check_side(entry: Mapping[Any, Any], metric: Metric, where: str) -> None:
    """Raise InputError unless there is the one bound that this metric can have; a misspelt key is named first."""
    others = {key: value for key, value in entry.items() if key not in SIDES}
    check_keys(others, metric.takes, f"{where} ({entry['metric']})", needed=())
    sides = [side for side in SIDES if side in entry]
    if sides != [metric.side]:
        said = f"has {' and '.join(sides)}" if sides else "has no bound"
        raise InputError(f"{where} {said}; {entry['metric']} must have {metric.side}, and nothing else of the two")


def check_keys(entry: Mapping[Any, Any], known: Iterable[str], where: str, needed: Iterable[str]) -> None:
    """Raise InputError for a key that is not known, or one that is needed and not there."""
    known = tuple(known)
    for key in entry:
        if key not in known:
            raise InputError(f"{where} has no key {key}; {nearest(key, known)}it can have {', '.join(known)}")
    for key in needed:
        if key not in entry:
            raise InputError(f"{where} needs the key {key}; it can have {', '.join(known)}")


def nearest(word: Any, known: Iterable[str]) -> str:
    """The question whether another word was meant; empty where none is like it."""
    found = get_close_matches(str(word), tuple(known), n=1)
    return f"did you mean {found[0]}? " if found else ""


def number(value: Any) -> Any:
    """A number as such where YAML takes it for text, as it does with 1e-3; all else as it is."""
    if isinstance(value, str):
        with suppress(ValueError):
            return float(value)
    return value


def level_of(value: Any, where: str) -> float | str | None:
    """A level, or the word for several or the clean ones; None where none is given."""
    found = number(value)
    if found in (None, ALL, CLEAN):
        return found  # type: ignore[no-any-return]
    if isinstance(found, bool) or not isinstance(found, int | float) or math.isnan(found):
        raise InputError(f"{where}: level is {value}; it must be a number, {ALL} or {CLEAN}")
    return float(found)


def text(value: Any, key: str, where: str) -> str | None:
    """A name, which may look like a whole number; InputError for what YAML takes for something else, such as yes."""
    if value is None or (isinstance(value, str) and value.strip()):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise InputError(f"{where}: {key} is {value!r}; it must be a name, in quotes where YAML takes it for anything else")
