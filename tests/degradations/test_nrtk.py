"""Perturbers of NRTK as a family: what holds for families, their seeds, their levels, and whose code runs."""

import json
import math
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from convstab.data.degraded import DegradedCopies
from convstab.degradations.by_name import degradation, recorded
from convstab.degradations.degradation import Degradation
from convstab.degradations.draws.make import degraded_copies
from convstab.degradations.own.perturbers import global_state
from convstab.degradations.quality import level_for_psnr
from convstab.errors import InputError
from tests.degradations.photos import copies, error, photos
from tests.support.nrtk_packages import BRIGHTNESS, HAZE, INSTALLED, NOISE, mine, nrtk

__all__ = ["mine", "nrtk"]

real = pytest.mark.skipif(not INSTALLED, reason="NRTK is not installed")
pytestmark = pytest.mark.usefixtures("nrtk")


def noise(**more: Any) -> Degradation:
    return degradation("nrtk", **{"perturber": NOISE, "parameter": "var", "grid": [0.001, 0.01]} | more)


def test_a_draw_is_what_the_perturber_makes_with_a_seed_of_its_own() -> None:
    image, family = photos(16)[0], noise()
    many = degraded_copies(image, family, 0.01, 40, image=5)
    assert len(many.unique(dim=0)) == 40
    assert torch.equal(degraded_copies(image, family, 0.01, 10, image=5), many[:10])
    assert not torch.equal(degraded_copies(image, family, 0.01, 40, image=6), many)
    assert not torch.equal(degraded_copies(image, family, 0.01, 40, image=5, seed=1), many)
    assert float((many * 255 - image).square().mean()) == pytest.approx(
        error(degradation("gaussian"), 25.5, image), 0.15
    )


def test_batch_order_and_what_was_made_before_change_nothing() -> None:
    family, images = noise(), photos(16).repeat(3, 1, 1, 1).float()
    levels = torch.tensor([0.001, 0.01, 0.05]).double().repeat(3)
    random = [torch.rand(9, 2, generator=torch.Generator().manual_seed(0))]
    whole = family.degrade(images, levels, random)
    assert whole.dtype == torch.float32
    for chosen in (torch.arange(9).flip(0), torch.tensor([4]), torch.tensor([7, 2])):
        assert torch.equal(family.degrade(images[chosen], levels[chosen], [random[0][chosen]]), whole[chosen])
    assert torch.equal(family.degrade(images.to(memory_format=torch.channels_last), levels, random), whole)


def test_global_generators_stay_where_they_are() -> None:
    before = global_state()
    degraded_copies(photos(16)[0], noise(), 0.01, 3, 0)
    assert global_state() == before
    torch.rand(1)
    assert global_state() != before


def test_a_seed_among_the_options_makes_one_draw() -> None:
    family = noise(options={"seed": 3})
    assert not family.random
    made = degraded_copies(photos(16)[0], family, 0.01, 3, 0)
    assert len(made.unique(dim=0)) == 1


def test_values_are_clipped_and_rounded_before() -> None:
    values = torch.tensor([-80.0, 300.0, 99.6, 100.4]).repeat(8, 2)[None, None]
    whole = torch.tensor([0.0, 255.0, 100.0, 100.0]).repeat(8, 2)[None, None]
    family, level = degradation("nrtk", perturber=BRIGHTNESS, parameter="factor"), torch.tensor([0.5]).double()
    assert torch.equal(family.degrade(values, level, ()), family.degrade(whole, level, ()))


def test_grey_images_have_two_axes_for_a_perturber() -> None:
    grey = photos(16)[0, :1]
    darker = degradation("nrtk", perturber=BRIGHTNESS, parameter="factor", neutral=1)
    assert copies(darker, 0.5, grey)[0].shape == (1, 16, 16)
    assert (copies(darker, 0.5, grey)[0] - grey / 2).abs().max() < 1
    with pytest.raises(InputError, match=r"^nrtk takes grey or RGB images; these have 2 channels$"):
        copies(darker, 0.5, photos(16)[0, :2])


