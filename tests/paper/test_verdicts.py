"""How verdicts combine, and what a finding says of how it came about."""

from pathlib import Path

import pytest

from convstab.paper.verdicts import Assessment, combined, finding, names_of, of_halves
from convstab.report.content import Verdict
from tests.support.made_up_evidence import evaluation, evidence, failing


@pytest.mark.parametrize(
    ("verdicts", "word"),
    [
        (["agrees", "agrees"], "agrees"),
        (["disagrees"], "disagrees"),
        (["agrees", "disagrees"], "mixed"),
        (["agrees", "mixed"], "mixed"),
        (["agrees", "inconclusive"], "agrees"),
        (["inconclusive"], "inconclusive"),
        ([], "inconclusive"),
    ],
)
def test_verdicts_combine(verdicts: list[Verdict], word: Verdict) -> None:
    spoken = [Assessment("mnist", verdict, "") for verdict in verdicts]
    assert combined(spoken) == word
    assert combined([*spoken, Assessment("digits", "disagrees", "")]) == word  # not a data set of the paper


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        ("agrees", "agrees", "agrees"),
        ("disagrees", "disagrees", "disagrees"),
        ("agrees", "disagrees", "mixed"),
        ("disagrees", "agrees", "mixed"),
        ("agrees", "inconclusive", "inconclusive"),
        ("inconclusive", "disagrees", "inconclusive"),
    ],
)
def test_a_claim_of_two_halves_needs_both(first: Verdict, second: Verdict, word: Verdict) -> None:
    assert of_halves(first, second) == word


def test_where_results_differ_each_has_its_verdict_and_the_rule_says_what_comes_of_it() -> None:
    differing = [
        Assessment("mnist", "agrees", "A."),
        Assessment("gtsrb", "disagrees", "B."),
        Assessment("digits", "mixed", "C."),
    ]
    found = finding("Claim.", "Section 1", differing, "the rule.", "missing")
    rule = "How the verdict comes about: the rule. Where results differ it is mixed."
    others = "Data sets that the paper does not use decide nothing."
    assert found.verdict == "mixed"
    lines = ["A. Taken alone: agrees.", "B. Taken alone: disagrees.", "C.", f"{rule} {others}"]
    assert found.text.splitlines() == lines
    alike = finding("Claim.", "Section 1", [differing[0], differing[0]], "the rule.", "missing")
    assert alike.text.splitlines() == ["A.", "A.", "How the verdict comes about: the rule."]
    open_too = finding(
        "Claim.", "Section 1", [differing[0], Assessment("gtsrb", "inconclusive", "B.")], "the rule.", "x"
    )
    assert open_too.verdict == "agrees"
    assert "B. Taken alone: inconclusive." in open_too.text
    assert "Where results differ" not in open_too.text
    assert open_too.text.endswith("the rule. Inconclusive results decide nothing.")


def test_one_sentence_has_the_number_of_each_verdict_that_decides() -> None:
    spoken = [
        Assessment("digits", "agrees", "D.", "d"),
        Assessment("gtsrb", None, "N.", "n"),
        Assessment("mnist", "inconclusive", "I.", "i"),
        Assessment("mnist", "disagrees", "A. More.", "a"),
        Assessment("cifar10", "agrees", "B."),
        Assessment("gtsrb", "disagrees", "C.", "c"),
    ]

    def decisive(*places: int) -> str:
        told = [spoken[place] for place in places]
        return finding("Claim.", "Section 1", told, "the rule.", "It takes one.", "make").decisive

    assert decisive(0, 1, 2, 3, 4, 5) == "a, and 1 more has the same verdict; B; 1 more is inconclusive."
    assert decisive(2, 2, 5, 3, 3) == "c, and 2 more have the same verdict; 2 more are inconclusive."
    assert decisive(0, 1, 3) == "a."  # data sets of others, and what is only told, are not counted
    assert decisive(2, 2) == "i, and 1 more has the same verdict; more images may tell, or what is not there yet."
    assert decisive(1, 2) == "i; more images may tell, or what is not there yet."
    assert decisive(0, 1) == decisive() == "It takes one."
    assert finding("Claim.", "Section 1", [], "the rule.", "It takes one.", "make").text == "It takes one. make"


def test_a_result_that_the_claim_is_not_about_is_only_told() -> None:
    beside = [Assessment("gtsrb", "agrees", "A."), Assessment("mnist", None, "B.")]
    found = finding("Claim.", "Section 1", beside, "the rule.", "missing")
    assert (found.verdict, found.text) == ("agrees", "A.\nB.\nHow the verdict comes about: the rule.")
    assert finding("Claim.", "Section 1", beside[1:], "the rule.", "missing").verdict == "inconclusive"


def test_what_is_missing_is_said_where_nothing_can_be() -> None:
    assert finding("Claim.", "Section 1", [], "the rule.", "missing").text == "missing"
    found = finding("Claim.", "Section 1", [Assessment("mnist", "inconclusive", "A.")], "the rule.", "missing")
    more = "More images may tell, or what is not there yet. missing"
    assert found.text.splitlines() == ["A.", more, "How the verdict comes about: the rule."]
    told = finding("Claim.", "Section 1", [Assessment("digits", "agrees", "A.")], "the rule.", "missing")
    assert told.text.splitlines()[:2] == ["A.", "missing"]  # more images of other data sets would not tell
    known = Assessment("mnist", "inconclusive", "A.", "a", "b is missing")
    found = finding("Claim.", "Section 1", [known], "the rule.", "missing")
    assert (found.decisive, found.text.splitlines()[1]) == ("a; b is missing.", "B is missing. missing")


def test_names_tell_results_of_one_data_set_apart_where_folders_have_the_same_name() -> None:
    rates = failing(10, [0.1])
    found = [
        evaluation(rates, dataset, levels=[0], folder=Path(f"/runs/{size}/evaluate/{dataset}"))
        for size, dataset in (("laptop", "mnist"), ("full", "mnist"), ("full", "cifar10"))
    ]
    names = names_of([one.source for one in found], evidence(*found))
    assert names == ["MNIST, laptop/evaluate/mnist", "MNIST, full/evaluate/mnist", "CIFAR-10"]
