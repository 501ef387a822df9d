"""Which questions a verifier is asked: image by image, and by the distance within which it shall look."""

import csv
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from torch import nn

from convstab.attacks.result import AttackResult
from convstab.bounds.export import write_onnx
from convstab.bounds.guide import ABCROWN, GUIDE
from convstab.bounds.vnnlib import question
from convstab.errors import InputError
from convstab.files import write_text
from convstab.files.csv_text import csv_text
from convstab.images import WHITE, Images
from convstab.statistics.intervals import Floats
from convstab.validation import FRACTION, Limit, check_limit, is_number

MODEL, INSTANCES, QUESTIONS = "model.onnx", "instances.csv", "questions.csv"
README, SETTINGS = "README.md", "abcrown.yaml"
RADIUS = Limit(lambda value: is_number(value) and 0 < value <= WHITE, f"a number of grey levels above 0, up to {WHITE}")
SECONDS = Limit(lambda value: is_number(value) and value > 0, "a number of seconds above 0")


@dataclass(frozen=True)
class Question:
    """Whether a model decides otherwise for an image that differs by at most so much in each pixel.

    image: id. label: its class, a number. radius: grey levels, six digits. attack: the least L-infinity norm of what
    an attack found for the image, in grey levels; infinite: it found nothing; NaN: there was none.
    """

    image: int
    label: int
    radius: float
    attack: float

    @property
    def file(self) -> str:
        """Its file in the folder."""
        return f"vnnlib/image_{self.image}_radius_{self.radius:g}.vnnlib"


def nearest(attack: AttackResult) -> Floats:
    """The least L-infinity norm that an attack found for each image, as it is or of 8 bits, in grey levels, (n,)."""
    kinds = [(attack.rows[f"success{kind}"], attack.rows[f"max{kind}"]) for kind in ("", "_rounded")]
    return np.minimum(*(np.where(success, norm, np.inf) for success, norm in kinds))


def by_radii(images: Images, found: Floats, radii: Sequence[float]) -> list[Question]:
    """A question for each image and radius, in grey levels; found: see ``Question.attack``, (n,)."""
    for radius in radii:
        check_limit("radius", radius, RADIUS)
    return asked(images, found, np.array([radii] * len(images)))


def by_shares(images: Images, found: Floats, shares: Sequence[float]) -> list[Question]:
    """A question for each image that an attack made fail, for shares of its L-infinity norm: there all is open."""
    for share in shares:
        check_limit("share", share, FRACTION)
    known = np.flatnonzero(np.isfinite(found))
    if not len(known):
        raise InputError("a share is one of what an attack found, which is nothing here: give a radius")
    return asked(images[known], found[known], found[known, None] * np.array(shares))


def asked(images: Images, found: Floats, radii: Floats) -> list[Question]:
    """The questions of radii (images, radii), each once."""
    ids, labels = images.ids.tolist(), images.labels.tolist()
    rounded = [sorted({float(f"{radius:.6g}") for radius in row}) for row in radii.tolist()]
    rows = zip(ids, labels, found.tolist(), rounded, strict=True)
    return [Question(image, label, radius, norm) for image, label, norm, some in rows for radius in some]


def write(folder: Path, model: nn.Module, images: Images, questions: Sequence[Question], timeout: float = 300) -> None:
    """Write what a verifier takes: model.onnx, a file for each question, instances.csv; and questions.csv for later.

    Args:
        folder: is made.
        model: images in [0, 1] -> logits; on the CPU, in evaluation mode. It decides for the labels.
        images: those of the questions, with their classes.
        questions: see ``by_radii`` and ``by_shares``.
        timeout: seconds that a verifier has for each.

    Raises:
        InputError: as ``write_onnx`` does, or a timeout that is none.

    >>> import tempfile, torch
    >>> images = Images(torch.rand(2, 1, 4, 4), [0, 1], classes=("cat", "dog"))
    >>> [question.file for question in by_radii(images, np.full(2, np.nan), [0.5])]
    ['vnnlib/image_0_radius_0.5.vnnlib', 'vnnlib/image_1_radius_0.5.vnnlib']
    """
    check_limit("timeout", timeout, SECONDS)
    (folder / "vnnlib").mkdir(parents=True, exist_ok=True)
    write_onnx(model, images.pixels, folder / MODEL)
    rows = {int(place): row for row, place in enumerate(images.ids)}
    for one in questions:
        about = f"image {one.image}, label {one.label}, within {one.radius:g} of 255 grey levels in each pixel"
        pixels = images.pixels[rows[one.image]].numpy()
        write_text(folder / one.file, question(pixels, one.label, len(images.classes), one.radius, about))
    lines = (f"{MODEL},{one.file},{timeout:g}\n" for one in questions)
    write_text(folder / INSTANCES, "".join(lines))
    head = [field.name for field in fields(Question)]
    write_text(folder / QUESTIONS, csv_text(head, map(astuple, questions)))
    for name, text in ((SETTINGS, ABCROWN), (README, GUIDE)):
        write_text(folder / name, text)


def read(folder: Path) -> list[Question]:
    """The questions that ``write`` left in a folder; InputError where there are none."""
    path = folder / QUESTIONS
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return [
                Question(int(row["image"]), int(row["label"]), float(row["radius"]), float(row["attack"]))
                for row in csv.DictReader(file)
            ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not what convstab-instances writes: {error}") from error
