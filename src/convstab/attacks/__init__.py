"""Searches for the least noise that makes a classifier fail; each is an Attack that states only how it searches."""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from convstab.attacks.attack import Attack
    from convstab.attacks.boundary import Boundary
    from convstab.attacks.carlini_wagner import CarliniWagner
    from convstab.attacks.ddn import DDN
    from convstab.attacks.deepfool import DeepFool
    from convstab.attacks.evolution import Evolution
    from convstab.attacks.genetic import Genetic
    from convstab.attacks.hopskipjump import HopSkipJump
    from convstab.attacks.lbfgs import LBFGS
    from convstab.attacks.least_level import LeastLevel
    from convstab.attacks.nes import NES
    from convstab.attacks.paper import Paper
    from convstab.attacks.square import Square
    from convstab.attacks.verification import Result

__all__ = [
    "DDN",
    "LBFGS",
    "NES",
    "Attack",
    "Boundary",
    "CarliniWagner",
    "DeepFool",
    "Evolution",
    "Genetic",
    "HopSkipJump",
    "LeastLevel",
    "Paper",
    "Result",
    "Square",
]
__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "attack": ["Attack"],
        "boundary": ["Boundary"],
        "carlini_wagner": ["CarliniWagner"],
        "ddn": ["DDN"],
        "deepfool": ["DeepFool"],
        "evolution": ["Evolution"],
        "genetic": ["Genetic"],
        "hopskipjump": ["HopSkipJump"],
        "lbfgs": ["LBFGS"],
        "least_level": ["LeastLevel"],
        "nes": ["NES"],
        "paper": ["Paper"],
        "square": ["Square"],
        "verification": ["Result"],
    },
)
