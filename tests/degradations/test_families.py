"""What holds for every family of degradations: a new one is tested when it is registered."""

import json
import math
from collections.abc import Iterator
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from convstab.degradations.by_name import FAMILIES, degradation
from convstab.degradations.degradation import Degradation
from convstab.degradations.draws.make import degraded_copies
from convstab.errors import InputError
from tests.degradations.photos import error, photos

COLOURED = ("saturation",)
SHAPES = [(1, 1, 1), (3, 1, 1), (1, 2, 3), (3, 5, 1), (1, 1, 9), (1, 16, 12)]

pytestmark = pytest.mark.parametrize("name", FAMILIES)


def worst(family: Degradation) -> float:
    return family.check(family.grid)[-1]


def batch(family: Degradation, count: int = 128) -> tuple[Tensor, Tensor, list[Tensor]]:
    generator = torch.Generator().manual_seed(0)
    images = photos(16).repeat(-(-count // 3), 1, 1, 1)[:count].float()
    levels = torch.tensor(family.grid, dtype=torch.float64)
    random = [torch.empty(count, wanted.each) for wanted in family.numbers((3, 16, 16))]
    for numbers, wanted in zip(random, family.numbers((3, 16, 16)), strict=True):
        numbers.normal_(generator=generator) if wanted.law == "normal" else numbers.uniform_(generator=generator)
    return images, levels.repeat(count)[:count], random


def degraded(family: Degradation, images: Tensor, levels: Tensor, random: list[Tensor], chosen: Tensor) -> Tensor:
    return family.degrade(images[chosen], levels[chosen], [numbers[chosen] for numbers in random])


def test_the_neutral_level_is_the_clean_image(name: str) -> None:
    family, image = degradation(name), photos()[0]
    assert torch.equal(degraded_copies(image, family, family.neutral, 2, 0)[1], image / 255)


def test_a_worse_level_is_worse(name: str) -> None:
    family = degradation(name)
    errors = [sum(error(family, level, image, 8, True) for image in photos()) for level in family.check(family.grid)]
    assert errors[0] > 0
    assert all(milder < worse for milder, worse in pairwise(errors)), errors


@pytest.mark.parametrize("size", [1, 7, 16, 33])
def test_an_image_does_not_depend_on_those_beside_it(name: str, size: int) -> None:
    images, levels, random = batch(family := degradation(name))
    whole, order = family.degrade(images, levels, random), torch.arange(128)
    assert whole.dtype == torch.float32
    for chosen in order.flip(0).split(size)[: 128 if size > 1 else 12]:
        assert torch.equal(degraded(family, images, levels, random, chosen), whole[chosen])


def test_order_layout_and_threads_change_nothing(name: str) -> None:
    images, levels, random = batch(family := degradation(name))
    before, whole = images.clone(), family.degrade(images, levels, random)
    mixed = torch.randperm(128, generator=torch.Generator().manual_seed(1))
    assert torch.equal(degraded(family, images, levels, random, mixed), whole[mixed])
    assert torch.equal(family.degrade(images.to(memory_format=torch.channels_last), levels, random), whole)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3 - min(threads, 2))
        assert torch.equal(family.degrade(images, levels, random), whole)
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(images, before)


def test_draws_are_keyed(name: str) -> None:
    family, image = degradation(name), photos(16)[1]
    many = degraded_copies(image, family, worst(family), 40, 5)
    assert torch.equal(degraded_copies(image, family, worst(family), 10, 5), many[:10])
    assert (len(many.unique(dim=0)) > 30) == family.random
    assert family.random or torch.equal(many, many[:1].expand_as(many))
    other = degraded_copies(image, family, worst(family), 40, 5, seed=1)
    assert torch.equal(other, many) != family.random


@pytest.mark.parametrize("shape", SHAPES)
def test_images_of_any_size_are_degraded_or_refused(name: str, shape: tuple[int, int, int]) -> None:
    family = degradation(name)
    image = torch.randint(256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    if refuses(family, shape):
        with pytest.raises(InputError, match=rf"^{name} .*$"):
            degraded_copies(image, family, worst(family), 2, 0)
    else:
        for level in family.grid:
            assert degraded_copies(image, family, level, 2, 0, clip=False).isfinite().all()


def refuses(family: Degradation, shape: tuple[int, int, int]) -> bool:
    return family.name in COLOURED and shape[0] == 1


def test_black_and_white_are_degraded_to_numbers(name: str) -> None:
    family = degradation(name)
    for grey in (0, 255):
        image = torch.full((3, 8, 8), grey, dtype=torch.uint8)
        for level in family.grid:
            assert degraded_copies(image, family, level, 2, 0, clip=False, rounding=False).isfinite().all()


def beyond(family: Degradation) -> Iterator[float]:
    yield math.nan
    yield from (end for end in (-math.inf, math.inf) if end != family.neutral)
    yield from (family.low - 0.01, family.high + 0.01)


def test_a_level_out_of_range_is_refused_in_one_line(name: str) -> None:
    family = degradation(name)
    for level in beyond(family):
        if level != family.neutral:
            with pytest.raises(InputError, match=rf"^a level of {name} is .*{family.unit}.*changes nothing$"):
                family.check([level])
    ends = [end for end in (family.low, family.high, family.neutral) if math.isfinite(end)]
    assert sorted(family.check(set(ends))) == sorted(set(ends))


def test_the_way_to_a_level_begins_at_the_neutral_one(name: str) -> None:
    family = degradation(name)
    for level in family.grid:
        way = [family.between(level, strength / 4) for strength in range(5)]
        assert way[0] == family.neutral
        assert way[4] == pytest.approx(level)
        severities = [family.severity(step) for step in way]
        assert severities[0] == 0
        assert severities == sorted(severities)
        family.check([way[3]])


def test_settings_make_the_family_again(name: str) -> None:
    family = degradation(name)
    assert degradation(json.loads(json.dumps(family.settings))) == family


def test_what_keys_the_numbers_fits_the_key(name: str) -> None:
    assert len(name.encode()) <= 13  # 16 bytes, with a mark before and a number behind
