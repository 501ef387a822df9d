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


def test_each_claim_has_one_sentence_with_the_number_that_its_verdict_is_about() -> None:
    many: dict[str, Any] = {"members": 5, "seeds": [0, 1, 2, 3, 4]}
    noisy: dict[str, Any] = {"noisy": True, "augment": "NoisyCopies"}
    rates = [under_noise(0.0, 0.5), under_noise(0.0, 0.2), under_noise(0.0, 0.1)]
    results: list[Any] = [evaluation(rates[0]), evaluation(rates[1], **many), evaluation(rates[2], **noisy)]
    results += [attacked([l2_of(40)] * 20), attacked([l2_of(34)] * 20, **noisy)]
    told = findings(evidence(*results))
    assert [one.verdict != "inconclusive" for one in told] == [True, True, False, False, True, True, True]
    parts = [
        "DDN fools the model with noise of 40.0 dB in the median over 20 images (95 %: 40.0 to 40.0 dB)",
        "MNIST: 50.00 % (95 %: ",  # of the copies flip at sigma 1, and all mistakes are theirs
        "It takes an evaluation of one GTSRB model under sigma 8.",
        "Noise changes the accuracy of MNIST by -50.00 points (95 %: ",
        "differs from that of a single model by +30.00 points",
        "differs by +40.00 points",
        "the least noise is 2 times as large (95 %: 2 to 2; median over 20 images).",
    ]
    for one, part in zip(told, parts, strict=True):
        assert part in one.decisive
        assert one.decisive.count(". ") == 0
        assert one.decisive.endswith(".")
        assert "How the verdict" not in one.decisive
    assert told[1].decisive.endswith("flip at sigma 1; they are 100.00 % of all misclassified copies.")
    assert "10.00 % (95 %: " in told[5].decisive  # of the copies flip at sigma 1 after a training on noise
    for one in findings(evidence()):
        assert one.decisive.startswith("It takes ")
        assert "convstab-" not in one.decisive


def test_a_training_under_other_degradations_decides_nothing() -> None:
    told: dict[str, Any] = {"noisy": True}
    for augment in ("NoisyCopies", "DegradedCopies"):
        told["augment"] = augment
        results: list[Any] = [evaluation(under_noise(0.0, 0.2)), evaluation(under_noise(0.0, 0.1), **told)]
        results += [attacked([l2_of(40)] * 20), attacked([l2_of(40)] * 20, **told)]
        remedy, margin = (findings(evidence(*results))[place] for place in (5, 6))
        decided = [one.verdict != "inconclusive" for one in (remedy, margin)]
        assert decided == [augment == "NoisyCopies"] * 2
