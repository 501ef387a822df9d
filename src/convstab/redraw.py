"""Draw evaluations from their tables, without a network: convstab-figures <evaluation folder> [<another> ...]."""

import argparse
import io
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from convstab import figures, runs
from convstab.door import bad_input_ends
from convstab.errors import InputError
from convstab.files import write_bytes
from convstab.noise import check_sigmas
from convstab.results import Result

FIGURES, SUMMARY = "figures", "summary.json"


def main(arguments: Sequence[str] | None = None) -> None:
    """Redraw the figures of evaluations in place; of several, also their curves in one figure."""
    parser = argparse.ArgumentParser(prog="convstab-figures", description=main.__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="folder", help="that evaluate.py has written")
    parser.add_argument("--sigma", type=float, help="of the confusion; default: confusion_sigma of the evaluation")
    parser.add_argument("--output", type=Path, help="folder of the curves of several; default: that of the first one")
    options = parser.parse_args(arguments)
    with bad_input_ends():
        redraw(options.folders, options.sigma, options.output)


def redraw(folders: Sequence[Path], sigma: float | None = None, output: Path | None = None) -> None:
    """Draw what the tables of each folder show (the strip stays: it needs the images), then what compares them.

    Raises InputError before anything is drawn when a folder does not hold an evaluation.
    """
    if sigma is not None:
        check_sigmas([sigma])
    results, configs = by_name(folders), [runs.load_config(folder) for folder in folders]
    for folder, config in zip(folders, configs, strict=True):
        others = [other for other in map(Path, config.compare) if is_there(other, folder)]
        for name, figure in pictures([folder, *others], config.confusion_sigma if sigma is None else sigma):
            save(figure, folder / FIGURES / name)
        print(folder / FIGURES)
    if len(folders) > 1:
        target = (output or folders[0] / FIGURES) / "curves"
        save(figures.curves(results), target)
        print(f"{target}.png: {', '.join(results)}")


def is_there(other: Path, folder: Path) -> bool:
    """Whether an evaluation that joined the curves of another can still do so; if not, say it."""
    if not other.is_dir():
        print(f"{other} is not there any more and leaves the curves of {folder}", file=sys.stderr)
    return other.is_dir()


def pictures(folders: Sequence[Path], sigma: float) -> Iterator[tuple[str, Figure]]:
    """The figures of the evaluation in the first folder, and their names; the others join its curves.

    sigma: level of the confusion, in grey levels.
    """
    results = by_name(folders)
    result = next(iter(results.values()))
    yield "curves", figures.curves(results)
    for number, page in enumerate(figures.scatter_pages(result)):
        yield f"scatter_{number}", page
    yield "confusion", figures.confusion(result, sigma)


def by_name(folders: Sequence[Path]) -> dict[str, Result]:
    """The results in these folders by the names of their runs, or of the folders where runs have the same name."""
    results = [Result.read(folder) for folder in folders]
    for name in (run_of, lambda folder: folder.resolve().name, str):
        names = [name(folder) for folder in folders]
        if len(set(names)) == len(names):
            return dict(zip(names, results, strict=True))
    raise InputError(f"{', '.join(map(str, folders))}: one of these folders is named twice")


def run_of(folder: Path) -> str:
    """The name of the run that was evaluated; InputError when the summary is missing or damaged."""
    try:
        return str(json.loads((folder / SUMMARY).read_text(encoding="utf-8"))["run"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder / SUMMARY} does not say which run was evaluated: {error}") from error


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG and as SVG, byte for byte the same for the same figure; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context({"svg.hashsalt": "convstab"}):  # else the names inside an SVG are random
        for form, metadata in (("png", {}), ("svg", {"Date": None})):
            buffer = io.BytesIO()
            figure.savefig(buffer, format=form, dpi=150, metadata=metadata)
            write_bytes(path.with_name(f"{path.name}.{form}"), buffer.getvalue())
