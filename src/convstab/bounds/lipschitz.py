"""How fast the difference of two logits can change, over all images: the product of bounds of the layers."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from convstab.bounds.layers import ROUNDED_UP, Size, lipschitz
from convstab.errors import InputError
from convstab.models.classifier import Classifier
from convstab.models.ensemble import Ensemble
from convstab.models.own.trained import OwnClassifier


def pairs(model: nn.Module, size: Size) -> Tensor:
    """Lipschitz constants of the differences of logits, or proven upper bounds of them, float64 (K, K).

    Of a chain of layers: the product of those of all but the last linear ones, times the distance of two rows of
    what the last ones multiply by: |f_a(x) - f_b(x) - f_a(y) + f_b(y)| <= pairs[a, b] |x - y|. Of an ensemble that
    averages logits: the mean of its members. Of one that averages probabilities p = softmax: the gradient of the
    logarithm of their mean is a mean over members of grad f_a - sum_c p_c grad f_c, whose norm is at most the
    greatest pairs[a, c]; so pairs are at most the sum of those of a and of b, of the worst member.

    Args:
        model: images in [0, 1] -> logits; in evaluation mode. An nn.Sequential, a ``Classifier`` around one, or an
            ``Ensemble`` of such that averages.
        size: (C, H, W) of an image.

    Raises:
        InputError: a layer, or an ensemble, for which no bound is known.

    Source: Szegedy et al., ICLR 2014, section 4.3; the last layer as in Tsuzuku, Sato and Sugiyama, NeurIPS 2018.

    >>> line = nn.Linear(4, 2)
    >>> _ = line.weight.data.copy_(torch.tensor([[3.0, 0, 0, 0], [0, 4, 0, 0]]))
    >>> pairs(nn.Sequential(nn.Flatten(), line).eval(), (1, 2, 2))[0, 1].item()
    5.0000...
    """
    if any(module.training for module in model.modules()):
        raise InputError("the model is in training mode: call model.eval() first")
    if not all(weight.isfinite().all() for weight in model.parameters()):
        raise InputError("the model has weights that are infinite or not a number")
    check_hooks(model)
    if isinstance(model, Ensemble):
        return of_ensemble(model, size)
    steepness, layers = 1.0, model
    if isinstance(model, Classifier) and type(model).forward in (Classifier.forward, OwnClassifier.forward):
        steepness, layers = float(1 / model.std.min()), model.net
    last, rest = head(list(chain(layers)))
    for layer in rest:
        steepness *= lipschitz(layer, size)
        size = size_after(layer, size)
    last = torch.eye(size[0], dtype=torch.float64) if last is None else last  # no linear layer ends it
    apart: Tensor = (last[:, None] - last[None]).norm(dim=2)
    return apart * steepness * ROUNDED_UP


def of_ensemble(model: Ensemble, size: Size) -> Tensor:
    """Those of an ensemble, see ``pairs``."""
    members = torch.stack([pairs(member, size) for member in model.members])
    if len(members) == 1:
        return members[0]
    if model.rule == "logits":
        return members.mean(0)
    if model.rule == "probabilities":
        worst = members.amax((0, 2))
        return worst[:, None] + worst[None]
    raise InputError(f"there is no bound for an ensemble by {model.rule}: a vote changes at once")


def check_hooks(module: nn.Module) -> None:
    """Raise InputError for a module with hooks."""
    if module._forward_hooks or module._forward_pre_hooks:
        raise InputError(f"there is no bound for a layer with hooks, which may do anything: {module}")


def chain(module: nn.Module) -> Iterator[nn.Module]:
    """The layers that come one after another, those within others as well."""
    check_hooks(module)
    if type(module) is nn.Sequential:
        for layer in module:
            yield from chain(layer)
    else:
        yield module


def head(layers: list[nn.Module]) -> tuple[Tensor | None, list[nn.Module]]:
    """The matrix that the linear layers at the end multiply by together, None without any; and what is before them."""
    last, rest = None, list(layers)
    while rest and type(rest[-1]) in (nn.Linear, nn.Dropout, nn.Identity):
        layer = rest.pop()
        if isinstance(layer, nn.Linear):
            weight = layer.weight.detach().double()
            last = weight if last is None else last @ weight
    return last, rest


@torch.inference_mode()
def size_after(layer: nn.Module, size: Size) -> Size:
    """The size of what a layer gives, without the batch."""
    weight = next(layer.parameters(), torch.empty(0))
    return tuple(layer(torch.zeros(1, *size, dtype=weight.dtype, device=weight.device)).shape[1:])
