"""Counts over draws: sums that come out the same, bit for bit, in whatever order and batches the draws come."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from convstab.errors import InputError
from convstab.evaluation.confidence import ConfidenceTally, changed
from convstab.evaluation.exact import UNIT, whole
from convstab.evaluation.protocol import Protocol

PSNR_EDGES = np.linspace(0.0, 60.0, 121)  # dB; the outer bins take what lies beyond, also infinite PSNR
SCORE_EDGES = np.linspace(0.0, 1.0, 51)
NEAR_TIE = 1e-6  # logits of the two best classes that are closer: other kernels may order them otherwise
Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Counts:
    """What is known of a slice of the test set; rows concatenate and totals add up to those of the whole set.

    rows: arrays of equal length, one entry per image and level, ordered by image, then level: index, label, level,
        draws, correct, prediction (the most frequent; the lowest label on a tie), score_mean and score_min (softmax
        probability of the label), psnr_mean (dB, over the draws whose PSNR is finite; infinite where there is none),
        identical (draws that are the clean image), near_ties (draws whose two best classes are closer than NEAR_TIE),
        and one keyed draw: sample_draw, sample_prediction, sample_psnr, sample_score; changed (draws whose decision is
        not that of the clean image, where that is among the levels), top5 (draws whose label is among the five best
        classes, of ten classes and more), brier_mean and nll_mean (Brier score, and negative log-likelihood in nats),
        margin_mean and margin_sd (how far the logit of the label is ahead of the greatest other);
        where levels are PSNR, applied (the level of the degradation; NaN where no level leaves the image this PSNR:
        such an image has no draws there).
    totals: confusion, int64 (levels, label, predicted); histogram, int64 (label, misclassified or correct, PSNR bin,
        score bin), of the draws of degraded images, each as often as ``Protocol.weights`` says; calibration, int64
        (levels, bin, 3), draws, correct draws and the sum of the probability of the predicted class in 2^-30; margins,
        int64 (levels, misclassified or correct, bin), by the log odds of the predicted class.
    """

    rows: Columns
    totals: dict[str, NDArray[np.int64]]


class Tally:
    """Adds up the draws of one slice on the device that classifies them; its size does not grow with the draws.

    labels: int64 (n,). index: int64 (n,), of the images in the test set. classes: K. applied: see ``Protocol``.
    """

    def __init__(
        self,
        labels: Tensor,
        index: Tensor,
        classes: int,
        protocol: Protocol,
        device: torch.device | str,
        applied: Tensor,
    ) -> None:
        self.protocol, self.index, self.classes = protocol, index.cpu(), classes
        self.labels = labels.to(device)
        self.added = 0  # draws, in the order of protocol.runs
        levels, draws = len(protocol.levels), torch.tensor(protocol.draws_of)
        cells = len(labels) * levels  # one per image and level
        self.level_of = torch.repeat_interleave(torch.arange(levels), draws).to(device)
        self.draw_of = torch.cat([torch.arange(count) for count in draws.tolist()]).to(device)
        self.weights = torch.tensor(protocol.weights, device=device)
        self.applied, self.drawn = applied.flatten(), applied.flatten().isnan().logical_not().to(device)
        sampled = [protocol.sampled_draw(image, level) for image in index.tolist() for level in range(levels)]
        self.sampled = torch.tensor(sampled, device=device)

        self.votes = torch.zeros(cells * classes, dtype=torch.int32, device=device)
        self.score_sum = torch.zeros(cells, dtype=torch.int64, device=device)
        self.score_min = torch.ones(cells, device=device)
        self.psnr_sum = torch.zeros(cells, dtype=torch.int64, device=device)
        self.identical = torch.zeros(cells, dtype=torch.int64, device=device)
        self.near_ties = torch.zeros(cells, dtype=torch.int64, device=device)
        shape = classes, 2, len(PSNR_EDGES) - 1, len(SCORE_EDGES) - 1
        self.histogram = torch.zeros(shape, dtype=torch.int64, device=device)
        self.sample_of = torch.zeros(3, cells + 1, device=device)  # prediction, PSNR, score; one more for all others
        self.confidence = ConfidenceTally(cells, levels, classes, device)
        self.broken, self.unsound = torch.zeros(2, dtype=torch.bool, device=device)  # logits, degraded copies

    def add(self, logits: Tensor, psnr: Tensor) -> None:
        """Add the next n draws of the slice: float32 logits (n, K), PSNR (n,) in dB. Nothing waits for a GPU."""
        position = torch.arange(self.added, self.added + len(logits), device=logits.device)
        self.added += len(logits)
        image, within = position // self.protocol.draws_per_image, position % self.protocol.draws_per_image
        level, label = self.level_of[within], self.labels[image]
        cell = image * len(self.protocol.levels) + level

        self.broken.logical_or_(logits.isfinite().all().logical_not())
        self.unsound.logical_or_(psnr.isnan().any())
        predicted = logits.argmax(1)
        probability = logits.softmax(1)
        of_label = probability.gather(1, label[:, None])[:, 0]
        score = of_label if self.protocol.score == "label" else probability.gather(1, predicted[:, None])[:, 0]

        drawn = self.drawn[cell]
        self.votes.index_add_(0, cell * self.classes + predicted, drawn.int())
        self.score_sum.index_add_(0, cell, whole(of_label) * drawn)
        self.score_min.scatter_reduce_(0, cell, of_label.masked_fill(~drawn, 1), "amin")
        identical = psnr.isinf() & drawn
        self.psnr_sum.index_add_(0, cell, whole(psnr.masked_fill(psnr.isinf(), 0)))
        self.identical.index_add_(0, cell, identical.long())
        best, second = logits.topk(2, sorted=True).values.unbind(1)
        self.near_ties.index_add_(0, cell, ((best - second < NEAR_TIE) & drawn).long())
        self.confidence.add(cell, level, label, drawn, logits, probability)
        self.add_to_histogram(label, predicted == label, psnr, score, self.weights[level] * drawn)
        kept = torch.where(self.draw_of[within] == self.sampled[cell], cell, len(self.sampled))
        self.sample_of[:, kept] = torch.stack([predicted.float(), psnr, score])

    def add_to_histogram(self, label: Tensor, correct: Tensor, psnr: Tensor, score: Tensor, count: Tensor) -> None:
        """Count each draw ``count`` times in its bin."""
        _, outcomes, height, width = self.histogram.shape
        row = (psnr * (height / PSNR_EDGES[-1])).clamp_(0, height - 1).long()
        column = (score * width).long().clamp_(0, width - 1)  # after long: NaN is refused later, not here
        bins = ((label * outcomes + correct) * height + row) * width + column
        self.histogram.view(-1).index_add_(0, bins, count)

    def counts(self) -> Counts:
        """Everything added so far, on the CPU.

        Raises InputError when the classifier returned a logit that is infinite or not a number, or when a degraded copy
        held what is no number.
        """
        first, last = self.index.min().item(), self.index.max().item()
        if self.unsound.item():
            family = self.protocol.degradation.name
            raise InputError(f"{family} makes copies of test images {first} to {last} that hold what is not a number")
        if self.broken.item():
            raise InputError(
                f"the classifier returned logits that are infinite or not a number for test images {first} to {last}; "
                "such draws are neither correct nor misclassified"
            )
        levels = len(self.protocol.levels)
        votes = self.votes.view(-1, levels, self.classes).cpu().numpy()
        confusion = np.zeros((levels, self.classes, self.classes), np.int64)
        labels = self.labels.cpu().numpy()
        np.add.at(confusion.transpose(1, 0, 2), labels, votes)
        totals = {"confusion": confusion, "histogram": self.histogram.cpu().numpy()}
        return Counts(self.rows(votes), totals | self.confidence.totals())

    def rows(self, votes: NDArray[np.int32]) -> Columns:
        """The table of the images and levels; votes (n, levels, K)."""
        images, levels, _ = votes.shape
        label = self.labels.cpu().numpy().repeat(levels)
        draws = np.tile(np.array(self.protocol.draws_of), images) * self.drawn.cpu().numpy()
        identical = self.identical.cpu().numpy()
        finite = draws - identical
        psnr = self.psnr_sum.cpu().numpy() / UNIT / finite.clip(1)
        prediction, sample_psnr, sample_score = self.sample_of[:, :-1].cpu().numpy()
        clean = not self.protocol.degraded[0]
        applied = {"applied": self.applied.cpu().numpy()} if self.protocol.by_psnr else {}
        return {
            "index": self.index.numpy().repeat(levels),
            "label": label,
            "level": np.tile(np.array(self.protocol.levels), images),
            "draws": draws,
            "correct": votes.reshape(len(label), -1)[np.arange(len(label)), label].astype(np.int64),
            "prediction": votes.argmax(2).ravel(),
            "score_mean": self.score_sum.cpu().numpy() / UNIT / draws.clip(1),
            "score_min": self.score_min.cpu().numpy(),
            "psnr_mean": np.where(finite > 0, psnr, np.inf),
            "identical": identical,
            "near_ties": self.near_ties.cpu().numpy(),
            "sample_draw": self.sampled.cpu().numpy(),
            "sample_prediction": prediction.astype(np.int64),
            "sample_psnr": sample_psnr,
            "sample_score": sample_score,
            **({"changed": changed(votes)} if clean else {}),
            **self.confidence.columns(draws),
            **applied,
        }
