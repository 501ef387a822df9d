"""Whether Weights & Biases is reached online: known before the work, and without Lightning, which its logger loads."""

import os
from typing import Any

from convstab.errors import InputError


def check_mode(mode: str) -> None:
    """Raise InputError for a mode that is none, and for online without a key, which wandb.init would ask for."""
    if mode not in ("auto", "online", "offline"):
        raise InputError(f"logger.wandb.mode is {mode!r}; it can be auto, online or offline")
    if said_mode(mode) == "online" and not has_key():
        said = "logger.wandb.mode" if mode == "online" else "WANDB_MODE"
        raise InputError(f"{said}=online needs a key: set WANDB_API_KEY, or run wandb login")


def mode_of(mode: str) -> Any:
    """The mode for wandb.init; InputError, see ``check_mode``."""
    check_mode(mode)
    return said_mode(mode) or ("online" if has_key() else "offline")


def said_mode(mode: str) -> str | None:
    """The mode that is said here, or for "auto" by WANDB_MODE, if at all."""
    return os.environ.get("WANDB_MODE") if mode == "auto" else mode


def has_key() -> bool:
    """Whether W&B knows who is logging, without asking."""
    import wandb

    return wandb.login(prompt=False, verify=False)
