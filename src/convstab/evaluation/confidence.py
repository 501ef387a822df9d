"""How far the probabilities of a classifier can be trusted: what is counted of them in every draw."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convstab.evaluation.exact import UNIT, whole, whole_squares
from convstab.forward import margins

BINS = 15  # of equal width, of the probability of the predicted class, as Guo et al. 2017 have them
MARGIN_EDGES = np.linspace(-12.0, 52.0, 1025)  # log odds of the predicted class; the outer bins take what lies beyond
NLL_UNIT = 2.0**24  # its sums are kept in whole 2^-24
MOST_NLL = 2.0**20  # nats; more counts as this, so 2^19 of the worst draws can be added
SQUARE_UNIT = 2.0**26  # sums of squared margins are kept in whole 2^-26
MOST_MARGIN = 2.0**10  # logits; more, or less than minus this, counts as this: 2^16 draws of an image can be added
TOP, LEAST_CLASSES = 5, 10  # top-5 accuracy is counted of ten classes and more: of six it says little


class ConfidenceTally:
    """Adds up calibration, losses and confidence of the draws of a slice, on the device that classifies them.

    cells: images times levels. levels: of the protocol. classes: K, at least 2.
    """

    def __init__(self, cells: int, levels: int, classes: int, device: torch.device | str) -> None:
        def zeros(*shape: int) -> Tensor:
            return torch.zeros(shape, dtype=torch.int64, device=device)

        self.brier, self.nll, self.ahead, self.ahead_squared = zeros(4, cells)
        self.top = zeros(cells) if classes >= LEAST_CLASSES else None
        self.calibration = zeros(levels, BINS, 3)
        self.margins = zeros(levels, 2, len(MARGIN_EDGES) - 1)
        self.order = torch.arange(classes, device=device)

    def add(self, cell: Tensor, level: Tensor, label: Tensor, drawn: Tensor, logits: Tensor, softmax: Tensor) -> None:
        """Add n draws: their cells, levels and labels (n,), whether they count, float32 logits and softmax (n, K)."""
        predicted = logits.argmax(1, keepdim=True)
        correct = predicted[:, 0] == label
        of_label = softmax.gather(1, label[:, None])[:, 0]
        brier = (whole_squares(softmax) - 2 * whole(of_label) + int(UNIT)).clamp_(min=0)  # rounding may leave less
        self.brier.index_add_(0, cell, brier * drawn)
        nll = -logits.log_softmax(1).gather(1, label[:, None])[:, 0]
        self.nll.index_add_(0, cell, whole(nll.clamp_(0, MOST_NLL), NLL_UNIT) * drawn)
        ahead = margins.margin(logits, label).clamp_(-MOST_MARGIN, MOST_MARGIN).double()
        self.ahead.index_add_(0, cell, whole(ahead, NLL_UNIT) * drawn)
        self.ahead_squared.index_add_(0, cell, whole(ahead.square(), SQUARE_UNIT) * drawn)
        self.add_to_bins(level, correct, drawn, softmax.gather(1, predicted)[:, 0])
        self.add_to_margins(level, correct, drawn, margin(logits, predicted))
        if self.top is not None:
            self.top.index_add_(0, cell, ((rank(logits, label, self.order) < TOP) & drawn).long())

    def add_to_bins(self, level: Tensor, correct: Tensor, drawn: Tensor, confidence: Tensor) -> None:
        """Count draws, correct draws and their confidence in bins; of all float32 only 0 and 1 lie on an edge."""
        place = (confidence.double() * BINS).long().clamp_(0, BINS - 1)  # after long: NaN is refused later, not here
        counted = torch.stack([drawn.long(), (correct & drawn).long(), whole(confidence) * drawn], 1)
        self.calibration.view(-1, 3).index_add_(0, level * BINS + place, counted)

    def add_to_margins(self, level: Tensor, correct: Tensor, drawn: Tensor, margins: Tensor) -> None:
        """Count misclassified and correct draws by their log odds."""
        bins = self.margins.shape[-1]
        scale = bins / (MARGIN_EDGES[-1] - MARGIN_EDGES[0])
        place = margins.sub(MARGIN_EDGES[0]).mul_(scale).clamp_(0, bins - 1).long().clamp_(0, bins - 1)
        self.margins.view(-1).index_add_(0, (level * 2 + correct) * bins + place, drawn.long())

    def columns(self, draws: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """The columns of the rows; draws: of each cell."""
        number = draws.clip(1)
        mean = self.ahead.cpu().numpy() / NLL_UNIT / number
        variance = self.ahead_squared.cpu().numpy() / SQUARE_UNIT / number - mean**2
        found: dict[str, NDArray[Any]] = {
            "brier_mean": self.brier.cpu().numpy() / UNIT / number,
            "nll_mean": self.nll.cpu().numpy() / NLL_UNIT / number,
            "margin_mean": mean,
            "margin_sd": np.where(draws > 1, np.sqrt(variance.clip(0)), 0.0),  # of one draw, rounding would stay
        }
        return found if self.top is None else {"top5": self.top.cpu().numpy()} | found

    def totals(self) -> dict[str, NDArray[np.int64]]:
        """What adds up."""
        return {"calibration": self.calibration.cpu().numpy(), "margins": self.margins.cpu().numpy()}


def margin(logits: Tensor, predicted: Tensor) -> Tensor:
    """The log odds of the predicted class, log p / (1 - p), (n,), also where p rounds to 1; predicted (n, 1)."""
    others = logits.scatter(1, predicted, -torch.inf)
    second, place = others.max(1, keepdim=True)
    ahead = logits.gather(1, predicted) - second
    return (ahead + others.log_softmax(1).gather(1, place))[:, 0]


def rank(logits: Tensor, label: Tensor, order: Tensor) -> Tensor:
    """How many classes come before the label, (n,); of equal logits the lower class comes first, as in argmax."""
    own = logits.gather(1, label[:, None])
    before = torch.where(order < label[:, None], logits >= own, logits > own)
    return before.sum(1)


def changed(votes: NDArray[np.int32]) -> NDArray[np.int64]:
    """Draws of each image and level whose decision is not that of the clean image, flat; votes (n, levels, K).

    The first level is the clean one.
    """
    clean = votes[:, 0].argmax(1)
    kept = np.take_along_axis(votes, clean[:, None, None], axis=2)[:, :, 0]
    found: NDArray[np.int64] = (votes.sum(2) - kept).ravel().astype(np.int64)
    return found
