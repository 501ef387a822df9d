"""Evaluate a model from Python: ``convstab.evaluate``."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

import torch
from tqdm.auto import tqdm

from convstab.degradations.by_name import degradation as by_name
from convstab.degradations.degradation import Degradation
from convstab.errors import InputError
from convstab.evaluation.examples import with_similarity
from convstab.evaluation.gate import gate
from convstab.evaluation.matching import matched
from convstab.evaluation.pilot.draws import check_auto, enough_draws
from convstab.evaluation.pilot.forward import Wish, choose
from convstab.evaluation.protocol import Protocol, tried_levels, with_counts
from convstab.evaluation.result import StabilityResult
from convstab.evaluation.workers import Workers
from convstab.forward.device import device_of
from convstab.forward.eager import Precision
from convstab.forward.own_model import own_model
from convstab.images import Images
from convstab.validation import Match

Score = Literal["predicted", "label"]
LEAST = 0.5  # grey levels: weaker noise hardly moves a rounded pixel


def evaluate(
    model: Any,
    images: Images,
    degradation: str | Mapping[str, Any] | Degradation = "gaussian",
    levels: Sequence[float] | None = None,
    draws: int | Sequence[int] | Literal["auto"] = 10,
    *,
    psnr: Sequence[float] | None = None,
    within: float | None = None,
    seed: int = 0,
    clip: bool = True,
    rounding: bool = True,
    score: Score = "predicted",
    batch_size: int | None = None,
    precision: Precision | Literal["auto"] = "float32",
    compile: bool | Literal["auto"] = "auto",  # noqa: A002 - torch's word
    device: str | torch.device | None = None,
    workers: int | None = None,
    expect_clean: float | None = None,
    match: Match | None = None,
    progress: bool | Callable[[int], object] = False,
) -> StabilityResult:
    """Classify degraded copies of images and say how stable the model is. Paper: section 4.

    Nothing is written, and the model stays as it is. The numbers depend on the model, the images with their ids, the
    degradation, levels, draws and seed, and on nothing else; with another precision than float32 also on the forward
    pass that is chosen, see ``compile``.

    Args:
        model: an nn.Module in evaluation mode, or a callable that works on the device: images in [0, 1], float
            (N, C, H, W) -> logits (N, K). It normalises inside.
        images: n images with their labels.
        degradation: what is done to the images: a name such as "gaussian" or "jpeg", with settings
            {"name": "motion_blur", "angle": 0}, or a Degradation.
        levels: of the degradation, in its unit (Gaussian noise: sigma in grey levels, 0 to 255); the clean images are
            always tried; None: the family's own grid.
        psnr: in place of levels: PSNR in dB, such as (45, 40, 35, 30, 25, 20). Each image is degraded at the level of
            its own that leaves it this PSNR after clipping and rounding; one that no level leaves it to is not drawn.
        draws: degraded copies of each image under each level, one number or one for each of ``levels`` in their order;
            one where all would be the same. "auto": as many as a level needs, by a pilot of a few images, see
            docs/stability.md.
        within: with draws="auto", how far draws alone may move an accuracy, in points, in (0, 50), in 95 % of cases;
            None: a fifth of half its interval.
        seed: names the random numbers, 64 bits.
        clip: keep degraded pixels within [0, 255], as an 8-bit image does.
        rounding: make them whole grey levels, as an 8-bit image does.
        score: the softmax probability that the figures show: of the predicted class, or of the label.
        batch_size: draws in a forward pass; None: what suits the device.
        precision: of the forward pass: float32 (never TF32), bfloat16 (autocast's), or auto: bfloat16 where it is
            compiled and changes few decisions, and none to one side; else float32.
        compile: the forward pass in bfloat16 by torch.compile: True, False, or "auto" where the work takes more than a
            minute, it can be compiled and is faster so. docs/speed.md has the rules.
        device: cpu, cuda, cuda:1 ...; None: the best there is.
        workers: threads; None: one for each core.
        expect_clean: accuracy on clean images, in [0, 1], that the model is known to have: where the 95 % interval of
            what it has here lies below, nothing else is done.
        match: where the model knows its ``classes`` and the images theirs, the names must be in the same order; "names"
            puts the logits into the order of the images, "order" does not compare them.
        progress: show the clean accuracy and a bar, in a terminal or a notebook; or what is given the number of draws
            just classified.

    Raises:
        InputError: a model, images or values that do not fit; logits that are not finite, the same for all images, or
            other ones in a second pass; a clean accuracy below the expected one.

    >>> import torch, convstab as cs
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 2)).eval()
    >>> images = cs.Images(torch.rand(20, 3, 8, 8), torch.arange(20) % 2, classes=("cat", "dog"))
    >>> result = cs.evaluate(model, images, levels=[1, 40], draws=5)
    >>> result.levels.tolist(), result.accuracy.value.shape, result.confusion.shape
    ([0.0, 1.0, 40.0], (3,), (3, 2, 2))
    """
    if score not in get_args(Score):
        raise InputError(f"score is {score!r}; it can be {' or '.join(get_args(Score))}")
    wish, chosen = Wish(precision, compile), device_of(device)
    family = by_name(degradation)
    check_auto(draws, within)
    switches = 1, seed, clip, rounding, score, family
    protocol = Protocol(tried_levels(family, levels, psnr), *switches, by_psnr=psnr is not None)
    told = isinstance(draws, str)
    protocol = with_counts(protocol, 1 if told else draws, levels if psnr is None else psnr)
    strongest = protocol.levels[-1]
    if rounding and not protocol.by_psnr and family.name == "gaussian" and 0 < strongest < LEAST:
        said = f"levels are grey levels (0 to 255): at most {strongest:g} is rounded away in nearly all pixels"
        warnings.warn(said, stacklevel=2)
    names = getattr(model, "classes", None), getattr(images, "classes", ())
    own, images = own_model(matched(model, *names, match), images, chosen)
    clean = gate(own, images, chosen, expect_clean)
    if progress is True:
        print(clean, *clean.remarks, sep="\n")
    pool = Workers(own, images, protocol, chosen, batch_size, workers)
    if told:
        enough = enough_draws(pool, within)
        pool.protocol = protocol = replace(protocol, draws=enough.draws)
        if progress is True:
            print(enough.said)
    choice = choose(pool, wish, len(images) * protocol.draws_per_image)
    pool.forward = choice.forward
    if choice.said and progress is True:
        print(choice.said)
    with tqdm(total=len(images) * protocol.draws_per_image, unit="draw", disable=progress is not True) as bar:
        whole = pool.whole(progress if callable(progress) else bar.update)
    column = images.name_column(len(protocol.levels))
    result = StabilityResult.of(whole.table(), whole.totals, images.classes, protocol, images.units, column)
    return with_similarity(result, images, chosen)
