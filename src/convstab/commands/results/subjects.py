"""The model of an evaluation or attack, and the images for which it is correct: what a verifier can be asked about."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from convstab.attacks.result import AttackResult
from convstab.attacks.verification import as_input, classify
from convstab.bounds.instances import nearest
from convstab.commands.attack import with_images_of
from convstab.commands.results.bounds import run_of
from convstab.errors import InputError
from convstab.evaluation.result import StabilityResult
from convstab.images import Images
from convstab.runs.results import Results, check_finished
from convstab.runs.run import Run, checked_count, chosen
from convstab.statistics.intervals import Floats

NEEDED_BY = "convstab-instances"
OTHERS = 0.02  # share of the images that the model of a result may decide otherwise for: those near ties, in bfloat16


@dataclass(frozen=True)
class Subjects:
    """images: at most as many as were asked for, each correct. nearest: see ``Question.attack``, (n,).

    correct: how many the result has. attacked: whether it is an attack. remarks: lines for the user.
    """

    model: nn.Module
    images: Images
    nearest: Floats
    correct: int
    attacked: bool
    remarks: tuple[str, ...] = ()

    def part(self, rows: np.ndarray, *remarks: str) -> "Subjects":
        """With some of the images."""
        return replace(self, images=self.images[rows], nearest=self.nearest[rows], remarks=(*self.remarks, *remarks))


def subjects_of(folder: Path, trust: Sequence[str], count: int) -> Subjects:
    """What a result is about; its run is loaded again.

    Raises InputError where it is not finished, is not of a training on its own images, or of another model than that.
    """
    checked_count(count)
    check_finished([folder])
    found = Results.read([folder])
    run = run_of(folder, NEEDED_BY, trust)
    known = (
        of_attack(run, found.attacks[folder])
        if found.attacks
        else of_evaluation(run, found.evaluations[folder], folder)
    )
    if not known.correct:
        raise InputError(f"the model of {folder} is never correct: there is nothing to ask")
    return still_correct(known.part(chosen(count, known.correct).numpy()), folder)


def of_attack(run: Run, attack: AttackResult) -> Subjects:
    """The images that were attacked, which are those that are correct."""
    rows = np.flatnonzero(attack.rows["attacked"])
    ids = attack.rows["index"]
    images = Images(torch.from_numpy(attack.pixels), attack.rows["label"], tuple(attack.classes), ids)
    return Subjects(run.model, images[rows], nearest(attack)[rows], len(rows), attacked=True)


def of_evaluation(run: Run, result: StabilityResult, folder: Path) -> Subjects:
    """The images that are correct when clean."""
    if result.degraded[0]:
        raise InputError(f"{folder} has no clean images: add {result.protocol.neutral:g} to the levels")
    test = with_images_of(run, folder).test
    correct = result.by_image("prediction")[:, 0] == result.labels
    rows = np.flatnonzero(np.isin(test.ids.numpy(), result.by_image("index")[correct, 0]))
    return Subjects(run.model, test[rows], np.full(len(rows), np.nan), len(rows), attacked=False)


def still_correct(known: Subjects, folder: Path) -> Subjects:
    """Without images that the model, in float32 and here, decides otherwise for; InputError where they are many."""
    decided = classify(known.model, as_input(known.images.pixels.float())).argmax(1)
    kept = (decided == known.images.labels).numpy()
    other = int((~kept).sum())
    if other > max(1, OTHERS * len(kept)) or not kept.any():
        raise InputError(f"the run of {folder} is another model now: it is wrong for {other} of {len(kept)} images")
    said = f"left out, since the model in float32 decides otherwise when clean: {other} of {len(kept)} images"
    return known.part(np.flatnonzero(kept), said) if other else known
