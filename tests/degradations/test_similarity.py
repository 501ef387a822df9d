"""PSNR and SSIM, against scikit-image and closed forms."""

import numpy as np
import torch
from skimage.metrics import structural_similarity

from convstab.degradations.similarity import psnr_of_mse, ssim
from tests.degradations.photos import photos


def test_the_psnr_is_that_of_its_formula() -> None:
    found = psnr_of_mse(torch.tensor([255.0**2, 1.0, 0.0]))
    np.testing.assert_allclose(found.numpy(), [0, 48.130804, np.inf], atol=1e-5)


def test_ssim_is_that_of_scikit_image_but_for_the_border() -> None:
    clean = photos(96).float() / 255
    degraded = (clean + 0.1 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0}
    expected = [
        structural_similarity(one.numpy(), other.numpy(), channel_axis=0, **settings)  # type: ignore[no-untyped-call]
        for one, other in zip(degraded, clean, strict=True)
    ]
    np.testing.assert_allclose(ssim(degraded, clean).numpy(), expected, atol=0.02)
    assert max(expected) < 0.9


def test_ssim_of_flat_images_is_that_of_their_means() -> None:
    low, high = torch.full((2, 3, 12, 12), 0.2), torch.full((2, 3, 12, 12), 0.8)
    expected = (2 * 0.2 * 0.8 + 0.01**2) / (0.2**2 + 0.8**2 + 0.01**2)
    torch.testing.assert_close(ssim(low, high), torch.full((2,), expected), atol=1e-4, rtol=0)
    torch.testing.assert_close(ssim(low, low), torch.ones(2))


def test_small_images_have_no_ssim() -> None:
    assert ssim(torch.rand(3, 1, 5, 9), torch.rand(3, 1, 5, 9)).isnan().all()
    assert not ssim(torch.rand(3, 1, 6, 6), torch.rand(3, 1, 6, 6)).isnan().any()
    assert ssim(torch.rand(1, 1, 6, 6), torch.rand(1, 1, 6, 6)).shape == (1,)
