"""An own model that is trained here, and ends in a run like any other."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import torch
from torch import Tensor

from convstab.errors import InputError
from convstab.models.classifier import Classifier
from convstab.models.own.architectures import to_train
from convstab.models.own.found import Found
from convstab.models.own.kinds import OF_LIBRARIES, OF_RUNS
from convstab.models.own.load import ANY, as_size, name_of
from convstab.models.own.normalisation import Given, Normalisation, normalisation_of, own_normalisation
from convstab.models.own.trial import layout_of
from convstab.models.own.weights import load_weights
from convstab.models.own.wrapper import check_size, count, logits_of


class OwnClassifier(Classifier):
    """Any module that makes logits of images, trained as the architectures of the paper are.

    shape: (C, H, W) of one image. classes: the K class names, in the order of the labels.
    kind, where: of own model, and where it is, see ``convstab.load_model``: python, timm, hf or torchvision.
    weights: a file that the training starts from; None: those it comes with, or random ones.
    mean, std: of the images that its weights have learnt, or "none": it normalises inside; None: its own where it has
        one (a python module's ``pretrained_cfg``, an hf folder's processor: with random weights as well), and else, if
        its weights are random, those of the training images. What a python function returns counts as random: mean and
        std of weights that it has loaded itself are to be said.
    size: pixels that it takes, S or (H, W), or "any"; None: what it can take.
    training: see ``Classifier``.
    Raises InputError for a module that cannot be made, or does not give logits of these classes for such images.
    """

    def __init__(
        self,
        shape: Sequence[int],
        classes: Sequence[str],
        kind: str,
        weights: str | None = None,
        mean: Given = None,
        std: Given = None,
        size: int | Sequence[int] | str | None = None,
        optimizer: Any = None,
        schedule: Any = None,
        **where: Any,
    ) -> None:
        super().__init__(shape, classes, optimizer, schedule)
        check_size(None if size == ANY else as_size(size), self.shape[1:], "the images")
        found = to_train(kind, where, self.shape, self.classes)
        if weights is not None:
            load_weights(found.model, weights)
        self.normalisation = known(found, weights is not None, mean, std)
        if self.normalisation is not None:
            self.normalise(self.normalisation)
        self.hparams.update(found.source)
        self.layout = layout_of(found.model, self.shape, len(self.classes), name_of(found.source))
        self.net = found.model.to(memory_format=self.layout)  # type: ignore[call-overload]
        self.train()  # Lightning leaves modules in the mode that they are in

    @classmethod
    def remade(cls, hparams: Mapping[str, Any], trust: Sequence[str] = ()) -> Self:
        """Made again for the weights of a checkpoint, from what it says of itself, which may come from anywhere.

        trust: the functions of users that may be called.
        Raises InputError for a function that is not among them.
        """
        kind, target = hparams["kind"], hparams.get("target")
        if kind == "python" and target not in trust:
            raise InputError(
                f"its model is made by {target}, which is code that loading it would run; "
                f"where that is your own, say trust={target}"
            )
        where = {name: hparams[name] for name in OF_RUNS[kind]}
        anything = "none"  # its mean and std are in the checkpoint, whatever the module says of itself
        return cls(hparams["shape"], hparams["classes"], kind, mean=anything, **where)

    def normalise(self, normalisation: Normalisation) -> None:
        """Normalise so, whatever the training images are."""
        for values, own in ((normalisation.mean, self.mean), (normalisation.std, self.std)):
            if len(values) not in (1, self.channels):
                raise InputError(f"the images have {count(self.channels)}, and mean and std are of {len(values)}")
            own.copy_(torch.tensor(values).view(-1, 1, 1).expand_as(own))

    def set_statistics(self, mean: Tensor, std: Tensor) -> None:
        """Normalise with these training statistics, where the model has no normalisation of its own."""
        if self.normalisation is None:
            super().set_statistics(mean, std)

    def forward(self, images: Tensor) -> Tensor:
        """Images in [0, 1], float (N, C, H, W) -> logits (N, K)."""
        normalised = (images - self.mean) / self.std
        logits: Tensor = logits_of(self.net(normalised.to(memory_format=self.layout)))  # also the strides of 1 channel
        return logits

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Move or convert what is in it; a net that takes no channels last stays as it is, whoever asks for them."""
        super()._apply(fn if self.layout == torch.channels_last else flat(fn), recurse)  # type: ignore[no-untyped-call]
        return self


def flat(fn: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The function for tensors in the contiguous format, whose memory format it cannot change.

    Nor can it for a moment, as with a change that is undone: other threads may be asking the same net.
    """
    return lambda tensor: fn(tensor.flatten()).view(tensor.shape) if tensor.ndim > 3 else fn(tensor)


def known(found: Found, weights: bool, mean: Given, std: Given) -> Normalisation | None:
    """What a user says, else what the weights have learnt; None: the weights are random, and nothing is known.

    weights: whether those of a file have taken the place of its own.
    Raises InputError for weights of a file or a library of which it is not known.
    """
    usual = found.normalisation or own_normalisation(found.model)
    brought = found.source["kind"] not in OF_LIBRARIES or (found.trained and not weights)
    if mean is None and std is None and not (weights or found.trained) and not (brought and usual):
        return None
    return normalisation_of(mean, std, usual if brought else None, name_of(found.source), usual)
