"""Classifiers of scikit-learn as models."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

import convstab as cs
from convstab.errors import InputError
from convstab.models.own import python
from tests.models import own_nets

GENERATOR = np.random.default_rng(0)
PIXELS = GENERATOR.random((90, 6, 6, 3))  # as scikit-learn's users have them: channels last
LABELS = np.arange(90) % 3
PIXELS[np.arange(90), LABELS] += 0.8
PIXELS /= PIXELS.max()
ROWS = np.round(PIXELS * 255).reshape(90, -1) / 255
IMAGES = cs.Images(PIXELS.transpose(0, 3, 1, 2), LABELS)


def loaded(estimator: Any, **options: Any) -> Any:
    return cs.load_model(estimator, mean="none", **options)


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(max_iter=500),
        make_pipeline(PCA(5, random_state=0), LogisticRegression()),
        RandomForestClassifier(7, random_state=0),
        LinearSVC(random_state=0),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
@pytest.mark.filterwarnings("ignore:the model gives probabilities")
def test_decisions_are_those_of_the_classifier(estimator: Any) -> None:
    estimator.fit(ROWS[:60], LABELS[:60])
    result = cs.evaluate(loaded(estimator), IMAGES.part(slice(60, 90)), levels=[20], draws=3)
    assert (result.by_image("prediction")[:, 0] == estimator.predict(ROWS[60:])).all()
    assert result.accuracy.value[0] > 0.6


def test_probabilities_and_scores_are_those_of_the_classifier() -> None:
    pixels = torch.from_numpy(ROWS).float().reshape(90, 6, 6, 3).permute(0, 3, 1, 2)
    regression = LogisticRegression().fit(ROWS, LABELS)
    np.testing.assert_allclose(loaded(regression)(pixels), regression.predict_proba(ROWS), atol=1e-6)
    two = LinearSVC(random_state=0).fit(ROWS, LABELS == 1)
    scores = loaded(two)(pixels)
    np.testing.assert_allclose(scores[:, 1] - scores[:, 0], two.decision_function(ROWS), atol=1e-5)


def test_names_of_classes_and_what_tells_one_from_another() -> None:
    named = LogisticRegression().fit(ROWS, np.array(["cat", "dog", "emu"])[LABELS])
    assert loaded(named).classes == ("cat", "dog", "emu")
    numbered = [LogisticRegression(C=strength).fit(ROWS, LABELS) for strength in (1, 1, 2)]
    first, same, other = (loaded(one).source["weights"] for one in numbered)
    assert first == same != other
    assert loaded(numbered[0]).classes == ()


def test_what_cannot_be_tried_is_said() -> None:
    with pytest.raises(InputError, match="the LogisticRegression has no classes_: it must be fitted"):
        loaded(LogisticRegression())
    with pytest.raises(InputError, match=r"fitted to the labels \[0, 2\]; numbers must be 0 to K - 1"):
        loaded(LogisticRegression().fit(ROWS[LABELS != 1], LABELS[LABELS != 1]))
    fitted = LogisticRegression().fit(ROWS, LABELS)
    with pytest.raises(InputError, match="how are images normalised"):
        cs.load_model(fitted)
    with pytest.raises(InputError, match="the model fails on images of the shape"):
        cs.evaluate(loaded(fitted), cs.Images(torch.rand(6, 3, 5, 5), torch.arange(6) % 3), levels=[1])


@pytest.mark.filterwarnings("ignore:the model gives probabilities")
def test_attacks_that_need_no_gradients_work() -> None:
    model = loaded(LogisticRegression(max_iter=500).fit(ROWS, LABELS))
    with pytest.raises(InputError, match="ddn needs gradients, and the model gives none"):
        cs.attack(model, IMAGES.part(slice(0, 2)), "ddn")
    found = cs.attack(model, IMAGES.part(slice(0, 2)), "least_level", degradation="gaussian")
    assert len(found.rows["index"]) == 2


def test_a_function_may_make_one(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = LogisticRegression().fit(ROWS, LABELS)
    for target in (fitted, lambda: fitted):
        monkeypatch.setattr(own_nets, "classifier", target, raising=False)
        assert python.made_by("tests.models.own_nets:classifier").estimator is fitted
