"""Bounds of whole models: never passed by pairs of images, nor by their own gradients."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from convstab.bounds.lipschitz import pairs
from convstab.errors import InputError
from convstab.models import Aghdam, CifarQuick, LeNet
from convstab.models.classifier import Classifier
from convstab.models.ensemble import Ensemble
from convstab.models.own.trained import OwnClassifier

CLASSES = list("abcd")


def made(kind: type[Classifier], shape: tuple[int, int, int], seed: int = 0, **options: Any) -> Classifier:
    """A model with weights that are larger than random ones usually are, and a normalisation."""
    torch.manual_seed(seed)
    model = kind(shape, CLASSES, **options).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(1.5)
    model.set_statistics(torch.full((shape[0],), 0.4), torch.linspace(0.2, 0.5, shape[0]))
    return model.requires_grad_(False)


MODELS = [
    (LeNet, (1, 28, 28), {}),
    (CifarQuick, (3, 32, 32), {}),
    (CifarQuick, (3, 32, 32), {"pool": "caffe"}),
    (Aghdam, (3, 48, 48), {}),
    (Aghdam, (3, 48, 48), {"slope": 2.0}),
]


def steepest(model: nn.Module, shape: tuple[int, ...]) -> Tensor:
    """How fast the difference of each two logits changes at its fastest, (K, K), seen at random images."""
    found = torch.zeros(len(CLASSES), len(CLASSES), dtype=torch.float64)
    for _ in range(4):
        image = torch.rand(1, *shape, dtype=torch.float64)
        slope = torch.autograd.functional.jacobian(lambda x: model(x)[0], image).flatten(1)
        found = torch.maximum(found, torch.cdist(slope, slope).double())
        others = image + torch.randn(50, *shape, dtype=torch.float64) * torch.logspace(-4, 0, 50)[:, None, None, None]
        moved = (model(others) - model(image)).double()
        speed = moved / (others - image).flatten(1).norm(dim=1, keepdim=True)
        found = torch.maximum(found, (speed[:, :, None] - speed[:, None]).abs().amax(0))
    return found


@pytest.mark.parametrize(("kind", "shape", "options"), MODELS)
def test_no_pair_of_images_and_no_gradient_passes_the_bound(
    kind: type[Classifier], shape: tuple[int, int, int], options: dict[str, Any]
) -> None:
    model = made(kind, shape, **options).double()
    bound = pairs(model, shape)
    assert (steepest(model, shape) <= bound).all()
    assert (bound.diagonal() == 0).all()


def test_linear_layers_are_exact_together_and_so_are_normalisations() -> None:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Flatten(), nn.Linear(48, 9), nn.Sequential(nn.Dropout(), nn.Linear(9, 4))).eval().double()
    image = torch.rand(1, 3, 4, 4, dtype=torch.float64)
    slope = torch.autograd.functional.jacobian(lambda x: layers(x)[0], image).flatten(1)
    torch.testing.assert_close(pairs(layers, (3, 4, 4)), torch.cdist(slope, slope), atol=1e-6, rtol=1e-6)


def test_a_normalisation_makes_a_model_as_much_steeper() -> None:
    model = made(LeNet, (1, 28, 28))
    wide, _ = pairs(model, (1, 28, 28)), model.std.fill_(0.1)
    torch.testing.assert_close(pairs(model, (1, 28, 28)), 2 * wide)


@pytest.mark.parametrize("rule", ["logits", "probabilities"])
def test_an_ensemble_is_not_steeper_than_its_bound(rule: Any) -> None:
    """Of members that disagree as they can: the posterior weights of both classes lie on different members."""
    torch.manual_seed(0)
    members = [nn.Sequential(nn.Flatten(), nn.Linear(12, 4)).eval().double() for _ in range(3)]
    for scale in (0.3, 3, 30):
        with torch.no_grad():
            for member in members:
                next(member.parameters()).normal_(std=scale)
        model = Ensemble(members, rule).eval()
        bound, found = pairs(model, (3, 2, 2)), torch.zeros(4, 4, dtype=torch.float64)
        for _ in range(100):
            image = torch.rand(1, 3, 2, 2, dtype=torch.float64)
            slope = torch.autograd.functional.jacobian(lambda x, model=model: model(x)[0].double(), image).flatten(1)
            found = torch.maximum(found, torch.cdist(slope, slope))
        assert (found <= bound + 1e-4 * scale).all()  # whose members' logits are float32
        assert found.max() > (0.2 * bound).max()


def test_one_member_is_itself() -> None:
    member = made(LeNet, (1, 28, 28))
    assert torch.equal(pairs(Ensemble([member], "vote").eval(), (1, 28, 28)), pairs(member, (1, 28, 28)))


def test_what_ends_without_a_linear_layer_is_told_by_its_logits() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 6, bias=False), nn.Flatten()).eval().double()
    assert (steepest(model, (1, 6, 6)) <= pairs(model, (1, 6, 6))).all()


class Twice(LeNet):
    def forward(self, images: Tensor) -> Tensor:
        return 2 * super().forward(images)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Flatten()

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1) ** 2


def hooked() -> nn.Module:
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 4)).eval()
    model[1].register_forward_hook(lambda _module, _given, found: 2 * found)
    return model


def hooked_whole() -> nn.Module:
    model = made(LeNet, (1, 28, 28))
    model.register_forward_hook(lambda _module, _given, found: 10 * found)
    return model


REFUSED: list[tuple[nn.Module, str]] = [
    (made(Twice, (1, 28, 28)), "no bound for the layer Twice"),
    (nn.Sequential(Block(), nn.Linear(784, 4)).eval(), "no bound for the layer Block"),
    (hooked(), "a layer with hooks, which may do anything"),
    (hooked_whole(), "hooks, which may do anything: LeNet"),
    (nn.Sequential(nn.Flatten(), nn.Dropout(), nn.Linear(784, 4)), "the model is in training mode"),
    (Ensemble([made(LeNet, (1, 28, 28)), made(LeNet, (1, 28, 28), 1)], "vote").eval(), "an ensemble by vote"),
]


@pytest.mark.parametrize(("model", "line"), REFUSED, ids=[line for _, line in REFUSED])
def test_what_has_no_bound_is_refused(model: nn.Module, line: str) -> None:
    with pytest.raises(InputError, match=line):
        pairs(model, (1, 28, 28))


def small() -> nn.Sequential:
    """What the test below has trained: a module of a user's."""
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 4))


def test_a_sequential_of_a_user_that_was_trained_here_has_a_bound() -> None:
    model = OwnClassifier((1, 8, 8), CLASSES, "python", target=f"{__name__}:small").eval().double()
    model.std.fill_(0.5)
    weight = model.net[1].weight  # type: ignore[index]
    torch.testing.assert_close(pairs(model, (1, 8, 8)), 2 * (weight[:, None] - weight[None]).norm(dim=2))


def test_the_channel_with_the_least_spread_is_the_steepest() -> None:
    model = OwnClassifier((4, 4, 4), CLASSES, "python", target=f"{__name__}:small").eval().double()
    model.std.copy_(torch.tensor([0.5, 0.1, 1, 1]).view(4, 1, 1))
    weight = next(model.net.parameters())
    with torch.no_grad():
        weight.view(4, 4, 16)[:, [0, 2, 3]] = 0  # only the second channel counts
    torch.testing.assert_close(pairs(model, (4, 4, 4)), 10 * (weight[:, None] - weight[None]).norm(dim=2))
