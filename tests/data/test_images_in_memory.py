"""What ``convstab.Images`` takes and refuses, and images at the edges of what can be evaluated."""

import io
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import convstab as cs
from convstab.images import Images
from convstab.units import FramesAlike

PIXELS = torch.zeros(4, 1, 2, 2, dtype=torch.uint8)
LABELS = [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (None, r"classes are None; they must be a list of names, \(\) where there are none"),
        (3, "classes are 3; they must be a list of names"),
        ("ab", "classes are 'ab'; they must be a list of names"),
        (("a", "b", "a"), "classes hold 'a' twice"),
        ((1, 2), "classes hold 1; a name must be text"),
        (("a", None), "classes hold None; a name must be text"),
        (("a", ""), "classes hold ''; a name must be text, in one line and not empty"),
        (("a\nb", "c"), r"classes hold 'a\\nb'; a name must be text, in one line"),
        (("a\0", "c"), r"classes hold 'a\\x00'; a name must be text"),
        (("\ud800", "c"), r"classes hold '\\ud800'; a name must be text"),
    ],
)
def test_names_of_classes_that_cannot_be_are_one_line(classes: Any, message: str) -> None:
    with pytest.raises(cs.InputError, match=f"^{message}") as error:
        Images(PIXELS, LABELS, classes)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("classes", [[], (), np.array(["a", "b"]), ["speed/limit", "ä ü"]])
def test_names_of_classes_may_have_a_slash_and_come_as_any_list(classes: Sequence[str]) -> None:
    assert Images(PIXELS, LABELS, classes).classes == tuple(classes)


@pytest.mark.parametrize("name", ["labels", "ids", "groups"])
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([2**70, 0, 1, 2], "are not numbers; they must be integers of 64 bits"),
        (np.array([2**64 - 1, 0, 1, 2], np.uint64), "hold 18446744073709551615; the highest integer of 64 bits is"),
        ([float("nan"), 0, 1, 2], "are float32; they must be integers"),
        ([0.0, 1.0, 2.0, 3.0], "are float32; they must be integers"),
        (np.arange(4) + 0j, "are complex128; they must be integers"),
        ([True, False, True, False], "are bool; they must be integers"),
        (["a", "b", "c", "d"], "are not numbers; they must be integers"),
        (np.array(["a", "b", "c", "d"]), "are not numbers; they must be integers"),
        (torch.arange(4).to_sparse(), "are not numbers; they must be integers"),
    ],
)
def test_numbers_that_are_no_integers_of_64_bits_are_one_line(name: str, values: Any, message: str) -> None:
    given: dict[str, Any] = {"labels": LABELS} | {name: values}
    with pytest.raises(cs.InputError, match=f"^{name} {message}") as error:
        Images(PIXELS, **given)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.uint64, np.int8, ">i4", ">u8"])
def test_integers_of_any_kind_are_taken(kind: Any) -> None:
    assert Images(PIXELS, LABELS, ids=np.array([4, 3, 2, 1], kind)).ids.tolist() == [4, 3, 2, 1]


def test_frames_alike_are_no_number() -> None:
    with pytest.raises(cs.InputError, match=r"^alike is 3; it must be"):
        Images(PIXELS, LABELS, alike=3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (torch.rand(4, 1, 2, 2).index_fill(0, torch.tensor(2), float("nan")), "are floats from nan to nan"),
        (torch.full((4, 1, 2, 2), float("inf")), "are floats from inf to inf"),
        (torch.zeros(4, 0, 2, 2), r"are of the shape \(4, 0, 2, 2\): such images have no pixel"),
        (torch.zeros(4, 3, 0, 0, dtype=torch.uint8), r"are of the shape \(4, 3, 0, 0\): such images have no pixel"),
        ("abcd", "are not numbers of one kind"),
        (None, "are not numbers of one kind"),
        (np.zeros((4, 1, 2, 2), object), "are not numbers of one kind"),
        (np.zeros((4, 1, 2, 2), ">f4"), "are not numbers of one kind"),
        (torch.rand(4, 1, 2, 2).to_sparse(), "are a tensor of float32, sparse_coo"),
        (torch.rand(4, 1, 2, 2).to(torch.float8_e4m3fn), "are a tensor of float8_e4m3fn"),
    ],
)
def test_pixels_that_cannot_be_are_one_line(pixels: Any, message: str) -> None:
    with pytest.raises(cs.InputError, match=f"^pixels {message}") as error:
        Images(pixels, LABELS)
    assert "\n" not in str(error.value)


