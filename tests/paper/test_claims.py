"""All claims together."""

from typing import Any

from convstab.paper.claims import findings
from tests.support.made_up_evidence import attacked, evaluation, evidence, l2_of, under_noise


def test_without_evidence_nothing_can_be_said_and_the_way_to_get_it_is() -> None:
    found = findings(evidence())
    assert len(found) == 7
    assert {one.verdict for one in found} == {"inconclusive"}
    for one in found:
        assert "convstab-" in one.text
        assert any(word in one.where for word in ("Section", "Abstract"))


def test_a_data_set_that_the_paper_does_not_use_is_told_and_decides_nothing() -> None:
    results: list[Any] = [evaluation(under_noise(0.0, 0.2), "digits"), attacked([l2_of(40)] * 20, "digits")]
    for one in findings(evidence(*results)):
        assert one.verdict == "inconclusive"
    text = findings(evidence(*results))[1].text
    assert "digits (8 x 8 pixels)" in text
    assert "Data sets that the paper does not use decide nothing." in text


def test_a_training_under_other_degradations_decides_nothing() -> None:
    told: dict[str, Any] = {"noisy": True}
    for augment in ("NoisyCopies", "DegradedCopies"):
        told["augment"] = augment
        results: list[Any] = [evaluation(under_noise(0.0, 0.2)), evaluation(under_noise(0.0, 0.1), **told)]
        results += [attacked([l2_of(40)] * 20), attacked([l2_of(40)] * 20, **told)]
        remedy, margin = (findings(evidence(*results))[place] for place in (5, 6))
        decided = [one.verdict != "inconclusive" for one in (remedy, margin)]
        assert decided == [augment == "NoisyCopies"] * 2
