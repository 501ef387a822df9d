"""The photon transfer curve as it is drawn."""

from pathlib import Path

import numpy as np

from convstab.camera.camera import measure
from convstab.figures.camera import transfer
from tests.camera.sensors import light_on, ramp, stored, write


def test_each_channel_has_a_panel_and_each_iso_a_line(tmp_path: Path) -> None:
    for iso, gain in (("100", 0.5), ("$x$", 2.0)):
        channels = [stored(light_on(ramp(), gain * factor, 3.0, 4)) for factor in (1, 0.5, 1.5)]
        write(tmp_path / iso, np.stack(channels, 3))
    camera = measure(tmp_path)
    figure = transfer(camera)
    assert [axis.get_title() for axis in figure.axes] == ["red", "green", "blue"]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["ISO 100", r"ISO \$x\$"]
    figure.canvas.draw()
    for axis, noise in zip(figure.axes, camera.noises[:3], strict=True):
        used, left_out, line, *_ = axis.get_lines()  # of the first ISO
        shown = noise.points.variance > 0
        np.testing.assert_array_equal(used.get_xdata(), noise.points.brightness[noise.points.usable & shown])
        np.testing.assert_array_equal(left_out.get_ydata(), noise.points.variance[~noise.points.usable & shown])
        ends = np.asarray(line.get_ydata(), float)[[0, -1]]
        np.testing.assert_allclose(ends, noise.law.line.at(np.array([0, 255.0])))
