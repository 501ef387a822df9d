"""Boundary thickness on the way to what attacks found: the run of the evaluation is loaded again."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from convstab.attacks.result import AttackResult
from convstab.commands.results.bounds import run_of
from convstab.ledger.thickness import boundary_thickness
from convstab.progress.bar import progress_bar
from convstab.statistics.intervals import Floats


def thickness_of(evaluation: Path, attacks: Mapping[str, AttackResult]) -> dict[str, Floats]:
    """The boundary thickness of each image of each attack on the run of an evaluation, in grey levels.

    Raises InputError as ``lower_bounds_of`` does, and for an attack on another model.
    """
    model = run_of(evaluation, "--thickness").model
    with progress_bar() as bar:
        found = sum(int((attack.rows["attacked"] & attack.rows["success"]).sum()) for attack in attacks.values())
        advance = partial(bar.advance, bar.add_task("thickness", total=found))
        return {name: boundary_thickness(model, attack, progress=advance) for name, attack in attacks.items()}
