"""Degraded copies for training: which degradation and level each image draws, made by the families of evaluate."""

import re
from typing import Any

import pytest
import torch
from scipy import stats

from convstab.data.augment import NoisyCopies
from convstab.data.degraded import DegradedCopies
from convstab.data.images import ImageSet
from convstab.data.module import ImageData
from convstab.degradations.compression import Jpeg, Quantisation
from convstab.degradations.photometric import Brightness
from convstab.errors import InputError
from convstab.images import Images, to_unit

GREY = torch.full((4000, 1, 16, 16), 128 / 255)
LABELS = torch.zeros(4000, dtype=torch.int64)


def test_gaussian_copies_are_distributed_as_the_papers_noisy_copies() -> None:
    spreads = []
    for copies in (DegradedCopies([{"name": "gaussian", "levels": [4, 40]}]), NoisyCopies([4, 40])):
        torch.manual_seed(0)
        noisy, labels = copies(GREY, LABELS)
        assert torch.equal(labels, LABELS)
        spreads.append((noisy - GREY).flatten(1).std(1).mul(255))
    assert ((spreads[0] == 0).sum() - (spreads[1] == 0).sum()).abs() < 60  # of 250 either way
    assert stats.ks_2samp(*(spread.numpy() for spread in spreads)).pvalue > 0.001


def test_each_family_and_level_is_as_likely_and_one_in_so_many_is_clean() -> None:
    photo = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1)).mul(255).round()
    kinds = {
        "clean": photo,
        **{f"jpeg {quality}": Jpeg().degrade(photo, torch.tensor([float(quality)]), []) for quality in (50, 10)},
        **{f"{bits} bits": Quantisation().degrade(photo, torch.tensor([float(bits)]), []) for bits in (2, 3)},
    }
    wanted = [{"name": "jpeg", "levels": [50, 10]}, {"name": "quantisation", "levels": [2, 3]}]
    torch.manual_seed(0)
    copies, _ = DegradedCopies(wanted, copies=4)(to_unit(photo.byte()).repeat(1000, 1, 1, 1), LABELS[:1000])
    counts = {
        name: int(copies.mul(255).sub(made.round()).abs().lt(1e-3).flatten(1).all(1).sum())
        for name, made in kinds.items()
    }
    assert sum(counts.values()) == 1000, counts
    assert stats.chisquare(list(counts.values())).pvalue > 0.001, counts


def test_without_levels_they_are_those_of_the_familys_grid() -> None:
    torch.manual_seed(0)
    copies, _ = DegradedCopies(["brightness"], copies=10**6)(GREY[:500], LABELS[:500])
    shifts = {round(shift, 3) for shift in copies.sub(GREY[:500])[:, 0, 0, 0].mul(255).tolist()}
    family = Brightness()
    made = family.degrade(GREY[:1].mul(255).expand(len(family.grid), 1, 16, 16), torch.tensor(family.grid).double(), [])
    assert shifts == {round(shift, 3) for shift in made[:, 0, 0, 0].round().clamp(0, 255).sub(128).tolist()}


def test_the_same_seed_draws_the_same_copies() -> None:
    augment, drawn = DegradedCopies(["sensor", "motion_blur", "occlusion"]), []
    images = torch.rand(64, 3, 12, 12, generator=torch.Generator().manual_seed(2))
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        drawn.append(augment(images, LABELS[:64])[0])
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert drawn[0].clamp(0, 1).equal(drawn[0])


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("gaussian", "is gaussian; it is a list of families"),
        ([], "is []; it is a list of families"),
        ([3], "holds 3; it is a list of families"),
        (["fog"], "degradation is fog; it can be brightness"),
        ([{"name": "jpeg", "levels": [0]}], "a level of jpeg is 0; it must be"),
        ([{"name": "jpeg", "quality": 5}], "degradation jpeg takes no quality"),
    ],
)
def test_what_is_no_degradation_is_refused(wanted: Any, said: str) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        DegradedCopies(wanted)


def test_a_family_that_the_images_cannot_have_is_refused_before_the_first_batch() -> None:
    grey = Images(torch.zeros(8, 1, 8, 8, dtype=torch.uint8), torch.arange(8) % 2)
    data = ImageData(lambda _: ImageSet(grey, grey, ("a", "b")), 4, augment=DegradedCopies(["saturation"]))
    with pytest.raises(InputError, match="saturation"):
        data.setup()
