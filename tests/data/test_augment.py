"""Augmentations: what they change, how much, and that they leave labels correct."""

from collections.abc import Callable

import pytest
import torch
from scipy import stats

from convstab.data.augment import Chain, GaussianNoise, Jitter, Mirror, NoisyCopies
from convstab.data.module import ImageData
from convstab.errors import InputError

OFF = dict.fromkeys(
    [
        "rotation",
        "translation",
        "scale",
        "value",
        "saturation",
        "hue",
        "gaussian_blur",
        "motion_blur",
        "sharpening",
        "mirror",
    ],
    0.0,
)
GREY = torch.full((400, 3, 16, 16), 128 / 255)
LABELS = torch.zeros(400, dtype=torch.int64)


def levels(images: torch.Tensor) -> torch.Tensor:
    return images * 255


def test_gaussian_noise_has_its_sigma_and_is_rounded() -> None:
    torch.manual_seed(0)
    noisy, _ = GaussianNoise(10)(GREY, LABELS)
    error = levels(noisy - GREY)
    assert error.std().item() == pytest.approx((100 + 1 / 12) ** 0.5, rel=0.01)  # rounding adds 1/12
    torch.testing.assert_close(levels(noisy), levels(noisy).round(), atol=1e-4, rtol=0)


def test_a_range_gives_each_image_its_own_sigma() -> None:
    torch.manual_seed(0)
    noisy, _ = GaussianNoise([0, 20])(GREY, LABELS)
    sigmas = levels(noisy - GREY).flatten(1).std(1)
    assert stats.kstest(sigmas.numpy(), stats.uniform(0, 20).cdf).pvalue > 0.001


def test_noisy_copies_are_clean_once_in_sixteen_and_else_of_the_grid() -> None:
    torch.manual_seed(0)
    noisy, _ = NoisyCopies([4, 40], copies=15)(GREY.repeat(10, 1, 1, 1), LABELS.repeat(10))
    sigmas = levels(noisy - GREY[:1]).flatten(1).std(1)
    counts = [
        (sigmas == 0).sum().item(),
        sigmas.sub(4).abs().lt(1).sum().item(),
        sigmas.sub(40).abs().lt(4).sum().item(),
    ]
    assert sum(counts) == 4000
    assert stats.chisquare(counts, [4000 / 16, 4000 * 15 / 32, 4000 * 15 / 32]).pvalue > 0.001


def test_a_chain_applies_its_parts_in_order() -> None:
    labels = torch.tensor([1])
    image = torch.rand(1, 3, 8, 8)
    first, second = Mirror(1.0), Mirror(1.0)
    first.use(4, {1: 2})
    second.use(4, {2: 3})
    assert Chain(a=first, b=second)(image, labels)[1].item() == 3
    assert Chain()(image, labels)[0] is image


def test_mirroring_maps_labels_and_leaves_the_others_alone() -> None:
    mirror = Mirror(1.0)
    mirror.use(3, {0: 0, 1: 2})
    images = torch.rand(3, 1, 4, 4)
    turned, labels = mirror(images, torch.tensor([0, 1, 2]))
    assert labels.tolist() == [0, 2, 2]
    assert torch.equal(turned, torch.stack([images[0].flip(2), images[1].flip(2), images[2]]))


def test_jitter_with_every_part_off_changes_nothing() -> None:
    images = torch.rand(4, 3, 16, 16)
    jitter = Jitter(**OFF)
    jitter.mirror.use(1, {0: 0})
    assert torch.equal(jitter(images, LABELS[:4])[0], images)


@pytest.mark.parametrize("part", OFF)
@pytest.mark.parametrize("channels", [1, 3])
def test_each_part_of_jitter_works_alone(part: str, channels: int) -> None:
    torch.manual_seed(0)
    images = torch.rand(8, channels, 16, 16)
    strength = {"rotation": 10.0, "translation": 0.1, "scale": 0.2, "hue": 0.1}.get(part, 1.0)
    jitter = Jitter(**(OFF | {part: strength}))
    jitter.mirror.use(1, {0: 0})
    changed, labels = jitter(images, LABELS[:8])
    colour = part in ("saturation", "hue")
    assert torch.equal(changed, images) == (colour and channels == 1)  # grey images have no colour to change
    assert changed.shape == images.shape
    assert 0 <= changed.min() <= changed.max() <= 1
    assert torch.equal(labels, LABELS[:8])


def laplacian_energy(images: torch.Tensor) -> torch.Tensor:
    """Mean square of the discrete Laplacian inside each image, (n,)."""
    inner = images[..., 1:-1, 1:-1]
    around = images[..., :-2, 1:-1] + images[..., 2:, 1:-1] + images[..., 1:-1, :-2] + images[..., 1:-1, 2:]
    return (around - 4 * inner).square().flatten(1).mean(1)


def chroma(images: torch.Tensor) -> torch.Tensor:
    """Mean difference of the largest and the smallest channel, (n,)."""
    return (images.amax(1) - images.amin(1)).flatten(1).mean(1)


