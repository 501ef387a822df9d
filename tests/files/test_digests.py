"""Tensors are told apart by all that makes them differ."""

import torch

from convstab.files.digests import digest


def test_digest_sees_names_values_types_and_shapes() -> None:
    base = {"a": torch.arange(6.0), "b": torch.tensor(3)}
    same = {"b": torch.tensor(3), "a": torch.arange(12.0)[::2] / 2}
    others = [
        {**base, "a": torch.arange(6.0).view(2, 3)},
        {**base, "a": torch.arange(6)},
        {**base, "b": torch.tensor(4)},
        {"a": base["a"], "c": base["b"]},
    ]
    assert digest(base) == digest(same)
    assert len({digest(tensors) for tensors in [base, *others]}) == 5