def test_the_neutral_level_is_the_clean_image_and_severity_is_the_way_from_it() -> None:
    family = degradation("nrtk", perturber=BRIGHTNESS, parameter="factor", neutral=1, grid=[0.25, 0.5, 0.75])
    assert family.check([0.25, 1, 0.75]) == (1.0, 0.75, 0.25)
    assert torch.equal(copies(family, 1, photos(16)[0])[0].float(), photos(16)[0].float())
    assert [family.between(0.25, share) for share in (0, 0.5, 1, 2)] == [1, 0.625, 0.25, -0.5]
    assert family.label == "BrightnessPerturber (factor)"
    assert family.in_words == "BrightnessPerturber"
    assert degradation("nrtk", perturber=BRIGHTNESS, parameter="factor", unit="times").label.endswith("(times)")


def test_where_infinity_is_neutral_lower_is_worse() -> None:
    family = degradation("nrtk", perturber=HAZE, parameter="factor", neutral=math.inf, grid=[1, 4])
    assert family.check([1, math.inf, 4]) == (math.inf, 4, 1)
    assert [family.between(4, share) for share in (0, 0.5, 1)] == [math.inf, 8, 4]
    assert [family.severity(level) for level in (math.inf, 4)] == [0, 0.25]
    assert degradation(json.loads(json.dumps(family.settings, allow_nan=False))) == family


def test_arguments_of_perturb_are_options_too() -> None:
    image = photos(16)[0]
    white = degradation("nrtk", perturber=HAZE, parameter="factor", options={"sky_color": [255, 255, 255]})
    expected = np.exp(-1) * image + 255 * (1 - np.exp(-1))
    assert (copies(white, 1, image)[0] - expected).abs().max() <= 1  # it is cut off to whole numbers
    assert white.in_words == "HazePerturber sky_color=[255, 255, 255]"


def test_a_level_may_be_an_argument_of_perturb_and_whole(mine: str) -> None:
    family = degradation("nrtk", perturber=f"{mine}.Darker", parameter="times", options={"by": 4}, grid=[1, 5])
    assert (family.coarse, family.random) == (True, False)  # its default, 1, is a whole number
    image = torch.full((3, 4, 4), 100, dtype=torch.uint8)
    assert copies(family, 5, image).round().unique().tolist() == [80]


def test_whole_numbers_come_in_steps(mine: str) -> None:
    family = degradation("nrtk", perturber=f"{mine}.Darker", parameter="by", step=2, grid=[10, 100])
    assert family.coarse
    assert [family.between(10, share) for share in (0, 0.04, 0.5, 1)] == [0, 0, 4, 10]
    with pytest.raises(InputError, match=r"^a level of Darker is 3; it can be 0 and steps of 2 from it$"):
        family.check([3])
    one = degradation("nrtk", perturber=f"{mine}.Darker", parameter="by")
    assert one.coarse  # steps of 1: whole numbers are written beside it
    with pytest.raises(InputError, match=r"^a level of Darker is 2.5; it can be 0 and steps of 1 from it$"):
        one.check([2.5])
    with pytest.raises(InputError, match=r"^a level of Darker is 3: Darker refuses it: ValueError: by must be even$"):
        one.check([3])
    levels, reached = level_for_psnr(family, photos(16), torch.arange(3), 20.0)
    assert (levels % 2 == 0).all()
    assert np.abs(reached - 20).max() < 1


def test_a_perturber_whose_seed_is_called_rng(mine: str) -> None:
    family = degradation("nrtk", perturber=f"{mine}.Rng", parameter="sigma")
    many = degraded_copies(photos(16)[0], family, 9.0, 12, 0)
    assert len(many.unique(dim=0)) == 12
    assert torch.equal(degraded_copies(photos(16)[0], family, 9.0, 12, 0), many)


@pytest.mark.parametrize(
    ("name", "parameter", "said"),
    [
        ("Unseeded", "sigma", "Unseeded makes two different images of one: it is random, and takes no seed or rng"),
        ("Global", "sigma", "Global draws from a global random generator, so that nobody can repeat its images"),
        (
            "Smaller",
            "by",
            r"Smaller gives uint8 \(15, 16, 3\) for an image of uint8 \(16, 16, 3\); it must give such a one",
        ),
        (
            "Floats",
            "by",
            r"Floats gives float64 \(16, 16, 3\) for an image of uint8 \(16, 16, 3\); it must give such a one",
        ),
        ("Fails", "by", "Fails fails: RuntimeError: no rain"),
    ],
)
def test_what_cannot_be_measured_is_refused(name: str, parameter: str, said: str, mine: str) -> None:
    family = degradation("nrtk", perturber=f"{mine}.{name}", parameter=parameter)
    with pytest.raises(InputError, match=f"^{said}$"):
        copies(family, 9, photos(16)[0])


