"""A sweep of Hydra as a file for ``wandb sweep``, whose agents on any machines share its jobs."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep
from hydra.errors import OverrideParseException

from convstab.errors import InputError

METRICS = {  # command -> what is to be as large as can be
    "train": "val/accuracy",
    "evaluate": "degraded/accuracy",
    "attack": "attack/l2_median",
}


def sweep_file(command: str, words: Sequence[str], project: str) -> str:
    """The text of a sweep.yaml that does what ``convstab-<command> -m`` does with these words.

    A word with several values, or with an interval, is a parameter; the others are said to each job. Where there is an
    interval W&B searches by Bayes, else it tries all.
    Raises InputError where no word has several values, or one is of a kind that W&B has not.
    """
    try:
        overrides = OverridesParser.create().parse_overrides(list(words))
    except OverrideParseException as error:
        raise InputError(f"{error.override} cannot be read; give KEY=VALUE, such as seed=0,1,2") from error
    swept = {key_of(one): parameter(one) for one in overrides if one.is_sweep_override()}
    if not swept:
        raise InputError("no word has several values; a sweep needs one, such as seed=0,1,2")
    fixed = [word for word, override in zip(words, overrides, strict=True) if not override.is_sweep_override()]
    return yaml.safe_dump(
        {
            "project": project,
            "program": f"convstab-{command}",
            "method": "bayes" if any("min" in found for found in swept.values()) else "grid",
            "metric": {"name": METRICS[command], "goal": "maximize"},
            "command": [f"convstab-{command}", "${args_no_hyphens}", *fixed],
            "parameters": swept,
        },
        sort_keys=False,
    )


def key_of(override: Override) -> str:
    """The key that an override is of, with the plus sign of a new one."""
    return str(override.input_line).partition("=")[0]


def parameter(override: Override) -> Mapping[str, Any]:
    """What W&B calls the values of a word."""
    found = override.value()
    if isinstance(found, IntervalSweep):
        law = "log_uniform_values" if "log" in found.tags else "uniform"
        return {"distribution": law, "min": found.start, "max": found.end}
    if isinstance(found, ChoiceSweep | RangeSweep):
        return {"values": [as_agent_says(text) for text in override.sweep_string_iterator()]}
    raise InputError(f"{override.input_line} is of a kind that W&B does not have; give values or an interval")


def as_agent_says(text: str) -> Any:
    """A value that an agent writes as it was given: W&B makes None of null, and True of true."""
    value = yaml.safe_load(text)
    return value if isinstance(value, int | float | str) and not isinstance(value, bool) else text
