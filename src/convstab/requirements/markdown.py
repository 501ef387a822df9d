"""Verdicts as a table, and as a page of evidence, in Markdown."""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from convstab.requirements.assessment import Assessed
from convstab.requirements.decision import FAIL, PASS, UNDECIDED
from convstab.requirements.evidence import as_words
from convstab.requirements.specification import EACH, Requirement, Specification
from convstab.runs.results import Results

HEAD = "requirement", "measured", "95 %", "over", "p if not met", "p if met", "verdict", "evidence"
NOT_TO_PRINT = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
SPECIAL = re.compile(r"([\\`*_{}\[\]|#~$!])")
SCOPE = (
    "This page holds statistical evidence for the robustness of a classifier of images, laid out in the spirit of "
    "ISO/IEC 24029-3, which is about statistical methods. It is evidence for or against the requirements below, on the "
    "data below, and no certificate: whether it is enough is for those to say who know what the system is used for."
)
LIMITS = (
    "The images stand for those that the system will meet as far as they were drawn like them; no test can tell. "
    "What no requirement is about was not tested.",
    "Levels are levels of the degradation that is named. Other degradations, and several at once, are other questions.",
    "An attack finds noise that is enough, not the least there is: what it says of an image is an upper bound on its "
    "least noise. A fail stands whatever a better search may find; a pass is about this attack only.",
    "Requirements that were chosen or changed after their results were seen are no test of these results.",
)


def table(assessed: Sequence[Assessed]) -> str:
    """A row for each requirement, as Markdown."""
    rows = [map(escape, cells(one)) for one in assessed]
    align = ["---", *["---:"] * 2, "---", *["---:"] * 2, "---", "---"]
    return "\n".join(f"| {' | '.join(row)} |" for row in (HEAD, align, *rows))


def cells(one: Assessed) -> tuple[str, ...]:
    """The row of a requirement."""
    (low, high), of = one.sample.interval(), f" ({one.sample.of})" if one.requirement.of_class == EACH else ""
    measured, interval = f"{one.sample.counted[0]:.2%}{of}", f"{100 * low:.2f}-{100 * high:.2f}"
    p = (f"{p:.2g}" for p in (one.met, one.missed))
    return one.requirement.name, measured, interval, one.sample.in_words, *p, one.verdict, str(one.evidence.folder)


def document(specification: Specification, assessed: Sequence[Assessed], results: Results) -> str:
    """The page: what was required of which system, how it was tested, and what came of it."""
    parts = [
        *("# Evidence for robustness requirements", "## Scope", SCOPE),
        *("## System and data under test", bullets(system(results))),
        *("## Robustness properties", bullets(properties(assessed))),
        *("## Statistical method", *method(specification)),
        *("## Results", table(assessed), counts(assessed)),
        *("## Limits", bullets([*LIMITS, *remarks(assessed)])),
    ]
    return "\n\n".join(parts) + "\n"


def system(results: Results) -> Iterator[str]:
    """The model, and each result: its data and how it was made."""
    for folder, one in results.evaluations.items():
        protocol = one.protocol
        levels = ", ".join(f"{level:g}" for level in protocol.levels)
        made = f"{one.degradation.in_words}, {protocol.quantity} {levels} ({protocol.unit}), {protocol.draws_in_words} "
        over = f"{one.images:,} images, {len(one.classes)} classes, independent: {one.units.in_words(one.images)}"
        yield f"{folder}: evaluation; {made}draws each, seed {protocol.seed}; {over}; {provenance(results, folder)}"
    for folder, attack in results.attacks.items():
        numbers, settings = attack.summary, ", ".join(f"{name} {value}" for name, value in attack.protocol.items())
        over = f"{numbers['attacked']:,} of {numbers['images']:,} images, those that are correct when clean"
        yield f"{folder}: attack {attack.attack}; {settings}; {over}; {provenance(results, folder)}"