def test_a_perturber_that_writes_into_its_image_does_no_harm(mine: str) -> None:
    image = photos(16)[0].float()[None]
    family, before = degradation("nrtk", perturber=f"{mine}.Writes", parameter="by"), image.clone()
    made = family.degrade(image, torch.ones(1).double(), ())
    assert torch.equal(made, before // 2)
    assert torch.equal(image, before)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"perturber": ""}, "perturber is ; it must be the dotted name of a class, such as nrtk.impls"),
        ({"perturber": "os:getcwd"}, "perturber is os:getcwd; it must be the dotted name of a class"),
        ({"perturber": "nowhere.Rain"}, "perturber=nowhere.Rain: nowhere cannot be imported from"),
        ({"perturber": "os.path"}, "perturber=os.path is no class of PerturbImage, the interface of NRTK for images"),
        ({"perturber": "os.Path"}, "perturber=os.Path: os has no Path"),
        ({"parameter": "sigma"}, "GaussianNoisePerturber takes no sigma; it takes "),
        ({"parameter": "-"}, "parameter is -; it must be the name of an argument"),
        ({"options": {"men": 1}}, "GaussianNoisePerturber takes no men; it takes "),
        ({"options": {"var": 1}}, "options has var, which is the level"),
        ({"options": {"mean": math.nan}}, "options is .*; it must be plain values by their names, such as"),
        ({"options": 5}, "options is 5; it must be plain values by their names"),
        (
            {"grid": [-1]},
            r"a level of GaussianNoisePerturber is -1: GaussianNoisePerturber refuses it: ValueError: .*var",
        ),
        ({"grid": ["a"]}, "grid is .*; it must be a list of levels"),
        ({"grid": [1, 1]}, r"levels is \[1, 1\]; it must name each level once"),
        ({"neutral": "x"}, "neutral is x; it must be a number, or inf"),
        ({"step": 0}, "step is 0; it must be above 0, or null"),
        ({"colour": 1}, "degradation nrtk takes no colour; it takes .*perturber, parameter, options"),
    ],
)
def test_mistakes_are_refused_in_one_line(values: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=f"^{said}") as refused:
        noise(**values)
    assert "\n" not in str(refused.value)


def test_without_a_grid_levels_must_be_said() -> None:
    family = noise(grid=None)
    with pytest.raises(InputError, match=r"^degradation nrtk has no levels of its own: say them, or degradation.grid="):
        family.check(family.grid)
    assert family.check([0.5]) == (0.5,)
    with pytest.raises(InputError, match=r"^a level of nrtk is nan; it must be a number \(var\); 0 changes nothing$"):
        family.check([math.nan])


def test_without_nrtk_a_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nrtk.interfaces", None)
    with pytest.raises(InputError, match=r"^nrtk is needed and cannot be loaded.*: pip install 'convstab\[nrtk\]'$"):
        noise()


def test_settings_make_the_family_again_and_key_it() -> None:
    family = noise(options={"mean": 0.1}, step=0.001)
    assert degradation(json.loads(json.dumps(family.settings))) == family
    assert hash(degradation(family.settings)) == hash(family)
    assert noise(options={"mean": 0.2}, step=0.001) != family


def test_a_chain_takes_it_and_training_too() -> None:
    settings = {"name": "nrtk", "perturber": NOISE, "parameter": "var", "levels": [0.01]}
    torch.manual_seed(0)
    images = torch.full((40, 3, 8, 8), 0.5)
    made, _ = DegradedCopies([settings], copies=15)(images, torch.zeros(40))
    assert len(made.unique(dim=0)) > 30
    member = {name: value for name, value in settings.items() if name != "levels"}
    chain = degradation("chain", members=[[member, 0.01], ["gaussian_blur", 1.0]])
    assert chain.random
    assert recorded(json.loads(json.dumps(chain.settings))) == chain
    assert copies(chain, 1.0, photos(16)[0], 2).unique(dim=0).shape[0] == 2


