"""The least perturbation of each image over several attacks: an upper bound of its distance to the boundary."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from convstab.attacks.result import AttackResult
from convstab.degradations.similarity import ssim
from convstab.errors import InputError
from convstab.images import GREY_LEVELS
from convstab.statistics.intervals import Floats
from convstab.units import Integers

OF_AN_ATTACK = "psnr", "queries", "gradients", "seconds"  # columns of the attack that found the least perturbation
OTHER_MODEL = 0.15  # confidence of a clean image; bfloat16 and float32 of one model are nearer
LONGER = 1.001  # times a perturbation: by clipping and rounding
OTHER_DECISIONS = 0.02  # share of the clean images; those of one model that are near ties are fewer


@dataclass(frozen=True)
class Clean:
    """What an evaluation knows of the clean images: ids, labels, decisions, and confidence in these; all (n,).

    classes: their names. confidence: NaN: not known.
    """

    classes: list[str]
    index: Integers
    label: Integers
    predicted: Integers
    confidence: Floats


def least_perturbation(
    clean: Clean, attacks: Mapping[str, AttackResult], thickness: Mapping[str, Floats] | None = None
) -> dict[str, NDArray[Any]]:
    """Columns for the images of an evaluation: the least perturbation, which attack found it, and what it cost.

    perturbation: L2, grey levels; 0 where the clean image is misclassified, infinite where every search failed, NaN
    where none was made. attack: its name, else "". ended: why its search ended. psnr: dB. ssim. queries, gradients,
    seconds. thickness: of the boundary on the way to it, where thicknesses are given. Besides the norm of each attack
    by itself, perturbation_<name>.

    Raises InputError when an attack is on other images or another model, or a thickness is of another attack.
    """
    found: dict[str, NDArray[Any]] = {"perturbation": np.full(len(clean.index), np.nan)}
    found |= {name: np.full(len(clean.index), "", object) for name in ("attack", "ended")}
    found["ssim"] = np.full(len(clean.index), np.nan)
    found |= {name: np.full(len(clean.index), np.nan) for name in OF_AN_ATTACK}
    found |= {} if thickness is None else {"thickness": np.full(len(clean.index), np.nan)}
    for name, attack in attacks.items():
        rows, places = common(clean, name, attack)
        misclassified = np.where(clean.predicted[places] == clean.label[places], np.nan, 0.0)  # not so when attacked
        norms = np.where(attack.rows["attacked"][rows], attack.norms[rows] * GREY_LEVELS, misclassified)
        own = found[f"perturbation_{name}"] = np.full(len(clean.index), np.nan)
        own[places] = norms
        less = ~(found["perturbation"][places] <= norms) & ~np.isnan(norms)  # NaN, nothing yet, is more
        rows, places = rows[less], places[less]
        found["perturbation"][places] = norms[less]
        known = attack.rows["attacked"][rows] & attack.rows["success"][rows]
        found["attack"][places] = np.where(known, name, "")
        found["ended"][places] = np.where(known, attack.rows["ended"][rows], "")
        found["ssim"][places] = np.where(known, similarity(attack, rows), np.nan)
        for column in OF_AN_ATTACK:
            found[column][places] = np.where(known, attack.rows[column][rows], np.nan)
        if thickness is not None:
            found["thickness"][places] = np.where(known, thickness_of(name, attack, thickness)[rows], np.nan)
    return found


def common(clean: Clean, name: str, attack: AttackResult) -> tuple[Integers, Integers]:
    """Rows of an attack and the places of the same images in an evaluation; InputError unless they fit together."""
    _, rows, places = np.intersect1d(attack.rows["index"], clean.index, return_indices=True)
    said = f"{name} does not belong to the evaluation: "
    if list(attack.classes) != clean.classes:
        raise InputError(f"{said}it attacks images of {len(attack.classes)} classes with other names")
    if not len(rows):
        raise InputError(f"{said}they have no image in common")
    if not np.array_equal(attack.rows["label"][rows], clean.label[places]):
        raise InputError(f"{said}images of the same number have other labels")
    other = int((attack.rows["clean_predicted"][rows] != clean.predicted[places]).sum())
    if other > max(1, OTHER_DECISIONS * len(rows)):
        raise InputError(
            f"{said}it attacks another model, which decides otherwise for {other} of {len(rows)} clean images"
        )
    scores = np.abs(attack.rows["clean_score"][rows] - clean.confidence[places])
    if (scores > OTHER_MODEL).any():  # NaN, not known, is not
        worst = f"{np.nanmax(scores):.2f}"
        raise InputError(f"{said}it attacks another model, whose confidence in a clean image is {worst} off")
    return rows, places


def thickness_of(name: str, attack: AttackResult, given: Mapping[str, Floats]) -> Floats:
    """The thicknesses that are given for an attack, (n,); NaN for one without; InputError for those of another."""
    found = given.get(name, np.full(len(attack.norms), np.nan))
    if found.shape != attack.norms.shape or (found > LONGER * GREY_LEVELS * attack.norms).any():
        raise InputError(f"the thicknesses of {name} are of another attack: one is more than its whole perturbation")
    return found


def lower_bounds_of(clean: Clean, rows: Mapping[str, NDArray[Any]], given: Floats) -> dict[str, NDArray[Any]]:
    """The column of lower bounds: 0 where the clean image is misclassified; InputError where they are of another model.

    rows: with the least perturbations. given: lower bounds of the distances, (n,), grey levels; 0: misclassified.
    """
    said, correct = "the lower bounds are of another model than the evaluation", clean.predicted == clean.label
    if given.shape != correct.shape:
        raise InputError(f"there are {len(given)} lower bounds; the evaluation has {len(correct)} images")
    other = int(((given > 0) & ~correct).sum())  # a bound may be 0 where the margin is as small as its rounding
    if other > max(1, OTHER_DECISIONS * len(correct)):
        raise InputError(f"{said}: {other} of {len(correct)} images are correct there, and here misclassified")
    beaten = int((correct & (rows["perturbation"] > 0) & (rows["perturbation"] < given)).sum())
    if beaten:
        raise InputError(f"{said}, or of one that attacks do not fit: they found less for {beaten} images")
    return {"lower_bound": np.where(correct, given, 0.0)}


def similarity(attack: AttackResult, rows: Integers) -> Floats:
    """Structural similarity of images with their perturbation to themselves, (rows,)."""
    pixels = attack.pixels[rows].astype(np.float32)
    noisy, plain = (torch.from_numpy(values / GREY_LEVELS) for values in (pixels + attack.noise[rows], pixels))
    return ssim(noisy, plain).double().numpy() if len(rows) else np.zeros(0)
