"""Draw the figures of finished results again, from their tables, and what compares several."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from convstab.attacks.result import AttackResult, on_common_images
from convstab.errors import InputError
from convstab.evaluation.corruption_error import corruption_error
from convstab.evaluation.paired import PAIRED, comparable, paired_csv, paired_markdown
from convstab.evaluation.result import STABILITY, StabilityResult
from convstab.figures import paired
from convstab.figures.comparison import heat_map, lines
from convstab.figures.files import (
    FORMS,
    Named,
    named_attacks,
    named_evaluations,
    of_attack,
    of_attacks,
    of_evaluation,
    of_evaluations,
    run_of,
    save,
)
from convstab.figures.rates import curves
from convstab.files import FIGURES, write_text
from convstab.runs import configuration, directory
from convstab.runs.results import each_once
from convstab.sweeps.comparison import TABLE, Comparison, as_csv
from convstab.sweeps.families import TABLE as FAMILIES
from convstab.sweeps.families import Families, families_csv, families_markdown

RELATIVE = "corruption_error.csv"


def redraw(
    folders: Sequence[Path], level: float | None = None, output: Path | None = None, reference: Sequence[Path] = ()
) -> None:
    """Draw what the tables of each folder show (the strip stays: it needs the images), then what compares them.

    reference: evaluations of another model, under the same degradations, that the errors are set against.
    Raises InputError before anything is drawn when a folder is not whole, or when they cannot be compared.
    """
    kind = kind_of(each_once(folders))
    relative = corruption_error(*map(evaluations_in, (folders, reference))) if reference else None
    configs = [configuration.load_config(folder) for folder in folders]
    if kind == "attack":
        compared, drawn = attacks(folders, configs, level)
    else:
        compared, drawn = evaluations(folders, configs, level)
    for folder, figures in drawn.items():
        for name, figure in figures:
            save(figure, folder / FIGURES / name)
        print(folder / FIGURES)
    target = output or folders[0] / FIGURES
    if len(folders) > 1:
        for name, figure in compared:
            save(figure, target / name)
            print(f"{target / name}.png: {', '.join(map(str, folders))}")
        if kind == "evaluate":
            results = {folder: StabilityResult.read(folder) for folder in folders}
            compare_read(results, target, target)
            print(pair(named_evaluations(results), target, target))
    if relative is not None:
        write_text(target / RELATIVE, relative.as_csv())
        print(relative.table(), target / RELATIVE, sep="\n")


def evaluations_in(folders: Sequence[Path]) -> list[StabilityResult]:
    """The evaluations in these folders; InputError when one is another result, or not whole."""
    if kind_of(each_once(folders)) == "attack":
        raise InputError("--reference sets evaluations against those of another model; these are attacks")
    return [StabilityResult.read(folder) for folder in folders]


def evaluations(
    folders: Sequence[Path], configs: Sequence[Mapping[str, Any]], level: float | None
) -> tuple[Named, dict[Path, Named]]:
    """What compares evaluations, and the figures of each."""
    results = {folder: StabilityResult.read(folder) for folder in folders}
    for result in results.values() if level is not None else ():
        result.degradation.check([level])
    figures = {}
    for folder, config in zip(folders, configs, strict=True):
        joined = {folder: results[folder]} | {other: StabilityResult.read(other) for other in there(config, folder)}
        chosen = config["confusion_level"] if level is None else level
        figures[folder] = of_evaluation(named_evaluations(joined), chosen)
    return of_evaluations(named_evaluations(results)), figures


def attacks(
    folders: Sequence[Path], configs: Sequence[Mapping[str, Any]], level: float | None
) -> tuple[Named, dict[Path, Named]]:
    """What compares attacks, and the figures of each; InputError when they are not of the same run and images."""
    if level is not None:
        raise InputError("--level is the level of a confusion matrix, which an attack does not have")
    results = {folder: AttackResult.read(folder) for folder in folders}
    on_common_images(named_attacks(results))
    figures = {}
    for folder, config in zip(folders, configs, strict=True):
        joined = {folder: results[folder]} | {other: AttackResult.read(other) for other in there(config, folder)}
        figures[folder] = of_attack(named_attacks(joined))
    return of_attacks(named_attacks(results)), figures


def there(config: Mapping[str, Any], folder: Path) -> list[Path]:
    """What was compared with the result in a folder, and still can be; what is gone is said."""
    others = [Path(other) for other in config.get("compare") or []]
    for other in others:
        if not other.is_dir():
            print(f"{other} is not there any more and leaves the figures of {folder}", file=sys.stderr)
    return [other for other in others if other.is_dir()]


def compare_all(folders: Sequence[Path], folder: Path, figures: Path | None = None) -> None:
    """Leave evaluations beside each other: of one model under several degradations, or of different trainings.

    figures: see ``compare``.
    """
    if len(folders) < 2 or not all((one / STABILITY).exists() for one in folders):
        return  # other shards are still at work
    compare_read({one: StabilityResult.read(one) for one in folders}, folder, figures)


def compare_read(results: Mapping[Path, StabilityResult], folder: Path, figures: Path | None = None) -> None:
    """The same of results that have been read, by their folders."""
    if len(set(map(run_of, results))) > 1 or not all(result.protocol.by_psnr for result in results.values()):
        compare(list(results), folder, figures)
        return
    try:
        families = Families(list(results.values()))
    except InputError as error:
        print(f"not compared by their degradations: {error}")
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / FAMILIES, families_csv(families))
    save(curves(named_evaluations(results)), (figures or folder / FIGURES) / "families")
    print(families_markdown(families), (figures or folder / FIGURES) / "families.png", sep="\n")


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


def pair(results: Mapping[str, StabilityResult], folder: Path, figures: Path | None = None) -> str:
    """Set the first evaluation against each other one of the same draws: a table in a folder, a figure, and Markdown.

    figures: where the picture goes; None: in "figures" in the folder. Says which ones are of other draws; where there
    is no pair, those of an earlier start are removed.
    """
    differences, remarks = comparable(results)
    print(*remarks, sep="\n", end="\n" if remarks else "")
    picture = (figures or folder / FIGURES) / "differences"
    if not differences:
        for path in (folder / PAIRED, *(picture.with_suffix(f".{form}") for form in FORMS)):
            path.unlink(missing_ok=True)
        return ""
    write_text(folder / PAIRED, paired_csv(results, differences))
    save(paired.differences(results, differences), picture)
    return paired_markdown(results, differences)


def kind_of(folders: Sequence[Path]) -> str:
    """The command that made the results in these folders; InputError when one holds none, or they differ."""
    kinds = {folder: directory.finished(folder) for folder in folders}
    for folder, kind in kinds.items():
        if kind not in ("evaluate", "attack"):
            raise InputError(f"{folder} does not hold a finished evaluation or attack")
        directory.check_files(folder)
    if len(set(kinds.values())) > 1:
        listed = ", ".join(f"{folder} ({kind})" for folder, kind in kinds.items())
        raise InputError(f"evaluations and attacks cannot be compared: {listed}; draw each kind for itself")
    return str(kinds[folders[0]])
