"""Models that are a file: ONNX, and what ``torch.export`` has saved."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from convstab.errors import InputError
from convstab.models.own.found import Found
from convstab.packages import need, one_line

TYPES = {"tensor(float)": torch.float32, "tensor(float16)": torch.float16, "tensor(double)": torch.float64}
LABELS = "index2label", "id2label"  # in the JSON file beside it: {"0": "cat", ...}, or a list


class Batched(nn.Module):
    """A model that may take batches of one size only.

    batch: that size; the last batch is filled up. None: any. It knows no mode, and a copy of it is itself.
    """

    def __init__(self, batch: int | None) -> None:
        super().__init__()
        self.batch = batch
        self.eval()

    def __deepcopy__(self, memo: Any) -> "Batched":
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, K)."""
        if self.batch is None or len(images) == self.batch:
            return self.ask(images)
        return torch.cat(list(self.in_batches(images, self.batch)))[: len(images)]

    def in_batches(self, images: Tensor, size: int) -> Iterator[Tensor]:
        """The logits, batch by batch."""
        for part in images.split(size):
            yield self.ask(torch.cat([part, part[-1:].expand(size - len(part), *part.shape[1:])]))

    def ask(self, images: Tensor) -> Tensor:
        """The logits of one batch that it can take."""
        raise NotImplementedError


class Onnx(Batched):
    """A session of onnxruntime; it gives no gradients."""

    def __init__(self, session: Any) -> None:
        given = session.get_inputs()[0]
        super().__init__(given.shape[0] if isinstance(given.shape[0], int) else None)
        self.session, self.name, self.number = session, given.name, TYPES[given.type]

    def ask(self, images: Tensor) -> Tensor:
        """The logits of one batch, through NumPy."""
        values = images.detach().to("cpu", self.number).contiguous().numpy()
        return torch.from_numpy(self.session.run(None, {self.name: values})[0]).to(images.device)


class Exported(Batched):
    """A program of ``torch.export``, on the device of the images."""

    def __init__(self, program: Any, batch: int | None) -> None:
        super().__init__(batch)
        self.program, self.placed = program, dict[torch.device, Any]()

    def ask(self, images: Tensor) -> Any:
        """What it gives for one batch."""
        if images.device not in self.placed:
            from torch.export.passes import move_to_device_pass  # noqa: PLC0415  # slow to load

            program = self.program
            if images.device.type != "cpu":
                program = move_to_device_pass(program, images.device)
            module = program.module()
            for weight in module.parameters():
                weight.requires_grad_(False)
            self.placed[images.device] = module
        return self.placed[images.device](images.contiguous())


def of_onnx(path: str | Path) -> Found:
    """A model in ONNX's format: its first input takes (N, C, H, W), its first output is logits."""
    file, runtime = there(path), need("onnxruntime", "onnx")
    available = runtime.get_available_providers()
    fast = [("CUDAExecutionProvider", {"use_tf32": 0})] if "CUDAExecutionProvider" in available else []
    try:
        session = runtime.InferenceSession(str(file), providers=[*fast, "CPUExecutionProvider"])
    except Exception as error:
        raise InputError(f"{path} cannot be loaded: {one_line(error)}") from error
    given = session.get_inputs()[0]
    shape, kind = list(given.shape), given.type
    if len(shape) != 4 or (shape[3] in (1, 3) and shape[1] not in (1, 3)):
        raise InputError(f"{path} takes {shape}; it must take images (N, C, H, W): export it with channels first")
    if kind not in TYPES:
        raise InputError(f"{path} takes {kind}; it must take floats: export it without the conversion of pixels")
    return found(Onnx(session), "onnx", file, shape)


def of_export(path: str | Path) -> Found:
    """A program that ``torch.export.save`` has written; it takes (N, C, H, W) and gives logits."""
    file = there(path)
    try:
        program = torch.export.load(file)
        (name,) = program.graph_signature.user_inputs
        node = next(node for node in program.graph.nodes if node.name == name)
        shape = [side if isinstance(side, int) else None for side in node.meta["val"].shape]
    except Exception as error:
        raise InputError(f"{path} is no program of torch.export with one input: {one_line(error)}") from error
    if len(shape) != 4:
        raise InputError(f"{path} takes a tensor of {len(shape)} axes; it must take images (N, C, H, W)")
    return found(Exported(program, shape[0]), "export", file, shape)


def found(model: Batched, kind: str, file: Path, shape: list[Any]) -> Found:
    """What is known of such a model."""
    height, width = (side if isinstance(side, int) else None for side in shape[2:])
    size = (height, width) if height is not None and width is not None else None
    source = {"kind": kind, "path": file.name, "weights": digest_of(file)}
    return Found(model, source, classes=labels_beside(file), size=size)


def there(path: Any) -> Path:
    """A file; InputError when it is none."""
    if not isinstance(path, str | Path) or not Path(path).is_file():
        raise InputError(f"path={path} is not a file")
    return Path(path)


def digest_of(file: Path) -> str:
    """SHA-256 of a file, and of the weights that ONNX keeps beside it."""
    result = sha256()
    for one in (file, file.with_name(f"{file.name}.data"), file.with_name(f"{file.name}_data")):
        if one.is_file():
            with one.open("rb") as content:
                while piece := content.read(2**20):
                    result.update(piece)
    return result.hexdigest()


def labels_beside(file: Path) -> tuple[str, ...]:
    """The class names in net.json beside net.onnx, where there are any; InputError when it cannot be read."""
    beside = file.with_suffix(".json")
    if not beside.is_file():
        return ()
    try:
        content = json.loads(beside.read_text(encoding="utf-8"))
        names: Any = next((content[name] for name in LABELS if name in content), [])
        return tuple(str(names[key]) for key in sorted(names, key=int)) if isinstance(names, dict) else tuple(names)
    except (ValueError, TypeError) as error:
        raise InputError(f"{beside} does not hold index2label, names by their numbers: {one_line(error)}") from error