def test_code_that_a_file_names_runs_only_where_it_is_trusted(mine: str) -> None:
    family = degradation("nrtk", perturber=f"{mine}.Darker", parameter="by", grid=[2])
    settings, there = family.settings, Path("imported")
    del sys.modules[mine]
    there.unlink()
    for read in (recorded(settings), recorded({"name": "chain", "members": [[settings, 2]]})):
        read.check(read.grid)
        assert read.random is False
        with pytest.raises(InputError, match=rf"^its degradation is made by {mine}.Darker, .*say trust={mine}.Darker$"):
            copies(read, 1.0 if read.name == "chain" else 2.0, photos(16)[0])
        with pytest.raises(InputError, match="say trust="):
            copies(degradation(read), 1.0 if read.name == "chain" else 2.0, photos(16)[0])
    assert recorded(settings) == family
    assert not there.exists()
    trusted = recorded(settings, [f"{mine}.Darker"])
    assert not there.exists()  # before it is asked for
    assert torch.equal(copies(trusted, 2, photos(16)[0]), copies(family, 2, photos(16)[0]))
    assert there.exists()


def test_of_nrtks_own_a_file_may_name_those_that_change_pixels_only() -> None:
    assert torch.equal(copies(recorded(noise().settings), 0.01, photos(16)[0]), copies(noise(), 0.01, photos(16)[0]))
    fetching = noise().settings | {"perturber": "nrtk.impls.perturb_image.generative.DiffusionPerturber"}
    with pytest.raises(InputError, match=r"^its degradation is made by nrtk.impls.perturb_image.generative.Diffusion"):
        copies(recorded(fetching), 0.01, photos(16)[0])


def test_what_another_version_has_made_is_not_made_again() -> None:
    with pytest.raises(InputError, match=r"^its degradation was made by nrtk 0.1; here is "):
        copies(recorded(noise().settings | {"version": "0.1"}), 0.01, photos(16)[0])


def test_the_example_in_the_documentation_runs() -> None:
    text = (Path(__file__).parents[2] / "docs/degradations.md").read_text(encoding="utf-8")
    code = re.findall(r"```python\n(.*?)```", text[text.index("## Perturbers of NRTK") :], flags=re.DOTALL)[0]
    space: dict[str, Any] = {"pixels": torch.full((3, 8, 8), 100, dtype=torch.uint8)}
    exec(compile(code, "docs/degradations.md", "exec"), space)
    assert (space["copies"] * 255).round().unique().tolist() == [50]


@real
def test_nrtks_gaussian_noise_is_ours_with_the_variance_in_units_of_white() -> None:
    pytest.importorskip("skimage")
    image = torch.full((3, 64, 64), 128, dtype=torch.uint8)
    theirs, ours = copies(noise(), (20 / 255) ** 2, image, 8, True), copies(degradation("gaussian"), 20, image, 8, True)
    assert float(theirs.std()) == pytest.approx(float(ours.std()), rel=0.01)
    assert abs(float(theirs.mean()) - 128) < 0.3


@real
def test_nrtks_brightness_is_ours_of_linear_light() -> None:
    theirs = degradation("nrtk", perturber=BRIGHTNESS, parameter="factor", neutral=1)
    for factor in (0.25, 0.5, 2.0):
        ours = copies(degradation("exposure", gamma=1.0), math.log2(factor), photos()[0], stored=True)
        assert (copies(theirs, factor, photos()[0], stored=True) - ours).abs().max() < 1.001


@real
def test_nrtks_gaussian_blur_is_ours_at_the_deviation_that_opencv_has_for_a_size() -> None:
    pytest.importorskip("cv2")
    name = "nrtk.impls.perturb_image.photometric.blur.GaussianBlurPerturber"
    theirs = degradation("nrtk", perturber=name, parameter="ksize", neutral=1, step=2)
    image = photos(96)[0]
    for size in (15, 25, 31):
        sigma, edge = 0.3 * ((size - 1) / 2 - 1) + 0.8, size // 2
        inner = (slice(None), slice(None), slice(edge, -edge), slice(edge, -edge))  # beyond, other edges are reflected
        difference = copies(theirs, size, image, stored=True) - copies(degradation("gaussian_blur"), sigma, image)
        assert difference[inner].abs().max() < 2
        assert difference[inner].abs().mean() < 0.5
