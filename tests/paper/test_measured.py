"""Changes, medians and ratios: closed forms, exact coverage, and the tests that statisticians use."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, binomtest, multinomial

from convstab.paper import measured
from tests.support.made_up_evidence import attacked, evaluation, under_noise

RNG = np.random.default_rng(0)


def coverage(images: int, up: float, down: float) -> float:
    """How often the interval covers the truth when images rise by 1 and fall by 1 with these chances: exactly."""
    ups, downs = (binom.interval(1 - 1e-7, images, chance) for chance in (up, down))
    covered = 0.0
    for risen in range(int(ups[0]), int(ups[1]) + 1):
        for fallen in range(int(downs[0]), min(int(downs[1]), images - risen) + 1):
            changes = np.repeat([1.0, -1.0, 0.0], [risen, fallen, images - risen - fallen])
            found = measured.mean_change(changes)
            if found.low <= up - down <= found.high:
                covered += multinomial.pmf([risen, fallen, images - risen - fallen], images, [up, down, 1 - up - down])
    return covered


@pytest.mark.parametrize(
    ("images", "up", "down"),
    [(200, 0.15, 0.1), (100, 0.5, 0.4), (10_000, 0.0005, 0), (10_000, 0.00025, 0.00025), (10_000, 0.0005, 0.0001)],
)
def test_intervals_of_changes_cover_the_truth(images: int, up: float, down: float) -> None:
    assert coverage(images, up, down) > 0.93


def test_intervals_of_many_changes_are_no_wider_than_they_must() -> None:
    assert coverage(200, 0.15, 0.1) < 0.97
    assert coverage(100, 0.5, 0.4) < 0.97


@pytest.mark.parametrize(("up", "down"), [(4, 0), (6, 0), (8, 0), (9, 1), (5, 4), (12, 8), (30, 10), (15, 10)])
def test_a_change_is_sure_where_the_sign_test_says_so(up: int, down: int) -> None:
    found = measured.mean_change(np.repeat([1.0, -1.0, 0.0], [up, down, 5000 - up - down]))
    assert (found.low > 0) == (binomtest(up, up + down).pvalue < 0.05)
    opposite = measured.mean_change(np.repeat([-1.0, 1.0, 0.0], [up, down, 5000 - up - down]))
    assert (opposite.low, opposite.high) == pytest.approx((-found.high, -found.low))
    negative = -found
    assert (negative.value, negative.low, negative.high) == (-found.value, -found.high, -found.low)


def test_no_change_in_any_image_is_not_certainty() -> None:
    found = measured.mean_change(np.zeros(100))
    assert found.value == 0
    end = binomtest(0, 100).proportion_ci(method="exact").high
    assert (found.low, found.high) == pytest.approx((-end, end))
    assert np.isnan(measured.mean_change(np.zeros(0)).value)


def test_intervals_of_medians_cover_the_truth_95_times_in_100() -> None:
    values = np.sort(RNG.exponential(size=(2000, 50)), axis=1)
    found = [measured.median(row) for row in values]
    covered = np.mean([one.low <= np.log(2) <= one.high for one in found])
    place = binom.ppf(0.025, 50, 0.5)
    exact = 1 - 2 * binom.cdf(place - 1, 50, 0.5)
    assert exact >= 0.95
    assert covered == pytest.approx(exact, abs=0.015)


def test_medians_of_few_images_have_no_end_and_failures_are_infinite() -> None:
    fifty = measured.median(RNG.permutation(np.arange(1.0, 51)))
    assert (fifty.value, fifty.low, fifty.high) == (25, 18, 33)  # as in tables of the sign test
    few = measured.median(np.array([1.0, 2, 3]))
    assert (few.value, few.low, few.high) == (2, -np.inf, np.inf)
    failed = measured.median(np.array([1.0] * 10 + [np.inf] * 11))
    assert (failed.value, failed.low, failed.high) == (np.inf, 1, np.inf)


def test_paired_differences_are_of_the_images_and_the_noise_that_both_have() -> None:
    first = evaluation(np.array([[1, 0.5, 0.1], [1, 1, 0.1], [1, 0, 0.1]]), levels=(0, 1, 5), index=[2, 4, 7]).result
    rates = np.array([[1, 1, 0.3], [1, 0.5, 0.3], [0, 0, 0.3]])
    second = evaluation(rates, levels=(0, 1, 8), index=[4, 7, 9], labels=[1, 2, 0]).result
    found = measured.paired(first, second)
    assert found is not None
    assert found.images == 2
    assert found.value == pytest.approx((0 + 0.5) / 2)
    assert measured.paired(first, evaluation(rates, levels=(0, 1, 8), index=[8, 9, 11]).result) is None
    assert measured.paired(first, evaluation(rates, levels=(0, 2, 8), index=[2, 4, 7]).result) is None
    assert measured.paired(first, evaluation(rates, levels=(0, 1, 8), index=[2, 4, 7], labels=[3, 1, 2]).result) is None


def test_least_noise_is_that_of_all_images_that_were_attacked() -> None:
    result = attacked([1.0, 3.0, None, 2.0, 7.0]).result
    result = replace(result, rows=result.rows | {"attacked": np.array([True, True, True, True, False])})
    found = measured.least_noise(result)
    assert (found.l2.value, found.l2.images, found.success, found.l2_90) == (2, 4, 3, np.inf)
    assert measured.least_noise(attacked(list(range(1, 11))).result).l2_90 == 9
    assert found.rms == pytest.approx(2 * 255 / 48**0.5)  # 48 pixels
    assert found.psnr.value == pytest.approx(-10 * np.log10(4 / 48))  # of the mean square in [0, 1]
    assert (found.psnr.low, found.psnr.high) == (-np.inf, np.inf)  # too few images for an interval of the norm
    many = measured.least_noise(attacked([float(norm) for norm in range(1, 51)]).result)
    assert (many.psnr.low, many.psnr.high) == pytest.approx((-10 * np.log10(33**2 / 48), -10 * np.log10(18**2 / 48)))


def test_ratios_are_image_by_image() -> None:
    first, second = (attacked(norms).result for norms in ([1.0, 2, None, None, 4], [2.0, 4, 5, None, None]))
    found = measured.noise_ratio(first, second)
    assert found is not None
    assert (found.value, found.images) == (2, 4)  # of 0 (infinite to finite), 2, 2, infinite
    other = replace(second, pixels=second.pixels + 1)
    assert measured.noise_ratio(first, other) is None


def test_a_fall_that_ends_again_is_no_beginning() -> None:
    shares = [0.05] + [0.2] + [0.05] * 6 + [0.2] * 4  # at sigma 2, then from 25 on
    found = measured.first_drop(evaluation(under_noise(0.05, shares)).result)
    assert found is not None
    assert found[0] == 25
    assert found[1].value == pytest.approx(0.15)
