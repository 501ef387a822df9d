"""What is printed of a camera: the table, and what may be said of it in words."""

import math
from collections.abc import Iterator

from convstab.camera.camera import CHANNELS, SHOWN, Camera, Noise
from convstab.camera.law import MID_GREY
from convstab.camera.light import Failure
from convstab.evaluation.cells import NOT_DEFINED, in_percent
from convstab.files.markdown_text import markdown_text
from convstab.images import GREY_LEVELS

HEAD = ("ISO", "channel", "gain", "95 %", "read noise", "95 %", *(f"sigma at {grey}" for grey in SHOWN))
MOST_READ_NOISE = 50.0  # electrons; a mild curve of brightness is nearly an affine law of another sensor
DOUBLINGS = 6  # of the gain, in the levels to evaluate: stops


def document(camera: Camera, failure: Failure | None) -> str:
    """All as Markdown: the table, sentences, and for each ISO words for evaluate and the stops that are left."""
    lines = [f"- {sentence}" for sentence in sentences(camera)]
    stops = [f"- {left(noise, failure)}" for noise in camera.worst] if failure else []
    words = [f"    {line}  # ISO {noise.iso}" for noise in camera.worst if (line := words_for_evaluate(noise))]
    said = (
        "This noise as convstab-evaluate makes it; each level of sensor is a stop less light, "
        "gaussian is noise at mid grey:"
    )
    blocks = [table(camera).rstrip("\n"), "\n".join(lines), "\n".join(stops), said, "\n".join(words)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def table(camera: Camera) -> str:
    """A row for each channel at each ISO: gain and sigma in grey levels, read noise in electrons."""
    head = [*HEAD, f"PSNR at {MID_GREY:g}", "residual", "affine"]
    return markdown_text(head, map(cells, camera.noises), texts=2)


def cells(noise: Noise) -> list[str]:
    """The cells of a row."""
    row = noise.row
    estimates = []
    for name in ("gain", "read_noise"):
        low, high = row[f"{name}_low"], row[f"{name}_high"]
        estimates += [number(row[name]), NOT_DEFINED if math.isnan(low) else f"{number(low)} to {number(high)}"]
    sigmas = [number(row[f"sigma_{grey}"]) for grey in SHOWN]
    fits = "yes" if noise.law.fits else "no"
    return [noise.iso.replace("|", "\\|"), noise.channel, *estimates, *sigmas, decibels(noise), residual(noise), fits]


def number(value: float) -> str:
    """Three digits; a dash where there is none."""
    return NOT_DEFINED if math.isnan(value) else "any" if math.isinf(value) else f"{value:.3g}"


def decibels(noise: Noise) -> str:
    """The PSNR at mid grey."""
    return NOT_DEFINED if math.isnan(noise.law.psnr) else f"{noise.law.psnr:.1f} dB"


def residual(noise: Noise) -> str:
    """How far a level of brightness typically is from the fit."""
    return in_percent(noise.law.residual)


def sentences(camera: Camera) -> Iterator[str]:
    """What the numbers are of, and what casts doubt on them."""
    yield (
        "The variance is that of a pixel from frame to frame: the scene and fixed pattern cancel. Rounding's 1/12 is "
        "taken off; levels that black, white or rounding bend are left out."
    )
    for noise in camera.noises:
        yield from doubts(noise)
    if camera.compressed:
        yield (
            f"ISO {', '.join(camera.compressed)}: JPEG frames. Compression removes noise and adds its own: the numbers "
            "are of the files, not of the sensor; store PNG or TIFF."
        )


def doubts(noise: Noise) -> Iterator[str]:
    """What casts doubt on the numbers of one channel."""
    name, law = f"ISO {noise.iso}, {noise.channel}", noise.law
    if noise.channel in CHANNELS[3]:
        yield (
            f"{name}: most cameras interpolate RGB from a mosaic, which takes much of the noise away: gain and read "
            "noise are then of the files, not of the sensor. Give the planes of one colour as grey frames."
        )
    if not law.fits:
        low, high = law.gain_interval
        grows = f"the variance does not grow with brightness (slope {low:.3g} to {high:.3g})"
        bent = f"the variance lies {in_percent(law.departure)} off a line (a chance of {law.doubt:.1g} if it were one)"
        yield (
            f"{name}: the affine law does not fit: {grows if low <= 0 else bent}. Frames that are gamma-encoded or "
            "processed do so; take linear (raw) ones. No gain is told, and sigma is as measured between the levels."
        )
    elif law.read_noise_interval[0] > MOST_READ_NOISE:
        yield (
            f"{name}: a read noise of {law.read_noise:.3g} electrons is more than sensors have (1 to 30): the frames "
            "may not be linear. The numbers describe the files all the same; stops would not be those of the light."
        )
    if law.line.outlying:
        yield (
            f"{name}: {law.line.outlying} of {len(law.points.pixels)} levels stand out and count less: something "
            "moved, or the light changed in a part of the frames."
        )


def left(noise: Noise, failure: Failure) -> str:
    """How many stops of light are left at an ISO."""
    name = f"ISO {noise.iso} ({noise.channel})"
    if not noise.law.fits:
        return f"{name}: stops are not told, since the affine law does not fit."
    holds, fails = failure.stops(noise.law.gain, noise.law.read_noise)
    flips = f"flips exceed {100 * failure.share:g} %"
    if failure.fails is not None and fails <= 0:
        more = f"its noise is that of {-fails:.1f} stops more"
        return f"{name}: no stops of light are left: {flips} at level {failure.fails:g} already, and {more}."
    if failure.fails is None:
        said = f"more than {holds:.1f} stops of light are left: at no level of the evaluation {flips}"
    elif failure.holds is None:
        said = (
            f"less than {fails:.1f} stops of light are left: {flips} at {failure.fails:g}, the mildest level, already"
        )
    else:
        said = f"{holds:.1f} to {fails:.1f} stops of light are left: {flips} at level {failure.fails:g}, not yet at "
        said += f"{failure.holds:g}"
    return f"{name}: {said} ({'significant' if failure.significant else 'inconclusive: more images would tell'})."


def words_for_evaluate(noise: Noise) -> str:
    """Words that give evaluate the noise of an ISO, and that of up to six stops less light; empty: none is known."""
    law = noise.law
    if law.fits:
        levels = [law.gain * 2**stop for stop in range(DOUBLINGS + 1) if law.gain * 2**stop <= GREY_LEVELS]
        shown = ",".join(f"{level:.4g}" for level in levels)
        return f"degradation=sensor degradation.read_noise={law.read_noise:.4g} levels=[{shown}]"
    sigma = law.sigma_at(MID_GREY)
    return "" if math.isnan(sigma) else f"degradation=gaussian levels=[{sigma:.4g}]"