def provenance(results: Results, folder: Any) -> str:
    """Which model it was, and with which versions the result was made."""
    summary: Mapping[str, Any] = results.summaries.get(folder, {})
    training, made_with = summary.get("training", {}), summary.get("made_with", {})
    data = f", {trained(training)}" if "dataset" in training else ""
    versions = ", ".join(f"{name} {made_with[name]}" for name in ("convstab", "torch", "device") if name in made_with)
    versions += f", classified in {made_with['forward']}" if "forward" in made_with else ""
    return f"model {summary.get('run', 'not named')}{data}" + (f"; {versions}" if versions else "")


def trained(training: Mapping[str, Any]) -> str:
    """What the model has learnt from, as far as it is known, and what it was tested on where that is not the same."""
    dataset = str(training["dataset"])
    if training.get("seeds") == []:  # it was trained elsewhere
        return f"tested on {dataset}; training not known"
    return f"tested on {dataset}" if "(trained on " in dataset else f"trained on {dataset}"


def properties(assessed: Sequence[Assessed]) -> Iterator[str]:
    """What is required, in words."""
    for one in assessed:
        yield f"{one.requirement.name}: {asked(one.requirement)}"


def asked(wanted: Requirement) -> str:
    """What a requirement asks, in words."""
    kind = wanted.kind
    share = "" if wanted.share is None else f", for a share of at least {wanted.share:.10g} of the images attacked"
    of_class = "" if wanted.of_class is None else f", class: {wanted.of_class}"
    level = "" if wanted.level is None else f", level: {as_words(wanted.level)}"
    return f"{kind.words}{of_class}{level}: {kind.side.replace('_', ' ')} {wanted.bound:.10g}{kind.unit}{share}"


def method(specification: Specification) -> Iterator[str]:
    """What the verdicts rest on."""
    sure, risk = f"{specification.confidence:.6g}", f"{specification.risk:.6g}"
    yield (
        "Each requirement is tested by the binomial law of Clopper and Pearson (1934) over independent units: images, "
        "or groups of images that show one object, never draws. An image counts by its share of draws, which spreads "
        "less than a coin of the same mean; units of unequal size, and a design effect, count as fewer."
    )
    yield (
        f"p if not met is the chance of so good a result, or a better one, if the true share were no better than its "
        f"bound; p if met that of so bad a one, or a worse one, if it were no worse: p-values, both adjusted by Holm's "
        f"method (1979) for all {len(specification.requirements)} requirements. Pass: p if not met is at most {risk}; "
        f"fail: p if met is; undecided: neither is, and more images would tell. So "
        f"the confidence that no pass is wrong is at least {sure}, of all of them together, and so it is of the fails. "
        "That each class keeps a bound passes where each class does (intersection-union test); the class shown is the "
        "one with the largest p-value. Intervals are of 95 %, each for itself and to both sides."
    )


def counts(assessed: Sequence[Assessed]) -> str:
    """How many of each verdict there are."""
    verdicts = [one.verdict for one in assessed]
    return f"{verdicts.count(PASS)} pass, {verdicts.count(FAIL)} fail, {verdicts.count(UNDECIDED)} undecided."


def remarks(assessed: Sequence[Assessed]) -> Iterator[str]:
    """What is to be known of the evidence of single requirements."""
    for one in assessed:
        if one.evidence.remarks:
            yield f"{one.requirement.name}: {'; '.join(one.evidence.remarks)}"


def bullets(lines: Iterator[str] | Sequence[str]) -> str:
    """A list."""
    return "\n".join(f"- {escape(line)}" for line in lines)


def escape(text: str) -> str:
    """Text that Markdown and HTML show as it is, on one line."""
    return SPECIAL.sub(r"\\\1", html.escape(" ".join(printable(text).split()), quote=False))


def printable(text: str) -> str:
    """Text without what moves a terminal, and what neither XML nor UTF-8 can hold, not even escaped."""
    return NOT_TO_PRINT.sub("\ufffd", text)
