"""Send finished results to Weights & Biases, later: convstab-publish <run, evaluation, attack or sweep> [...]."""

from collections.abc import Sequence
from pathlib import Path

from convstab.commands.results.arguments import Arguments
from convstab.commands.signals import command


def main(arguments: Sequence[str] | None = None) -> None:
    """Send what train, evaluate and attack have left to Weights & Biases, each under the id that its folder keeps."""
    parser = Arguments(prog="convstab-publish", description=main.__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="folder", help="of a result, or of a sweep")
    parser.add_argument("--project", help="default: that of the configuration")
    parser.add_argument("--entity", help="user or team; default: that of the configuration")
    parser.add_argument(
        "--mode", choices=("auto", "online", "offline"), default="auto", help="auto: online with a key, else offline"
    )
    with command():
        options = parser.parse_args(arguments)
        chosen = {name: value for name, value in vars(options).items() if name != "folders" and value is not None}
        from convstab.loggers.publish import publish
        from convstab.loggers.sweep import publish_sweep
        from convstab.sweeps import comparison, families
        from convstab.sweeps.jobs import is_sweep, results_in

        found = {folder: results_in(folder) for folder in options.folders}
        groups = {result: group for results in found.values() for result, group in results.items()}
        for result, group in groups.items():
            print(publish(result, group, chosen))
        for sweep in filter(is_sweep, found):
            if line := publish_sweep(sweep, list(found[sweep]), (comparison.TABLE, families.TABLE), chosen):
                print(line)
