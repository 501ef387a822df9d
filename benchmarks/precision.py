"""What bfloat16 changes: the decisions and the accuracy of trained runs, beside those in float32, on the same noise.

python -m benchmarks.precision runs/train/mnist runs/train/gtsrb
python -m benchmarks.precision runs/train/cifar10 --images 2000 --draws 10 --device cuda

bfloat16 is the compiled forward pass, as evaluate.py takes it for what is long. A table for each run. changed: the
share of draws, at one sigma, that the two precisions take for different classes.
agrees: the accuracy in bfloat16 lies within the 95 % interval of that in float32. Intervals take images, not draws, as
the independent units.
"""

import argparse
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from convstab.evaluation.protocol import Protocol
from convstab.evaluation.stability import DegradedBatches
from convstab.exits import bad_input_ends
from convstab.forward.compiled import CompiledPass
from convstab.forward.eager import EagerPass
from convstab.precision import true_float32
from convstab.runs.run import Run, load_run
from convstab.statistics.intervals import Estimate, Floats
from convstab.statistics.rates import accuracy

BATCH = 128


@true_float32()
@torch.inference_mode()
def decisions(run: Run, protocol: Protocol, device: torch.device) -> Iterator[Tensor]:
    """The predicted classes in float32 and in bfloat16, int64 (2, n), of the draws of each batch."""
    model = run.model.to(device)
    passes = EagerPass(model, "float32", device), CompiledPass(model, device, BATCH)
    for images, psnr in DegradedBatches(run.test.pixels.to(device), run.test.ids.tolist(), protocol, BATCH):
        yield torch.stack([forward(images)[: len(psnr)].argmax(1) for forward in passes]).cpu()


def event_rates(events: Tensor, protocol: Protocol) -> Floats:
    """The share of draws under each sigma with an event, (images, levels); events: bool, image by image."""
    by_image = events.view(-1, protocol.draws_per_image).double()
    return torch.stack([part.mean(1) for part in by_image.split(protocol.draws_of, 1)], 1).numpy()


def compare(run: Run, protocol: Protocol, device: torch.device) -> Iterator[str]:
    """The lines of the table of one run."""
    single, half = torch.cat(list(decisions(run, protocol, device)), 1)
    labels = run.test.labels.repeat_interleave(protocol.draws_per_image)
    changed = accuracy(event_rates(single != half, protocol))
    accuracies = [accuracy(event_rates(predicted == labels, protocol)) for predicted in (single, half)]
    within = (accuracies[0].low <= accuracies[1].value) & (accuracies[1].value <= accuracies[0].high)
    yield "| sigma | changed | 95 % | accuracy, float32 | 95 % | accuracy, bfloat16 | 95 % | agrees |"
    yield "|" + "---:|" * 7 + "---|"
    for level, sigma in enumerate(protocol.levels):
        estimates = (cells(estimate, level) for estimate in (changed, *accuracies))
        yield f"| {sigma:g} | {' | '.join(estimates)} | {'yes' if within[level] else 'no'} |"
    noisy = np.array(protocol.degraded)
    if noisy.any():
        over_levels = (f"{estimate.value[noisy].mean():.2%}" for estimate in (changed, *accuracies))
        yield f"| all noise | {' | | '.join(over_levels)} | | |"


def cells(estimate: Estimate, level: int) -> str:
    """A share and its interval in per cent."""
    return f"{estimate.value[level]:.2%} | {100 * estimate.low[level]:.2f}-{100 * estimate.high[level]:.2f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table for each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="+", help="run directories of train")
    parser.add_argument("--root", help="the folder of the data; default: where the training found it")
    parser.add_argument("--images", type=int, default=500, help="of the test set, evenly spaced")
    parser.add_argument("--draws", type=int, default=5, help="for each image and sigma")
    parser.add_argument(
        "--levels", type=float, nargs="+", default=Protocol.levels, help="grey levels; default: the paper's, and 0"
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    options = parser.parse_args(arguments)
    device = torch.device(options.device)
    with bad_input_ends():
        protocol = Protocol(tuple(options.levels), options.draws)
        for name in options.run:
            run = load_run(name, "runs", root=options.root, images=options.images)
            print(f"{run.name}: {len(run.test)} images, {options.draws} draws")
            print(
                f"torch {torch.__version__}, {device}",
                "",
                *compare(run, protocol, device),
                "",
                sep="\n",
                flush=True,
            )


if __name__ == "__main__":
    main()
