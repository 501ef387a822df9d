"""A classifier in the way of scikit-learn: rows of numbers in, a probability or a score for each class out."""

from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from convstab.errors import InputError

SCORES = "predict_proba", "decision_function"  # the first that there is


class Estimator(nn.Module):
    """A fitted classifier or pipeline of scikit-learn, or what has the same methods; it gives no gradients.

    Each image is a row, float64 (H W C), as NumPy's ``image.ravel()`` makes it; probabilities are taken, and else
    scores of a decision. Classes that are not named must be the numbers 0 to K - 1: the columns are the labels.
    Raises InputError for one that is not fitted, or that was fitted to other labels.
    """

    def __init__(self, estimator: Any) -> None:
        from joblib import hash as digest  # noqa: PLC0415 - scikit-learn has it, and few models are such

        super().__init__()
        self.estimator, self.method = estimator, next(name for name in SCORES if hasattr(estimator, name))
        content = bytes.fromhex(digest(estimator, hash_name="sha1"))
        self.register_buffer("digest", torch.tensor(list(content), dtype=torch.uint8))  # what tells it from others
        self.classes = names_of(estimator)
        self.eval()

    def __deepcopy__(self, memo: Any) -> Self:
        return self  # it knows no mode, and is not changed

    def forward(self, images: Tensor) -> Tensor:
        """Images, float (N, C, H, W) -> probabilities or scores, (N, K)."""
        rows = images.detach().permute(0, 2, 3, 1).flatten(1).double().cpu().numpy()
        scores = np.asarray(getattr(self.estimator, self.method)(rows))
        if scores.ndim == 1:  # of two classes, how much the second is ahead
            scores = np.stack([np.zeros_like(scores), scores], axis=1)
        return torch.from_numpy(scores).to(images.device, torch.float32)


def is_estimator(thing: Any) -> bool:
    """Whether a thing classifies in the way of scikit-learn."""
    return not isinstance(thing, nn.Module | type) and any(callable(getattr(thing, name, None)) for name in SCORES)


def names_of(estimator: Any) -> tuple[str, ...]:
    """The names of its classes; none where they are numbers; InputError where these are not 0 to K - 1."""
    kind = type(estimator).__name__
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        raise InputError(f"the {kind} has no classes_: it must be fitted before it is tried")
    names = np.asarray(classes)
    if names.dtype.kind in "OSU":
        return tuple(map(str, names.tolist()))
    if not np.array_equal(names, np.arange(len(names))):
        raise InputError(f"the {kind} was fitted to the labels {names.tolist()}; numbers must be 0 to K - 1")
    return ()