def test_pixels_that_must_not_be_written_or_have_gradients_are_taken_in_silence() -> None:
    fixed = np.zeros((4, 1, 2, 2), np.uint8)
    fixed.setflags(write=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(Images(fixed, LABELS)) == len(Images(torch.rand(4, 1, 2, 2, requires_grad=True), LABELS)) == 4


def test_no_images_are_a_set_of_none_but_nothing_to_evaluate() -> None:
    none = Images(torch.zeros(0, 1, 2, 2), [], alike=FramesAlike(30, 0.5))
    assert len(none.spread(5)) == 0
    with pytest.raises(cs.InputError, match="there are no images; at least one is needed"):
        cs.evaluate(Nearest(2), none, levels=[5])


class Nearest(nn.Module):
    """The class whose grey is nearest to the mean of an image."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.greys = torch.linspace(0, 1, classes)
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        return -((images.flatten(1).mean(1, keepdim=True) - self.greys) ** 2)


def noise(*shape: int) -> Tensor:
    return torch.randint(256, shape, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("pixels", "classes"),
    [
        (torch.full((6, 3, 8, 8), 99, dtype=torch.uint8), 2),
        (noise(1, 3, 8, 8), 2),
        (noise(6, 1, 1, 1), 2),
        (noise(20, 1, 4, 4), 1000),
    ],
    ids=["all equal", "one image", "one pixel", "1,000 classes"],
)
@pytest.mark.parametrize("of_one_class", [False, True])
def test_images_at_the_edge_are_evaluated_without_noise_of_warnings(
    pixels: Tensor, classes: int, of_one_class: bool
) -> None:
    labels = torch.zeros(len(pixels), dtype=torch.int64) if of_one_class else torch.arange(len(pixels)) % classes
    model = Nearest(classes)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = cs.evaluate(model, Images(pixels, labels), levels=[5, 200], draws=3)
        cs.plot(result).savefig(io.BytesIO())
    right = (model(pixels / 255).argmax(1) == labels).double().mean().item()
    assert result.accuracy.value[0] == pytest.approx(right)
    assert result.confusion.sum((1, 2)).tolist() == [len(pixels), 3 * len(pixels), 3 * len(pixels)]


def test_a_model_of_one_class_is_one_line() -> None:
    with pytest.raises(cs.InputError, match=r"the model returns \(4, 1\) for 4 images; .* K >= 2"):
        cs.evaluate(Nearest(1), Images(PIXELS, [0] * 4), levels=[5])


@pytest.mark.parametrize("rows", [slice(None, None, 2), [3, 0], torch.tensor([True, False, False, True])])
def test_some_of_the_images_keep_their_ids_names_groups_and_noise(rows: Any) -> None:
    whole = Images(torch.rand(4, 1, 4, 4), [0, 1, 0, 1], ids=[7, 5, 3, 1], groups=[0, 0, 1, 1], names=list("abcd"))
    some, places = whole[rows], torch.arange(4)[rows]
    assert torch.equal(some.pixels, whole.pixels[places])
    assert (some.ids.tolist(), some.labels.tolist()) == (whole.ids[places].tolist(), whole.labels[places].tolist())
    assert some.groups is not None
    assert whole.groups is not None
    assert some.groups.tolist() == whole.groups[places].tolist()
    assert some.names is not None
    assert some.names.tolist() == [list("abcd")[place] for place in places]
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 2)).eval()
    of_whole, of_some = (cs.evaluate(model, images, levels=[40], draws=5) for images in (whole, some))
    assert of_some.rows["margin_mean"].tolist() == of_whole.by_image("margin_mean")[places].ravel().tolist()
