"""Sums in whole units: against fractions, which round nothing."""

from fractions import Fraction

import torch

from convstab.evaluation.exact import whole, whole_squares


def values() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.cat([torch.rand(300, generator=generator), torch.tensor([0.0, 1.0, 2.0**-31, 3 * 2.0**-31])])


def test_numbers_are_rounded_to_the_nearest_unit() -> None:
    found = values()
    assert whole(found).tolist() == [round(Fraction(value) * 2**30) for value in found.tolist()]
    assert whole(found, 2.0**24).tolist() == [round(Fraction(value) * 2**24) for value in found.tolist()]


def test_squares_are_rounded_and_added_one_by_one() -> None:
    rows = values().view(4, -1)
    squares = (rows * rows).tolist()
    assert whole_squares(rows).tolist() == [sum(round(Fraction(square) * 2**30) for square in row) for row in squares]


def test_sums_are_the_same_in_any_order_and_in_any_company() -> None:
    rows = values().view(8, -1)
    order = torch.randperm(rows.shape[1], generator=torch.Generator().manual_seed(1))
    assert torch.equal(whole_squares(rows), whole_squares(rows[:, order]))
    assert torch.equal(whole_squares(rows), torch.cat([whole_squares(row[None]) for row in rows]))
