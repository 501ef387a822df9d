"""A model that a function or class of the user's own makes: "mypkg.nets:build"."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from convstab import packages
from convstab.errors import InputError
from convstab.models.own.estimator import Estimator, is_estimator

AS = "package.module:function, such as mypkg.nets:build"


def made_by(target: Any, options: Mapping[str, Any] | None = None) -> nn.Module:
    """The module that a target makes, in evaluation mode; it is looked for in the working folder as well.

    target: "package.module:name"; of a function or class that is called with the options, or of a module, or of a
        fitted classifier of scikit-learn. It is the user's own code, which runs.
    Raises InputError when it is not there, fails or makes something else.
    """
    made = packages.made_by(target, options, AS, lambda thing: isinstance(thing, nn.Module) or is_estimator(thing))
    if is_estimator(made):
        return Estimator(made)
    if not isinstance(made, nn.Module):
        raise InputError(f"{target} makes a {type(made).__name__}; it must make an nn.Module")
    return made.eval()
