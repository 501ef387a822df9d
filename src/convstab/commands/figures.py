"""Draw results from their tables, without a model: convstab-figures <evaluation or attack folder> [...]."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from omegaconf import DictConfig

from convstab.attacks.result import MINIMUM_NOISE, NOISE, on_common_images
from convstab.degradations.gaussian import check_sigmas
from convstab.errors import InputError
from convstab.evaluation.result import CONFUSION, HISTOGRAM, STABILITY
from convstab.exits import bad_input_ends
from convstab.figures.comparison import heat_map, lines
from convstab.figures.files import (
    Named,
    attacks,
    evaluations,
    of_attack,
    of_attacks,
    of_evaluation,
    of_evaluations,
    save,
)
from convstab.files import FIGURES, write_text
from convstab.runs import configuration
from convstab.sweeps.comparison import TABLE, Comparison, as_csv

FILES = {  # any of them shows the kind
    "attack": (MINIMUM_NOISE, NOISE),
    "evaluation": (STABILITY, CONFUSION, HISTOGRAM),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Redraw the figures of evaluations, or of attacks, in place; of several, also what compares them."""
    parser = argparse.ArgumentParser(prog="convstab-figures", description=main.__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="folder", help="that evaluate.py or attack.py wrote")
    parser.add_argument("--sigma", type=float, help="of the confusion; default: confusion_sigma of the evaluation")
    parser.add_argument("--output", type=Path, help="folder of what compares several; default: that of the first one")
    options = parser.parse_args(arguments)
    with bad_input_ends():
        redraw(options.folders, options.sigma, options.output)


def redraw(folders: Sequence[Path], sigma: float | None = None, output: Path | None = None) -> None:
    """Draw what the tables of each folder show (the strip stays: it needs the images), then what compares them.

    Raises InputError before anything is drawn when a folder is not whole, or when they cannot be compared.
    """
    kind = kind_of(folders)
    check(kind, folders, sigma)
    configs = [configuration.load_config(folder) for folder in folders]
    for folder, config in zip(folders, configs, strict=True):
        for name, figure in drawn(kind, folder, config, sigma):
            save(figure, folder / FIGURES / name)
        print(folder / FIGURES)
    if len(folders) > 1:
        target = output or folders[0] / FIGURES
        comparing = of_attacks(attacks(folders)) if kind == "attack" else of_evaluations(evaluations(folders))
        for name, figure in comparing:
            save(figure, target / name)
            print(f"{target / name}.png: {', '.join(map(str, folders))}")
        if kind == "evaluation":
            compare(folders, target, target)


def compare(folders: Sequence[Path], folder: Path, figures: Path | None = None) -> None:
    """Leave evaluations of different trainings beside each other: a table in a folder, a heat map and lines.

    figures: where the pictures go; None: in "figures" in the folder. Says why there is no comparison, where there is
    none; one folder is the evaluation that several shards have made.
    """
    if len(folders) < 2 or not all((folder / STABILITY).exists() for folder in folders):
        return  # other shards are still at work
    try:
        comparison = Comparison(folders)
    except InputError as error:
        print(f"not compared by their trainings: {error}")
        return
    write_text(folder / TABLE, as_csv(comparison))
    for name, figure in (("heat_map", heat_map(comparison)), ("lines", lines(comparison))):
        save(figure, (figures or folder / FIGURES) / name)
    print(f"trainings x noise levels: {(figures or folder / FIGURES) / 'heat_map'}.png")


def kind_of(folders: Sequence[Path]) -> str:
    """What the folders hold, recognised by their files; InputError when it is nothing, or not the same in all."""
    kinds = []
    for folder in folders:
        there = [kind for kind, names in FILES.items() if any((folder / name).exists() for name in names)]
        if not there:
            raise InputError(f"{folder} does not hold an evaluation or an attack")
        kinds.append(there[0])
    if len(set(kinds)) > 1:
        listed = ", ".join(f"{folder} ({kind})" for folder, kind in zip(folders, kinds, strict=True))
        raise InputError(f"evaluations and attacks cannot be compared: {listed}; draw each kind for itself")
    return kinds[0]


def check(kind: str, folders: Sequence[Path], sigma: float | None) -> None:
    """Raise InputError when the folders are not whole, cannot be compared, or have no use for this sigma."""
    if kind == "evaluation":
        evaluations(folders)
        if sigma is not None:
            check_sigmas([sigma])
    elif sigma is not None:
        raise InputError("--sigma is the level of a confusion matrix, which an attack does not have")
    else:
        on_common_images(attacks(folders))


def drawn(kind: str, folder: Path, config: DictConfig, sigma: float | None) -> Named:
    """The figures of a folder; what joined it when it was made joins it again."""
    joined = [folder, *(other for other in map(Path, config.get("compare") or []) if is_there(other, folder))]
    if kind == "attack":
        return of_attack(joined)
    return of_evaluation(joined, config.confusion_sigma if sigma is None else sigma)


def is_there(other: Path, folder: Path) -> bool:
    """Whether what was compared with the result in a folder still can be; if not, say it."""
    if not other.is_dir():
        print(f"{other} is not there any more and leaves the figures of {folder}", file=sys.stderr)
    return other.is_dir()
