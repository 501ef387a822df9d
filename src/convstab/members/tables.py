"""An ensemble beside its members, as tables: a row for each level."""

from collections.abc import Iterator

import numpy as np

from convstab.evaluation.cells import NOT_DEFINED, as_cell, difference_cells, estimate_cells, in_percent, level_in_words
from convstab.files.csv_text import csv_text
from convstab.files.markdown_text import markdown_text
from convstab.members.members import Members
from convstab.members.sentences import sentences
from convstab.statistics.intervals import Estimate, Floats
from convstab.statistics.rates import mean_of_drawn

OF_MEMBERS = "members: mean", "least", "greatest"


def as_markdown(members: Members) -> str:
    """Accuracies, flips, and sentences on what may be said of them."""
    tables = markdown_text(*accuracies(members)), markdown_text(*flips(members))
    return "\n".join([*tables, *(f"{line}\n" for line in sentences(members))])


def accuracies(members: Members) -> tuple[list[str], list[list[str]]]:
    """The accuracy of the members and of the ensemble, and what the ensemble gains: head and rows."""
    ensemble = members.ensemble
    head = [ensemble.label, *OF_MEMBERS, "ensemble", "- mean", "95 %", "- best", "95 %"]
    rows = []
    for place, level in enumerate(ensemble.levels):
        row = [level_in_words(level), *spread(members.accuracies[:, place])]
        row.append(in_percent(ensemble.accuracy.value[place]))
        row += [*difference_cells(members.over_mean, place), *difference_cells(members.over_best, place)]
        rows.append(row)
    return head, rows


def flips(members: Members) -> tuple[list[str], list[list[str]]]:
    """Flips of the common images, how alike the members flip, and what independent members would do: head and rows."""
    head = [members.ensemble.label, *OF_MEMBERS, "ensemble", "correlation (95 %)", "independent vote", "between"]
    head += ["- ensemble", "95 %"]
    low, high = members.independent_limits
    vote = mean_of_drawn(members.independent.T)
    rows = []
    for place in np.flatnonzero(members.ensemble.degraded).tolist():
        row = [level_in_words(members.ensemble.levels[place]), *spread(members.flip_rates[:, place])]
        row += [in_percent(members.ensemble_flips.value[place]), correlation_cell(members.correlation, place)]
        row += [in_percent(vote[place]), estimate_cells(Estimate(vote, low, high), place)[1]]
        rows.append([*row, *difference_cells(members.beyond, place)])
    return head, rows


def spread(values: Floats) -> Iterator[str]:
    """Mean, least and greatest of the members, in per cent."""
    return map(in_percent, (values.mean(), values.min(), values.max()))


def correlation_cell(found: Estimate, place: int) -> str:
    """A correlation with its interval; a dash where it is not defined, and where too few units tell an interval."""
    value, low, high = (ends[place] for ends in (found.value, found.low, found.high))
    if np.isnan(value):
        return NOT_DEFINED
    return f"{value:.2f} ({NOT_DEFINED if np.isnan(low) else f'{low:.2f} to {high:.2f}'})"


def columns(members: Members) -> dict[str, Floats]:
    """The columns of members.csv, each (levels,)."""
    ensemble = members.ensemble
    drawn = (ensemble.by_image("draws") > 0)[members.common].sum(0)
    found: dict[str, Floats] = {"level": ensemble.levels, "common": drawn}
    found |= spread_columns("top1", members.accuracies) | ends("top1", ensemble.accuracy)
    found |= ends("over_mean", members.over_mean) | ends("over_best", members.over_best)
    found |= spread_columns("flips", members.flip_rates) | ends("flips", members.ensemble_flips)
    found |= ends("correlation", members.correlation)
    low, high = members.independent_limits
    votes = mean_of_drawn(members.independent.T), low, high, mean_of_drawn(members.independent_least.T)
    names = "independent", "independent_from", "independent_to", "independent_least"
    found |= dict(zip(names, votes, strict=True)) | ends("beyond", members.beyond)
    for name, top1, flip in zip(members.members, members.accuracies, members.flip_rates, strict=True):
        found |= {f"top1_of_{name}": top1, f"flips_of_{name}": flip}
    return found


def spread_columns(name: str, values: Floats) -> dict[str, Floats]:
    """Mean, least and greatest of the members; values: (members, levels)."""
    return {f"{name}_mean": values.mean(0), f"{name}_least": values.min(0), f"{name}_greatest": values.max(0)}


def ends(name: str, found: Estimate) -> dict[str, Floats]:
    """An estimate and the ends of its interval."""
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def as_csv(members: Members) -> str:
    """members.csv: a row for each level, shares; what is not defined is empty."""
    found = columns(members)
    rows = zip(*(column.tolist() for column in found.values()), strict=True)
    return csv_text(list(found), ([as_cell(value) for value in row] for row in rows))
