"""What Hydra says of words that it cannot use, in ours: which key, choice or option was probably meant."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

import yaml
from hydra import compose, initialize_config_module
from hydra._internal.utils import get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, OverrideParseException
from omegaconf import OmegaConf

from convstab.commands.kinds import KINDS, OPEN
from convstab.commands.values import SPOKEN, as_given, groups, unknown
from convstab.errors import InputError
from convstab.files import choices
from convstab.runs.configuration import is_below, nested
from convstab.validation import or_meant

NO_NAME = "Config group override must be a string"  # here and below Hydra's words
NO_CHOICE = r"(?s).*?Could not (?:find|load) '([^']+)/([^'/]*)'"
NO_KEY = r"Could not (?:override|delete from config\.|delete) '([^'=]+)"
SEVERAL = r"Ambiguous value for argument '([^'=]+)=([^\n]*)'"
NOT_GIVEN = r"Missing mandatory value: (\S+)"
OURS = r"InputError raised while resolving interpolation: ([^\n]+)"
GLOBAL = "# @package _global_"  # of a choice that says keys of all the configuration
HELP = "--help lists them"
CALLED = {"predictions": "import"}  # what a user calls a command
WITH_MODEL, WITH_IMAGES = ("train", "evaluate", "attack"), ("train", "evaluate", "attack", "draws")
NOT_TO_TRAIN = ".onnx", ".pt2"
OF_A_MODEL = {  # by the ending of its file; build: what a function that makes a module is called in the documentation
    ".py": "model=python model.target={module}:build",
    ".pt": "model=python model.target=nets:build model.weights={file}",
    ".pth": "model=python model.target=nets:build model.weights={file}",
    ".onnx": "model=onnx model.path={file}",
    ".pt2": "model=export model.path={file}",
}
OF_TRAIN = "trainer", "optimizer", "dataset.batch_size", "dataset.validation"  # that a data set brings for trainings


def refuse_options(command: str, words: Sequence[str]) -> None:
    """Raise InputError for what is neither an option of Hydra's nor KEY=VALUE, of which it would print its usage."""
    parser = get_args_parser()
    parser.error = partial(refused, command, words)  # type: ignore[method-assign]
    left = [word for word in parser.parse_args(list(words)).overrides if not word.startswith("~")]
    for place, word in enumerate(left):
        if word.startswith("="):
            raise InputError(f"{word} has no key; options are KEY=VALUE, {HELP}")
        if "=" not in word:
            value = next((after for after in left[place + 1 :] if after != "="), None)
            raise InputError(bare(command, word, value))


def refused(command: str, words: Sequence[str], said: str) -> NoReturn:
    """Raise InputError for an option that Hydra does not have; said: by its parser."""
    match = re.match(r"unrecognized arguments: -*([\w./]+)", said) or re.match(r"argument --(run)/-r: ignored", said)
    if match is None:
        raise InputError(f"{said}; options are KEY=VALUE, {HELP}")
    dashed = next(word for word in words if word.lstrip("-").startswith(match[1]))
    value = dashed.partition("=")[2] or next(iter(words[list(words).index(dashed) + 1 :]), None)
    raise InputError(bare(command, dashed, value))


def bare(command: str, word: str, value: str | None) -> str:
    """That a word is not KEY=VALUE, and what was probably meant. value: the word that follows, if any."""
    name, _, own_value = word.lstrip("-").partition(":")
    key, value = name.partition("=")[0], own_value or value or "VALUE"
    meant = next(ways_to_mean(command, key, value), None)
    return f"{word} is not KEY=VALUE; " + (f"did you mean {meant}?" if meant else HELP)


def ways_to_mean(command: str, key: str, value: str) -> Iterator[str]:
    """What a word without = may stand for, the likeliest first: a key, a choice, a run or another file."""
    known = known_keys(command, [])
    yield from of_ones_own(key, value, command)
    if key in known:
        yield f"{key}={value}"
    for group in groups():
        if group in known and key in choices(group):
            yield f"{group}={key}"
    if Path(key).exists():
        yield from (f"{name}={key}" for name in ("run", "path") if name in known)
    if match := re.search(r"did you mean ([\w.]+)\?", unknown(key, known)):
        yield f"{match[1]}={value}"


def of_ones_own(key: str, value: str, command: str = "evaluate") -> Iterator[str]:
    """What stands for a file of a model, or a folder or table of images: the choice of the group, and where it is."""
    ending = Path(value).suffix.lower()
    trained = command == "train" and ending in NOT_TO_TRAIN
    if key == "model" and command in WITH_MODEL and ending in OF_A_MODEL and not trained:
        yield OF_A_MODEL[ending].format(file=value, module=Path(value).stem)
    if key in ("data", "dataset", "images", "folder") and command in WITH_IMAGES:
        if ending == ".csv":
            yield f"dataset=table dataset.load.path={value}"
        elif Path(value).is_dir():
            yield f"dataset=folder dataset.root={value}"


