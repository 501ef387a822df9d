"""Pictures of a camera's noise: the photon transfer curve, variance against brightness."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from convstab.camera.camera import Camera, Noise
from convstab.figures.attack import logarithmic
from convstab.figures.legends import legend
from convstab.figures.style import COLOURS, MARKERS, finish_axis, labelled
from convstab.images import GREY_LEVELS


def transfer(camera: Camera) -> Figure:
    """A panel for each channel: variance against brightness, and the fit; what is left out is hollow."""
    channels = list(dict.fromkeys(noise.channel for noise in camera.noises))
    figure = Figure(figsize=(4.6 * len(channels) + 0.4, 4.6), layout="constrained")
    axes = figure.subplots(1, len(channels), squeeze=False, sharey=True)[0]
    isos = list(dict.fromkeys(noise.iso for noise in camera.noises))
    for axis, channel in zip(axes, channels, strict=True):
        for noise in camera.noises:
            if noise.channel == channel:
                draw_noise(axis, noise, isos.index(noise.iso))
        finish_axis(axis)
        axis.set(xlabel="brightness in grey levels", title=channel, xlim=(0, GREY_LEVELS))
    axes[0].set_ylabel("variance in grey levels squared")
    logarithmic(axes[0], "y")
    legend(figure, *axes, title="hollow: left out")
    return figure


def draw_noise(axis: Axes, noise: Noise, number: int) -> None:
    """The points of a channel at an ISO with their 95 % intervals, and the law."""
    points, used, shown = noise.points, noise.points.usable, noise.points.variance > 0
    colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
    name = f"ISO {labelled(noise.iso)}" + ("" if noise.law.fits else ": affine law does not fit")
    half = 1.96 * points.errors(points.variance)
    for chosen, face, label in ((used & shown, colour, name), (~used & shown, "none", None)):
        bars = np.minimum(half, 0.9 * points.variance)[chosen], half[chosen]  # a logarithmic axis has no 0
        axis.errorbar(
            points.brightness[chosen],
            points.variance[chosen],
            yerr=bars,
            fmt=marker,
            markersize=3.5,
            markerfacecolor=face,
            color=colour,
            elinewidth=0.7,
            label=label,
        )
    brightness = np.linspace(0, GREY_LEVELS, 256)
    fitted = noise.law.line.at(brightness)
    axis.plot(brightness, np.where(fitted > 0, fitted, np.nan), color=colour, linewidth=1.2)
