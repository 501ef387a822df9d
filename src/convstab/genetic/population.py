"""What the genetic search works on, and what it leaves: images, their populations slot by slot, and the outcome."""

from dataclasses import dataclass

import torch
from deap import tools
from torch import Tensor

from convstab.genetic.trials import Trials
from convstab.images import as_rows


@dataclass(frozen=True)
class Images:
    """The images of a search, all correct when clean.

    rows: float32 (n, genes), in grey levels, in the order H, W, C. shape: (C, H, W).
    labels: int64 (n,). clean: float32 (n, K), logits. index: of the images in the test set.
    """

    rows: Tensor
    shape: tuple[int, ...]
    labels: Tensor
    clean: Tensor
    index: list[int]

    @classmethod
    def of(cls, pixels: Tensor, labels: Tensor, clean: Tensor, index: list[int]) -> "Images":
        """From pixels, uint8 (n, C, H, W)."""
        rows = as_rows(pixels)[:, : pixels[0].numel()]
        return cls(rows, tuple(pixels.shape[1:]), labels, clean, index)


class Outcome:
    """What the search found: noise, float32 (n, genes) in grey levels, and what it took, image by image.

    ended: why the search of each image ended: "stall" (no improvement for ``patience`` generations), "generations" or
        "queries" (it was cut off at the limit of these).
    """

    def __init__(self, images: Images) -> None:
        count = len(images.index)
        self.noise = torch.zeros_like(images.rows)
        self.queries, self.generations = torch.zeros(2, count, dtype=torch.int64)
        self.ended = [""] * count
        self.seconds = torch.zeros(count, dtype=torch.float64)
        self.logbooks = [tools.Logbook() for _ in range(count)]


class Slots:
    """The state of the images that are evolved at the same time, slot by slot."""

    def __init__(self, count: int, population: int, images: Images) -> None:
        size, device = images.rows.shape[1], images.rows.device
        self.genes = torch.empty(count, population, size, device=device)  # grey levels, clipped to the box
        self.clean = torch.empty(count, 1, size, device=device)  # pixels
        self.labels = torch.empty(count, dtype=torch.int64, device=device)
        self.margin, self.amplitude, self.success_threshold, self.best, self.turn = torch.empty(5, count, device=device)
        self.best_genes, self.slope = torch.empty(2, count, size, device=device)
        self.target = torch.empty(count, dtype=torch.int64, device=device)
        self.image, self.age, self.stagnation = ([0] * count for _ in range(3))
        self.trials: list[Trials | None] = [None] * count  # None: not begun

    def __len__(self) -> int:
        return len(self.image)

    def state(self, slot: int) -> dict[str, Tensor]:
        """A copy of the population of a slot and of what it has found."""
        return {name: value[slot].clone() for name, value in vars(self).items() if isinstance(value, Tensor)}

    def restore(self, slot: int, state: dict[str, Tensor]) -> None:
        """Go back to an earlier state."""
        for name, value in state.items():
            getattr(self, name)[slot] = value

    def keep(self, slots: list[int]) -> None:
        """Drop all other slots."""
        index = torch.tensor(slots, dtype=torch.int64, device=self.genes.device)
        for name, value in vars(self).items():
            setattr(self, name, value[index] if isinstance(value, Tensor) else [value[slot] for slot in slots])
