"""Class names are compared, whatever their case; another order is refused, or put right when asked to."""

from typing import Any

import pytest
import torch
from torch import nn

from convstab.errors import InputError
from convstab.evaluation.matching import matched

LOGITS = torch.tensor([[1.0, 2.0, 3.0]])


class Fixed(nn.Module):
    """Gives the same logits."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return LOGITS.expand(len(images), 3)


def test_the_same_names_in_another_spelling_are_the_same() -> None:
    model = Fixed()
    assert matched(model, ["Speed_Limit", "STOP", "no-entry"], ["speed limit", "Stop", "No entry"]) is model
    assert matched(model, None, ["a"]) is model
    assert matched(model, (), ["a"]) is model
    assert matched(model, ["a"], ()) is model
    assert matched(model, ["x", "y"], ["a", "b"], "order") is model


def test_another_order_is_refused_with_the_first_mismatch() -> None:
    with pytest.raises(InputError, match=r"class 1 is 'b' of the model and 'C' of the images: .*match=names"):
        matched(Fixed(), ["a", "b", "c"], ["a", "C", "b"])
    with pytest.raises(InputError, match="class 0 is 'zero' of the model and '0' of the images; match=order"):
        matched(Fixed(), ["zero"], ["0"])
    with pytest.raises(InputError, match=r"knows 3 classes \(a, b, c\), the images have 2 \(a, b\)"):
        matched(Fixed(), ["a", "b", "c"], ["a", "b"])


def test_logits_are_put_into_the_order_of_the_images() -> None:
    images = torch.zeros(2, 1, 4, 4)
    assert matched(Fixed(), ["a", "b", "c"], ["c", "a", "b"], "names")(images).tolist() == [[3, 1, 2]] * 2
    assert matched(Fixed(), ["a", "b", "c"], ["C", "a"], "names")(images).tolist() == [[3, 1]] * 2
    assert matched(Fixed().eval(), ["a", "b", "c"], ["c", "b", "a"], "names").training is False


@pytest.mark.parametrize("known", [["a", "b", "c"], ["a", "d", "D"]])
def test_a_class_that_the_model_does_not_know_once_is_named(known: list[str]) -> None:
    with pytest.raises(InputError, match="the model knows no class 'd'; it knows a"):
        matched(Fixed(), known, ["a", "d"], "names")


def test_another_word_is_refused() -> None:
    other: Any = "name"
    with pytest.raises(InputError, match="match is name; it can be names, order"):
        matched(Fixed(), ["a"], ["a"], other)
