"""What Weights & Biases itself is told: a workspace and a report of the project, and sweeps for its agents."""

from collections.abc import Sequence

from convstab.commands.results.arguments import Arguments
from convstab.commands.signals import command


def main(arguments: Sequence[str] | None = None) -> None:
    """Save a view to W&B, or print a sweep for wandb agent: convstab-wandb sweep train seed=0,1,2 > sweep.yaml."""
    parser = Arguments(prog="convstab-wandb", description=main.__doc__)
    parser.add_argument("--project", default="convstab", help="default: convstab")
    what = parser.add_subparsers(dest="what", required=True)
    for view in ("workspace", "report"):
        saved = what.add_parser(view, help=f"save a {view} with the curves, the sweep and the attacks to W&B")
        saved.add_argument("entity", help="user or team")
    written = what.add_parser("sweep", help="print a sweep.yaml for wandb sweep")
    written.add_argument("command", choices=("train", "evaluate", "attack"))
    written.add_argument("words", nargs="+", help="as for -m, such as seed=0,1,2 dataset=mnist")
    with command():
        options = parser.parse_args(arguments)
        if options.what == "sweep":
            from convstab.loggers.agent import sweep_file

            print(sweep_file(options.command, options.words, options.project), end="")
        else:
            from convstab.loggers.workspace import save

            print(save(options.what, options.entity, options.project))
