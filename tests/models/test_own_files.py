"""Models that are a file: ONNX by a stand-in of onnxruntime and by itself where it is there, and torch.export."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import convstab as cs
from tests.models.own_nets import CLASSES, Net

IMAGES = torch.rand(5, 1, 28, 28, generator=torch.Generator().manual_seed(0))
NET = Net().eval()


class Session:
    """As onnxruntime has it; it takes what its input says and nothing else."""

    shape: list[Any] = ["batch", 1, 28, 28]  # noqa: RUF012
    kind = "tensor(float)"

    def __init__(self, path: str, providers: list[Any]) -> None:
        assert providers == ["CPUExecutionProvider"]
        if Path(path).read_bytes() != b"onnx":
            raise RuntimeError("INVALID_PROTOBUF\nprotobuf parsing failed")

    def get_inputs(self) -> list[Any]:
        return [SimpleNamespace(name="pixels", shape=self.shape, type=self.kind)]

    def run(self, outputs: Any, given: dict[str, Any]) -> list[Any]:
        assert outputs is None
        (values,) = given.values()
        assert list(given) == ["pixels"]
        assert values.dtype == (np.float16 if self.kind == "tensor(float16)" else np.float32)
        assert not isinstance(self.shape[0], int) or len(values) == self.shape[0]
        with torch.no_grad():
            return [NET(torch.from_numpy(values).float()).numpy(), None]


@pytest.fixture
def onnx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that the stand-in reads."""
    runtime = ModuleType("onnxruntime")
    vars(runtime).update(InferenceSession=Session, get_available_providers=lambda: ["CPUExecutionProvider"])
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    (tmp_path / "net.onnx").write_bytes(b"onnx")
    return tmp_path / "net.onnx"


@pytest.mark.parametrize("batch", ["batch", None, 1, 2, 5, 8])
def test_onnx_gives_the_logits_whatever_its_batch_is(batch: Any, onnx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "shape", [batch, 1, 28, 28])
    model = cs.load_model("onnx", path=onnx, mean=[0.3], std=[0.2])
    assert torch.allclose(model(IMAGES), NET((IMAGES - 0.3) / 0.2), atol=1e-5)
    assert (model.size, model.classes, model.source["path"]) == ((28, 28), (), "net.onnx")
    assert cs.evaluate(model, cs.Images(IMAGES, [0] * 5), levels=[8], draws=2, workers=2).draws


def test_onnx_gives_no_gradients_and_says_which_attacks_need_none(onnx: Path) -> None:
    model = cs.load_model("onnx", path=onnx, mean="none")
    images = cs.Images(IMAGES, model(IMAGES).argmax(1))
    with pytest.raises(cs.InputError, match="ddn needs gradients, and the model gives none; nes, "):
        cs.attack(model, images, "ddn")
    assert len(cs.attack(model, images, "least_level", max_queries=20).norms) == 5


def test_the_names_beside_an_onnx_file_are_its_classes(onnx: Path) -> None:
    beside = onnx.with_suffix(".json")
    beside.write_text(json.dumps({"index2label": {str(place): CLASSES[place] for place in (*range(9, -1, -1),)}}))
    assert cs.load_model("onnx", path=onnx, mean="none").classes == CLASSES
    beside.write_text(json.dumps({"id2label": list(CLASSES)}))
    assert cs.load_model("onnx", path=onnx, mean="none").classes == CLASSES
    assert cs.load_model("onnx", path=onnx, mean="none", classes=["a"]).classes == ("a",)
    beside.write_text("{")
    with pytest.raises(cs.InputError, match=r"net.json does not hold index2label"):
        cs.load_model("onnx", path=onnx, mean="none")


def test_another_file_or_other_weights_beside_it_are_another_model(onnx: Path) -> None:
    first = cs.load_model("onnx", path=onnx, mean="none").source["weights"]
    onnx.with_name("net.onnx.data").write_bytes(b"weights")
    assert cs.load_model("onnx", path=onnx, mean="none").source["weights"] != first


@pytest.mark.parametrize(
    ("shape", "kind", "words"),
    [
        (["batch", 28, 28, 3], "tensor(float)", r"it must take images \(N, C, H, W\)"),
        (["batch", 784], "tensor(float)", r"it must take images \(N, C, H, W\)"),
        (["batch", 1, 28, 28], "tensor(uint8)", r"net.onnx takes tensor\(uint8\); it must take floats"),
    ],
)
def test_onnx_of_another_input_is_refused(
    shape: Any, kind: str, words: str, onnx: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "shape", shape)
    monkeypatch.setattr(Session, "kind", kind)
    with pytest.raises(cs.InputError, match=words):
        cs.load_model("onnx", path=onnx, mean="none")


def test_half_precision_is_given_as_it_is_taken(onnx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "kind", "tensor(float16)")
    assert torch.allclose(cs.load_model("onnx", path=onnx, mean="none")(IMAGES), NET(IMAGES.half().float()))


def test_what_is_no_onnx_file_is_named(onnx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(cs.InputError, match=r"onnx model net.onnx takes no weights"):
        cs.load_model("onnx", path=onnx, weights="x.pt", mean="none")
    onnx.write_bytes(b"noise")
    with pytest.raises(cs.InputError, match="cannot be loaded: RuntimeError: INVALID_PROTOBUF protobuf") as found:
        cs.load_model("onnx", path=onnx, mean="none")
    assert "\n" not in str(found.value)
    with pytest.raises(cs.InputError, match=r"path=nowhere.onnx is not a file"):
        cs.load_model("onnx", path="nowhere.onnx", mean="none")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(cs.InputError, match=r"onnxruntime is needed.*pip install 'convstab\[onnx\]'"):
        cs.load_model("onnx", path=onnx, mean="none")


@pytest.mark.parametrize("fixed", [False, True])
def test_an_exported_program_gives_the_logits_and_gradients(fixed: bool, tmp_path: Path) -> None:
    sides = None if fixed else ({0: torch.export.Dim("batch")},)
    torch.export.save(torch.export.export(NET, (IMAGES[:2],), dynamic_shapes=sides), tmp_path / "net.pt2")
    model = cs.load_model("export", path=tmp_path / "net.pt2", mean=[0.3], std=[0.2])
    assert torch.allclose(model(IMAGES), NET((IMAGES - 0.3) / 0.2), atol=1e-5)
    assert model.size == (28, 28)
    images = cs.Images(IMAGES, model(IMAGES).argmax(1))
    assert cs.evaluate(model, images, levels=[8], draws=2).accuracy.value[0] == 1
    assert len(cs.attack(model, images, "ddn", steps=5).norms) == 5


def test_what_is_no_exported_program_is_named(tmp_path: Path) -> None:
    (tmp_path / "net.pt2").write_bytes(b"noise")
    with pytest.raises(cs.InputError, match=r"net.pt2 is no program of torch.export with one input") as found:
        cs.load_model("export", path=tmp_path / "net.pt2", mean="none")
    assert "\n" not in str(found.value)


@pytest.mark.skipif(find_spec("onnxruntime") is None or find_spec("onnx") is None, reason="onnx is not there")
def test_a_real_onnx_file(tmp_path: Path) -> None:
    torch.onnx.export(NET, (IMAGES[:2],), tmp_path / "net.onnx", dynamo=False)
    model = cs.load_model("onnx", path=tmp_path / "net.onnx", mean=[0.3], std=[0.2])
    assert torch.allclose(model(IMAGES), NET((IMAGES - 0.3) / 0.2), atol=1e-4)
