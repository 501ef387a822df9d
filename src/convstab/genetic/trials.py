"""Which class the noise of an image is to lead to: the nearest ones are tried, each by a population of its own.

A search that goes down from where it happens to start may settle for a class that is not the nearest. As NES does here,
the search tries several and goes on with the population that found the least noise.

Shapes: slots (images evolved at once), population, K classes.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor

NEVER = 1e-3  # logits; noise that lowers a lead by less is taken to need this much
ANY = -1  # in place of a class: whichever comes first


@dataclass
class Trials:
    """The trials of one image.

    classes: those that are still to be tried. number: of the trial that is going on, from 1.
    least: the norm, or rank of a failure, that the best trial came to. state: what ``Slots.state`` gave for it.
    """

    classes: list[int]
    number: int = 1
    least: float = torch.inf
    state: dict[str, Tensor] = field(default_factory=dict)

    def following(self) -> int:
        """The class of the next trial."""
        self.number += 1
        return self.classes.pop(0)

    def keep(self, least: float, state: dict[str, Tensor]) -> None:
        """Remember where a trial ended if none came to less."""
        if least < self.least:
            self.least, self.state = least, state


def nearest(logits: Tensor, clean: Tensor, label: int, norm: Tensor, count: int) -> list[int]:
    """At most ``count`` classes, the nearest first, by the norms that a generation predicts at their boundaries.

    logits: (population, K). clean: (K,), logits without noise. norm: (population,), of the noise.
    """
    lead, now = clean[label] - clean, logits[:, label : label + 1] - logits
    distance = (norm[:, None] * lead / (lead - now).clamp_min(NEVER)).amin(0)
    distance[label] = torch.inf
    return distance.argsort(stable=True)[: min(count, len(clean) - 1)].tolist()


def towards(logits: Tensor, labels: Tensor, target: Tensor) -> Tensor:
    """Logits (slots, population, K) in which a slot sees its label and its target only; all where that is ``ANY``."""
    classes = torch.arange(logits.shape[2], device=logits.device)
    seen = (classes == labels[:, None]) | (classes == target[:, None]) | (target == ANY)[:, None]
    return logits.masked_fill(~seen[:, None], -torch.inf)
