"""What a user gives is checked before anything is loaded or written: the values, the keys, the names of choices."""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from importlib import resources
from typing import TYPE_CHECKING, Any

from hydra import compose, initialize_config_module
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, OverrideParseException
from omegaconf import OmegaConf

from convstab.errors import InputError
from convstab.files import choices
from convstab.runs.configuration import nested

if TYPE_CHECKING:
    from convstab.validation import Limit

SEVERAL = "logger", "experiment"  # groups of which there may be several at once
MISSING = "???"  # what OmegaConf has where a value must be given and is not
NO_NAME = "Config group override must be a string"  # here and below Hydra's words
NO_CHOICE = r"(?s).*?Could not (?:find|load) '([^']+)/([^'/]*)'"
NO_KEY = r"Could not (?:override|delete from config\.|delete) '([^'=]+)"


def check(command: str, values: Mapping[str, Any]) -> None:
    """Raise InputError for a value that a command cannot take, a key that it does not have, or one that it lacks."""
    from convstab.commands.kinds import KINDS, NEEDED, OPEN  # torch, which a mistake in a key need not wait for

    kinds, found = KINDS[command], dict(nested(values))
    for key, kind in kinds.items():
        if found.get(key, MISSING) != MISSING:
            need(key, found[key], kind)
        elif key in NEEDED[command]:
            raise InputError(f"{key} is needed; it must be {kind.words}")
    for key in found:
        if key not in kinds and key.partition(".")[0] not in OPEN[command]:
            raise InputError(unknown(key, kinds))


def refuse_lists(words: Sequence[str]) -> None:
    """Raise InputError where several choices of a group were to be one, which Hydra would mix; words: of a job."""
    for word in OverridesParser.create().parse_overrides(list(words)):
        group, chosen = word.key_or_group, word.value()
        if group in groups() and group not in SEVERAL and isinstance(chosen, list):
            members = ",".join(f"[{name},LEVEL]" for name in chosen)
            chain = f"degradation=chain degradation.members=[{members}] is one after another, "
            each = f"{chain if group == 'degradation' else ''}-m {group}={','.join(chosen)} is each of them"
            raise InputError(f"{group}=[{','.join(chosen)}] is several; it must be one: {each}")


def need(key: str, value: Any, kind: "Limit") -> None:
    """Raise InputError where a value is of another kind than its key takes."""
    if not kind.holds(value):
        raise InputError(f"{key} is {as_given(value)}; it must be {kind.words}")


def as_given(value: Any) -> str:
    """A value as it stands on the command line."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case list():
            return f"[{', '.join(map(as_given, value))}]"
        case {"kind": str(kind)}:  # a choice of the group model
            return kind
        case Mapping():
            return f"{{{', '.join(f'{name}: {as_given(below)}' for name, below in value.items())}}}"
    return str(value) if str(value).strip() else repr(value)


def unknown(key: str, known: Iterable[str]) -> str:
    """That there is no such key, the one that was probably meant, and those beside it."""
    group, shown = key.rpartition(".")[0], [name for name in known if "._" not in name]
    beside = [name for name in shown if group and name.rpartition(".")[0] == group]
    meant = closest(key, shown, beside)
    said = [f"did you mean {meant}?"] if meant else []
    if beside and meant not in beside:
        said.append(f"{group} has {', '.join(name.rpartition('.')[2] for name in beside)}")
    return f"there is no key {key}; {' '.join(said) or '--cfg job shows those there are'}"


def closest(key: str, known: list[str], beside: list[str]) -> str | None:
    """The key that one was probably meant for: of a similar name beside it, of the same one elsewhere, or None.

    beside: the keys of its group; where there are none, a similar name anywhere will do.
    """
    last = key.rpartition(".")[2]
    in_group, anywhere = (
        {name.rpartition(".")[2]: name for name in sorted(names, key=len, reverse=True)} for names in (beside, known)
    )
    if found := get_close_matches(last, in_group, n=1):
        return in_group[found[0]]
    if last in anywhere:  # the shortest counts
        return anywhere[last]
    if beside:
        return None
    for word, names in ((key, {name: name for name in known}), (last, anywhere)):
        for found_one in get_close_matches(word, names, n=1):
            return names[found_one]
    return next((name for name in known if name.startswith(f"{key}.")), None)


def explained(error: Exception, command: str, words: Sequence[str]) -> InputError | None:
    """In our words what Hydra says of a key or a choice that is not there; None for all else.

    words: of the command line.
    """
    said = str(error)
    if isinstance(error, OverrideParseException):
        return InputError(f"{error.override} cannot be read: {said.splitlines()[0]}")
    if said.startswith(NO_NAME):
        return InputError(no_name(words))
    if match := re.match(NO_CHOICE, said):
        return InputError(no_choice(match[1], match[2], getattr(error, "options", None)))
    if match := re.search(NO_KEY, said):
        return InputError(no_key(match[1], known_keys(command, words), "delete" in match[0]))
    return None


def no_name(words: Sequence[str]) -> str:
    """That the choice of a group is a number, or null."""
    for word in OverridesParser.create().parse_overrides([word for word in words if "=" in word and word[0] != "-"]):
        names = dict(choices(word.key_or_group)) if word.key_or_group in groups() else {}
        if names and not isinstance(word.value(), str | list):
            return no_choice(word.key_or_group, as_given(word.value()), list(names))
    return "the choice of a group must be a name, or a list of names"


def no_choice(group: str, name: str, options: Iterable[str] | None) -> str:
    """That a group has no such choice, and which it has."""
    names = options or (choices(group) if group in groups() else ())
    return f"{group}={name} is not there; it can be {', '.join(sorted(names))}"


def no_key(key: str, known: Sequence[str], left_out: bool) -> str:
    """That a key is not there; or that it is, and cannot be left out, or be a choice of a group."""
    if key in known and left_out:
        without = f"; {key}=none does without" if key in groups() and "none" in choices(key) else ""
        return f"{key} is needed and cannot be left out{without}"
    return unknown(key, [name for name in known if name != key])


def groups() -> list[str]:
    """The groups of conf/ beside Hydra's own."""
    return [file.name for file in resources.files("convstab.conf").iterdir() if file.is_dir()]


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
