"""Where a model computes, and with how much of it."""

from typing import Any

import torch

from convstab.errors import InputError


def device_of(name: str | torch.device | None) -> torch.device:
    """The device that is named, or the best there is; InputError when it is not there."""
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
        known = device.type == "cpu" or (device.type == "cuda" and (device.index or 0) < torch.cuda.device_count())
    except (RuntimeError, TypeError):
        known = False
    if not known:
        raise InputError(f"device is {name}; it can be cpu, or cuda or cuda:1 where there are such GPUs")
    return device


def use_threads(count: Any) -> None:
    """Let the model have so many cores in this process, None: as it is; InputError when it is not at least one."""
    if count is None:
        return
    if not isinstance(count, int) or count < 1:
        raise InputError(f"threads is {count}; it must be at least 1, or null for all cores")
    torch.set_num_threads(count)
