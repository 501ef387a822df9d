"""Files of requirements: what is right is taken, and each mistake ends in a line that says what would be right."""

import re
from pathlib import Path

import pytest
import yaml

from convstab.errors import InputError
from convstab.requirements import parsing
from convstab.requirements.metrics import METRICS
from convstab.requirements.specification import Requirement, Specification

FILE = """
confidence: 0.9
requirements:
  - {name: stop signs in noise, metric: recall, class: stop, level: 30, degradation: gaussian, at_least: 0.99}
  - {metric: recall, class: each, level: all, at_least: 0.9}
  - {metric: recall, class: 30, level: clean, at_least: 0.9}
  - {metric: flip_rate, level: 8, at_most: 1e-3}
  - {metric: least_noise_psnr, share: 0.9, at_most: 36, attack: ddn}
  - {metric: least_noise_l2, share: 0.9, at_least: 0.5}
"""


def read(path: Path, content: str) -> Specification:
    path.write_text(content, encoding="utf-8")
    return parsing.read(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "requirements.yaml"


def test_a_file_is_read_with_its_defaults(path: Path) -> None:
    found = read(path, FILE)
    assert (found.confidence, found.risk) == pytest.approx((0.9, 0.1))
    first, each, named_by_number, flips, psnr, norm = found.requirements
    assert first == Requirement("stop signs in noise", "recall", 0.99, 30.0, "stop", None, "gaussian")
    assert each == Requirement("recall of each class at all levels at least 0.9", "recall", 0.9, "all", "each")
    assert (named_by_number.of_class, named_by_number.level) == ("30", "clean")
    assert (flips.name, flips.bound) == ("flip rate at level 8 at most 0.001", 0.001)
    assert psnr.name == "least noise psnr at most 36 dB for at least 0.9 of the images (ddn)"
    assert (norm.bound, norm.share, norm.source) == (0.5, 0.9, None)
    assert read(path, "requirements: [{metric: accuracy, level: 20, at_least: 0.9}]").confidence == 0.95


def test_a_share_is_held_from_below_and_flips_from_above(path: Path) -> None:
    sides = {one.metric: (one.at_least, one.needed_share) for one in read(path, FILE).requirements}
    assert sides == {
        "recall": (True, 0.9),
        "flip_rate": (False, 0.001),
        "least_noise_psnr": (True, 0.9),  # of images whose PSNR is low
        "least_noise_l2": (True, 0.9),
    }


FILES = [
    ("", "it holds no keys; it must be a mapping such as requirements: [{metric: accuracy, level: 20, at_least: 0.9}]"),
    ("- a", "it holds no keys; it must be a mapping"),
    ("requirements: [", "is not YAML: while parsing"),
    ("a: &a [*a]", "the file has no key a; it can have confidence, requirements"),
    ("confidence: 0.9", "the file needs the key requirements; it can have confidence, requirements"),
    ("requirement: []", "the file has no key requirement; did you mean requirements? it can have"),
    ("requirements: []", "requirements must be a list with at least one entry"),
    ("requirements: {metric: accuracy}", "requirements must be a list with at least one entry"),
    ("requirements: [5]", "requirement 1 is 5; it must be keys and values"),
    *(
        (f"confidence: {said}\nrequirements: [1]", f"confidence is {said}; it must be above 0.5 and below 1")
        for said in ("0.5", "1", "95", "high")
    ),
    (
        "requirements: [{metric: accuracy, level: 1, at_least: 0.9, at_least: 0.8}]",
        "is not YAML: the key at_least is there twice",
    ),
    (
        "requirements: [{metric: accuracy, level: 1, at_least: 0.9}, {metric: accuracy, level: 1.0, at_least: 0.90}]",
        "2 requirements are called 'accuracy at level 1 at least 0.9'; each must have a name of its own",
    ),
]


@pytest.mark.parametrize(("content", "said"), FILES)
def test_a_file_that_makes_no_sense_is_refused(content: str, said: str, path: Path) -> None:
    with pytest.raises(InputError) as error:
        read(path, content)
    assert f"{path}" in str(error.value)
    assert said in str(error.value)


ACCURACY = {"metric": "accuracy", "level": 20, "at_least": 0.9}
RECALL = {"metric": "recall", "class": "stop", "level": 20, "at_least": 0.9}
LEAST = {"metric": "least_noise_l2", "share": 0.9, "at_least": 0.5}
NO_BOUND = "requirement 1 has no bound; accuracy must have at_least, and nothing else of the two"
ENTRIES = [
    (ACCURACY, {"at_least": None}, NO_BOUND),
    (ACCURACY, {"at_most": 1}, "requirement 1 has at_least and at_most; accuracy must have at_least"),
    (ACCURACY, {"at_least": None, "at_most": 0.9}, "requirement 1 has at_most; accuracy must have at_least"),
    (LEAST, {"metric": "least_noise_psnr"}, "requirement 1 has at_least; least_noise_psnr must have at_most"),
    *((ACCURACY, {"at_least": bad}, f"at_least is {bad}; it must be above 0 and below 1") for bad in (0, 1, 99, "x")),
    *((LEAST, {"share": bad}, f"requirement 1: share is {bad}; it must be above 0 and below 1") for bad in (0, 1, 90)),
    *((LEAST, {"at_least": bad}, f"at_least is {bad}; it must be a number above 0") for bad in (0, -1, float("inf"))),
    (LEAST, {"share": None}, "requirement 1 (least_noise_l2) needs the key share; it can have name, metric, share"),
    (ACCURACY, {"level": None}, "requirement 1 (accuracy) needs the key level; it can have"),
    (ACCURACY, {"levl": 3}, "requirement 1 (accuracy) has no key levl; did you mean level? it can have name, metric"),
    (
        ACCURACY,
        {"at_least": None, "at_leest": 0.7},
        "requirement 1 (accuracy) has no key at_leest; did you mean at_least? it can have name, metric, level",
    ),
    (ACCURACY, {"class": "stop"}, "requirement 1 (accuracy) has no key class; it can have name, metric, level, degr"),
    (RECALL, {"class": None}, "requirement 1 (recall) needs the key class"),
    (RECALL, {"class": True}, "requirement 1: class is True; it must be a name, in quotes where YAML takes it for any"),
    (RECALL, {"class": " "}, "requirement 1: class is ' '; it must be a name"),
    (RECALL, {"name": [1]}, "requirement 1: name is [1]; it must be a name"),
    (RECALL, {"degradation": 1.5}, "requirement 1: degradation is 1.5; it must be a name"),
    (
        ACCURACY,
        {"metric": "acuracy"},
        f"there is no metric 'acuracy'; did you mean accuracy? it can be {', '.join(METRICS)}",
    ),
    (ACCURACY, {"metric": ["accuracy"]}, "there is no metric ['accuracy']"),
    (ACCURACY, {"metric": None}, "requirement 1 needs the key metric"),
    (ACCURACY, {"metric": None, "metrik": "accuracy"}, "requirement 1 has no key metrik; did you mean metric?"),
    *(
        (ACCURACY, {"level": bad}, f"requirement 1: level is {bad}; it must be a number, all or clean")
        for bad in ("worst", True, [1], float("nan"))
    ),
]


@pytest.mark.parametrize(("entry", "change", "said"), ENTRIES)
def test_a_requirement_that_makes_no_sense_is_refused(
    entry: dict[str, object], change: dict[str, object], said: str, path: Path
) -> None:
    """change: keys that are replaced; None: left out."""
    changed = {key: value for key, value in (entry | change).items() if value is not None}
    with pytest.raises(InputError) as error:
        read(path, yaml.safe_dump({"requirements": [changed]}))
    assert said in str(error.value)
    assert read(path, yaml.safe_dump({"requirements": [entry]})).requirements  # which is right itself


def test_a_file_that_is_not_there_is_refused(path: Path) -> None:
    for wrong in (path, path.parent):
        with pytest.raises(InputError, match=f"{wrong} is not a file; it must be a YAML file such as requirements:"):
            parsing.read(wrong)
    path.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(InputError, match="is not YAML"):
        parsing.read(path)


def test_the_documentation_has_an_example_that_is_right_and_every_metric(path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs/requirements.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", text, flags=re.S)
    found = read(path, example)
    assert {one.metric for one in found.requirements} == set(METRICS)
    bounds = dict(re.findall(r"^\| `(\w+)` \| `(at_\w+)`", text, flags=re.M))
    assert bounds == {name: metric.side for name, metric in METRICS.items()}
    keys = {
        key
        for cell in re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| [a-z`]", text, flags=re.M)
        for key in re.findall(r"\w+", cell)
    }
    assert {"confidence", *(key for metric in METRICS.values() for key in metric.takes)} <= keys