def explained(error: Exception, command: str, words: Sequence[str]) -> InputError | None:
    """In our words what Hydra says of a key or a choice that is not there; None for all else.

    words: of the command line.
    """
    said = str(error)
    if isinstance(error, OverrideParseException):
        spaced = "; KEY=VALUE has no spaces around =" if re.search(r"\s=|=\s", str(error.override)) else ""
        return InputError(f"{error.override} cannot be read: {said.splitlines()[0]}{spaced}")
    if said.startswith(NO_NAME):
        return InputError(no_name(words))
    ours: dict[str, Callable[[re.Match[str]], str]] = {
        NO_CHOICE: lambda match: no_choice(match[1], match[2], getattr(error, "options", None)),
        SEVERAL: lambda match: several(command, match[1], match[2]),
        NOT_GIVEN: lambda match: f"{match[1]} is needed; it must be {KINDS[command][match[1]].words}",
        OURS: lambda match: match[1],
        NO_KEY: lambda match: no_key(match[1], command, words, "delete" in match[0]),
    }
    found = ((re.search(pattern, said), line) for pattern, line in ours.items())
    return next((InputError(line(match)) for match, line in found if match), None)


def several(command: str, key: str, value: str) -> str:
    """That a value has commas, and what it may have been meant for."""
    ways = [] if command == "reproduce" else ["-m makes a job of each"]
    ways += [f"{key}=[{value}] is a list"] if takes_list(command, key, value) else []
    return f"Ambiguous value for argument '{key}={value}': {', '.join(ways)}"


def takes_list(command: str, key: str, value: str) -> bool:
    """Whether a key may have several values at once."""
    if key in groups():
        return key in ("logger", "experiment")
    kind = KINDS.get(command, {}).get(key)
    return kind is None or kind.holds(OverridesParser.create().parse_override(f"{key}=[{value}]").value())


def no_name(words: Sequence[str]) -> str:
    """That the choice of a group is a number, or null."""
    for word in OverridesParser.create().parse_overrides([word for word in words if "=" in word and word[0] != "-"]):
        names = dict(choices(word.key_or_group)) if word.key_or_group in groups() else {}
        if names and not isinstance(word.value(), str | list):
            return no_choice(word.key_or_group, as_given(word.value()), list(names))
    return "the choice of a group must be a name, or a list of names"


def no_choice(group: str, name: str, options: Iterable[str] | None) -> str:
    """That a group has no such choice, which it has, and which of them was probably meant."""
    names = sorted(options or (choices(group) if group in groups() else ()))
    own = next(iter(of_ones_own(group, name)), None)
    said = f"; did you mean {own}?" if own else or_meant(name, names)
    return f"{group}={name} is not there; it can be {', '.join(names)}{said}"


def no_key(key: str, command: str, words: Sequence[str], left_out: bool) -> str:
    """That a key is not there; or that it is, and cannot be left out, or be a choice of a group."""
    known = known_keys(command, words)
    if key in known and left_out:
        without = f"; {key}=none does without" if key in groups() and "none" in choices(key) else ""
        return f"{key} is needed and cannot be left out{without}"
    there = [name for name in known if name != key]
    if not left_out and (said := with_another_choice(key, command, there)):
        return said
    said, group = unknown(key, there), key.partition(".")[0]
    if "did you mean" not in said and group in OPEN[command] and f"{group}._target_" in there:
        return f"{said}; +{key}= hands it over as it is"
    return f"{said}{elsewhere(key, command)}"


def with_another_choice(key: str, command: str, there: Sequence[str]) -> str:
    """That another choice of its group has a key; empty where none has, or where only a training would read it."""
    for name in (key, *SPOKEN.get(key, ())):
        having, of_train = choices_with(name), command != "train" and is_below(name, OF_TRAIN)
        if having and name.partition(".")[0] in there and name not in there and not of_train:
            return f"there is no key {key} as it is; {name} is there with {' or '.join(having)}"
    return ""


def elsewhere(key: str, command: str) -> str:
    """Which other commands have a key, as the end of a sentence; nothing where none has."""
    having = [CALLED.get(name, name) for name, kinds in KINDS.items() if key in kinds and name != command]
    return f" ({key} is a key of {', '.join(having)})" if having else ""


def choices_with(key: str) -> list[str]:
    """The choices of the group of a key that have it, as they are chosen."""
    group, _, below = key.partition(".")
    found = []
    for name, file in choices(group).items() if group in groups() else ():
        text = file.read_text(encoding="utf-8")
        values = yaml.safe_load(text) or {}
        values = values.get(group) or {} if GLOBAL in text else values
        if below in dict(nested(values)):
            found.append(f"{group}={name}")
    return sorted(found)


def known_keys(command: str, words: Sequence[str]) -> list[str]:
    """All keys of a command, with the groups that are chosen on the command line where they can be composed."""
    own = set(groups())
    chosen = [word for word in words if word.partition("=")[0] in own]
    with initialize_config_module("convstab.conf", version_base="1.3"):
        for some in (chosen, []):
            with suppress(HydraException, ValueError):
                values = OmegaConf.to_container(compose(command, some))
                assert isinstance(values, dict)
                return [key for key, _ in nested({str(name): value for name, value in values.items()})]
    return []