def smooth(seed: int = 0) -> torch.Tensor:
    """Coloured images that no part of jitter drives out of [0, 1] far, (64, 3, 16, 16)."""
    torch.manual_seed(seed)
    coarse = torch.rand(64, 3, 5, 5) * 0.3 + 0.35
    return torch.nn.functional.interpolate(coarse, 16, mode="bicubic").clamp(0, 1)


def jittered(images: torch.Tensor, **strength: float) -> torch.Tensor:
    jitter = Jitter(**(OFF | strength))
    jitter.mirror.use(1, {0: 0})
    changed: torch.Tensor = jitter(images, LABELS[: len(images)])[0]
    return changed


@pytest.mark.parametrize("part", ["gaussian_blur", "motion_blur"])
def test_blur_takes_fine_detail_away(part: str) -> None:
    images = smooth()
    assert (laplacian_energy(jittered(images, **{part: 1.0})) < laplacian_energy(images)).all()


def test_sharpening_adds_fine_detail() -> None:
    images = smooth()
    gain = laplacian_energy(jittered(images, sharpening=1.0)) / laplacian_energy(images)
    assert (gain >= 1).all()
    assert gain.median() > 1.5  # not merely unchanged


def test_value_changes_brightness_within_its_share_and_no_colour() -> None:
    images = smooth()
    factor = jittered(images, value=0.2) / images
    assert factor.flatten(1).std(1).max() < 1e-4  # one factor for an image
    assert 0.8 <= factor.min() < 0.85
    assert 1.15 < factor.max() <= 1.2


def test_saturation_moves_colours_from_and_to_grey_within_its_share() -> None:
    images = smooth()
    factor = chroma(jittered(images, saturation=0.3)) / chroma(images)
    assert 0.69 < factor.min() < 0.8
    assert 1.2 < factor.max() < 1.31


def test_hue_turns_colours_and_leaves_brightness_of_the_brightest_channel() -> None:
    images = smooth()
    changed = jittered(images, hue=0.1)
    torch.testing.assert_close(changed.amax(1), images.amax(1), atol=1e-4, rtol=0)  # V of HSV
    torch.testing.assert_close(changed.amin(1), images.amin(1), atol=1e-4, rtol=0)
    assert (changed - images).abs().flatten(1).mean(1).median() > 0.005


def spot() -> torch.Tensor:
    """A bright square in the middle of dark images, (400, 1, 33, 33)."""
    images = torch.zeros(400, 1, 33, 33)
    images[..., 14:19, 14:19] = 1
    return images


def test_translation_moves_the_image_within_its_share_in_every_direction() -> None:
    torch.manual_seed(0)
    moved = jittered(spot(), translation=0.2)[:, 0]
    grid = torch.arange(33.0) - 16
    down, right = ((moved.sum(axis) * grid).sum(1) / moved.sum((1, 2)) for axis in (2, 1))
    for shift in (down, right):
        assert shift.abs().max() <= 0.2 * 33 + 0.1
        assert shift.min() < -5
        assert shift.max() > 5


def test_scale_shrinks_and_enlarges_within_its_share() -> None:
    torch.manual_seed(0)
    area = jittered(spot(), scale=0.2).sum((1, 2, 3)) / 25
    assert 0.6 < area.min() < 0.75  # (1 - 0.2) ** 2 = 0.64
    assert 1.3 < area.max() < 1.5  # (1 + 0.2) ** 2 = 1.44


def test_rotation_turns_either_way_within_its_degrees() -> None:
    torch.manual_seed(0)
    images = torch.zeros(400, 1, 33, 33)
    images[..., 16, :] = 1  # a level line
    turned = jittered(images, rotation=20)[:, 0]
    grid = torch.arange(33.0) - 16
    slope = (turned * grid.view(-1, 1) * grid).sum((1, 2)) / (turned * grid.square()).sum((1, 2))
    angle = slope.atan().rad2deg()
    assert angle.abs().max() <= 21
    assert angle.min() < -15
    assert angle.max() > 15


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GaussianNoise(-1), r"augment\.sigma is -1"),
        (lambda: GaussianNoise(float("nan")), r"augment\.sigma is nan"),
        (lambda: GaussianNoise([20, 10]), r"augment\.sigma is \[20, 10\]"),
        (lambda: GaussianNoise([1, 2, 3]), r"augment\.sigma is \[1, 2, 3\]"),
        (lambda: NoisyCopies([]), r"augment\.sigmas is \[\]"),
        (lambda: NoisyCopies([1], copies=-1), r"augment\.copies is -1"),
        (lambda: Jitter(**(OFF | {"mirror": 2})), r"augment\.mirror is 2"),
        (lambda: Jitter(**(OFF | {"hue": 0.7})), r"augment\.hue is 0\.7; it must be in \[0, 0\.5\]"),
    ],
)
def test_values_out_of_range_are_named(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


def test_the_data_set_tells_the_augmentation_what_may_be_mirrored(
    make_data: Callable[..., ImageData],
) -> None:
    jitter = Jitter(**(OFF | {"mirror": 1.0}))
    make_data(augment=Chain(jitter=jitter)).setup()
    assert jitter.mirror.mirrored.tolist() == [0, 2, 1, -1]
