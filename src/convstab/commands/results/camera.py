"""Measure a camera's noise from frames, in units of degradation=sensor: convstab-camera <frames>."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from convstab.commands.results.arguments import Arguments
from convstab.commands.signals import command
from convstab.errors import InputError
from convstab.files import FIGURES

if TYPE_CHECKING:
    from convstab.camera.camera import Camera
    from convstab.camera.light import Failure

PICTURE = Path(FIGURES, "transfer.png")


def main(arguments: Sequence[str] | None = None) -> None:
    """Say gain and read noise of a camera at each ISO from two or more frames of a static scene."""
    parser = Arguments(prog="convstab-camera", description=main.__doc__)
    parser.add_argument("frames", type=Path, help="folder of frames (PNG, TIFF, JPEG), or of a folder for each ISO")
    said = "folder of an evaluation under degradation=sensor or gaussian: how many stops of light are left is told, too"
    parser.add_argument("--result", type=Path, metavar="evaluation", help=said)
    said = "share of flipped draws above which a level fails; default: %(default)s"
    parser.add_argument("--share", type=float, default=0.01, help=said)
    said = "value of the files without light, the pedestal of raw frames; default: %(default)g"
    parser.add_argument("--black", type=float, default=0.0, help=said)
    parser.add_argument("--white", type=float, help="value of the files at which they clip; default: their highest")
    parser.add_argument("--output", type=Path, help="folder to write; default: that of the frames and _camera")
    with command():
        options = parser.parse_args(arguments)
        folder = options.output or folder_beside(options.frames)
        check_apart(folder, options.frames)
        failure = failure_of(options.result, options.share) if options.result else None
        camera = write(options.frames, options.black, options.white, failure, folder)
        print(folder)
        from convstab.camera.tables import words_for_evaluate
        from convstab.commands.next_steps import after_camera, say

        words = next(filter(None, map(words_for_evaluate, camera.worst)), "")
        say(after_camera(words, options.result, folder / PICTURE))


def folder_beside(frames: Path) -> Path:
    """Where is written what is measured of frames."""
    found = frames.resolve()
    return frames.parent / f"{found.name}_camera" if frames.name else found.with_name(f"{found.name}_camera")


def check_apart(folder: Path, frames: Path) -> None:
    """Raise InputError when pictures would be written among the frames, of which they would be some the next time."""
    if folder.resolve().is_relative_to(frames.resolve()):
        raise InputError(f"{folder} lies in the folder of the frames; choose another --output")


def failure_of(evaluation: Path, share: float) -> "Failure":
    """Where the model of an evaluation begins to fail."""
    from convstab.camera.light import Failure
    from convstab.evaluation.result import StabilityResult
    from convstab.runs import directory

    if directory.finished(evaluation) != "evaluate":
        raise InputError(f"{evaluation} does not hold a finished evaluation")
    directory.check_files(evaluation)
    return Failure.of(StabilityResult.read(evaluation), share)


def write(frames: Path, black: float, white: float | None, failure: "Failure | None", folder: Path) -> "Camera":
    """Measure; write the tables and the figure, and show the tables; what was measured."""
    from rich.markdown import Markdown

    from convstab.camera import records, tables
    from convstab.camera.camera import measure
    from convstab.commands.console import console
    from convstab.figures.camera import transfer
    from convstab.figures.files import save
    from convstab.files import SUMMARY, write_json, write_text

    found = measure(frames, black, white)
    folder.mkdir(parents=True, exist_ok=True)
    said = tables.document(found, failure)
    write_text(folder / "camera.md", said)
    write_text(folder / "camera.csv", records.rows_text(found))
    write_text(folder / "points.csv", records.points_text(found))
    write_json(folder / SUMMARY, records.summary(found, failure, black, white))
    save(transfer(found), (folder / PICTURE).with_suffix(""))
    console().print(Markdown(said))
    return found
