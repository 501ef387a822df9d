"""Hold results against requirements: convstab-require requirements.yaml <evaluation or attack folder> [...]."""

import sys
from collections.abc import Sequence
from pathlib import Path

from convstab.commands.results.arguments import Arguments
from convstab.commands.signals import command

PAGE, CASES = "requirements.md", "requirements.xml"


def main(arguments: Sequence[str] | None = None) -> None:
    """Say of each requirement whether results are evidence that it is met: pass, fail or undecided."""
    codes = "exit code: 0 all pass, 1 one fails, 3 none fails and one is undecided, 2 something cannot be used"
    parser = Arguments(prog="convstab-require", description=main.__doc__, epilog=codes)
    parser.add_argument("requirements", type=Path, help="a YAML file; docs/requirements.md says what it can hold")
    parser.add_argument("folders", nargs="+", type=Path, metavar="folder", help="that evaluate or attack wrote")
    parser.add_argument("--output", type=Path, help=f"folder of {PAGE} and {CASES}; default: the first folder")
    with command():
        options = parser.parse_args(arguments)
        output = options.output or options.folders[0]
        code = require(options.requirements, options.folders, output)
        from convstab.commands.next_steps import report_of, say

        say(report_of(list(dict.fromkeys([*options.folders, output]))))
    sys.exit(code)


def require(requirements: Path, folders: Sequence[Path], output: Path) -> int:
    """Test, print and write; the exit code. InputError before anything is written when something does not fit."""
    from convstab.requirements import parsing

    wanted = parsing.read(requirements)
    from rich.markdown import Markdown

    from convstab.commands.console import console
    from convstab.files import REQUIREMENTS, write_text
    from convstab.requirements import assessment, junit, markdown, record
    from convstab.runs.results import Results, check_finished

    check_finished(folders)
    results = Results.read(folders)
    assessed = assessment.assess(wanted, results)
    output.mkdir(parents=True, exist_ok=True)
    write_text(output / PAGE, markdown.document(wanted, assessed, results))
    write_text(output / CASES, junit.as_junit(assessed))
    record.write(output / REQUIREMENTS, requirements, wanted, assessed, results)
    console().print(Markdown(markdown.table(assessed)))
    print(markdown.counts(assessed), output / PAGE, output / CASES, sep="\n")
    return assessment.exit_code(assessed)
