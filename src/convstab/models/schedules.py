"""Learning-rate schedules: (optimiser, steps of the whole training) -> schedule, stepped after every batch."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR


def one_cycle(optimizer: Optimizer, steps: int, warmup: float = 0.15) -> LRScheduler:
    """Rise to the optimiser's rate over a share ``warmup`` in (0, 1) of the steps, then fall to 0 as a cosine."""
    rates = [group["lr"] for group in optimizer.param_groups]
    return OneCycleLR(optimizer, max_lr=rates, total_steps=steps, pct_start=warmup, cycle_momentum=False)


def inverse(optimizer: Optimizer, steps: int, gamma: float = 1e-4, power: float = 0.75) -> LRScheduler:  # noqa: ARG001
    """Caffe's "inv" policy of its LeNet solver: the rate times (1 + gamma * step) ** -power, however many steps."""
    return LambdaLR(optimizer, lambda step: (1 + gamma * step) ** -power)
