"""What a user gives is checked before anything is loaded or written: the values and the keys."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from importlib import resources
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser

from convstab.errors import InputError
from convstab.runs.configuration import nested

if TYPE_CHECKING:
    from convstab.validation import Limit

SEVERAL = "logger", "experiment"  # groups of which there may be several at once
SPOKEN = {  # words of other tools, and of the paper, with our keys for them: the first that a command has
    "sigma": ("augment.sigma", "levels"),
    "sigmas": ("augment.sigmas", "levels"),
    "noise": ("degradation", "augment"),
    "learning_rate": ("optimizer.lr",),
    "wd": ("optimizer.weight_decay",),
    "gpu": ("device", "trainer.accelerator"),
    "gpus": ("device", "trainer.devices"),
    "checkpoint": ("ckpt", "run"),
    "folder": ("output",),
    "num_workers": ("workers", "threads"),
}
CLOSE = 0.7  # of names in the measure of difflib; "target" and "stage", "model.dropout" and "dataset.root" are not
MISSING = "???"  # what OmegaConf has where a value must be given and is not


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
    for name in SPOKEN.get(key, ()):
        if name in known:
            return name
    in_group, anywhere = (
        {name.rpartition(".")[2]: name for name in sorted(names, key=len, reverse=True)} for names in (beside, known)
    )
    if found := get_close_matches(last, in_group, n=1, cutoff=CLOSE):
        return in_group[found[0]]
    if last in anywhere:  # the shortest counts
        return anywhere[last]
    if beside:
        return None
    for word, names in ((key, {name: name for name in known}), (last, anywhere)):
        for found_one in get_close_matches(word, names, n=1, cutoff=CLOSE):
            return names[found_one]
    return next((name for name in known if name.startswith(f"{key}.")), None)


def groups() -> list[str]:
    """The groups of conf/ beside Hydra's own."""
    return [file.name for file in resources.files("convstab.conf").iterdir() if file.is_dir()]
