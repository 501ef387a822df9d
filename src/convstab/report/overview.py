"""What a page says first of a model: what was asked of it, and the answers, each in a sentence with its numbers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from convstab.evaluation.cells import NOT_DEFINED, level_in_words
from convstab.evaluation.result import StabilityResult
from convstab.figures.levels import named_level
from convstab.images import NAME
from convstab.ledger.ledger import Ledger
from convstab.ledger.sentences import certifies
from convstab.ledger.tables import distances, number, radius_of
from convstab.report.formatting import count, in_percent, listed, of_draws, points
from convstab.report.ledgers import Joined
from convstab.report.results import Evaluation, Evidence
from convstab.runs.settled import FORWARD
from convstab.statistics import rates
from convstab.statistics.intervals import Estimate, Floats
from convstab.units import Integers

FELT = 0.01  # share of the draws: from where on a degradation is said to be felt
BEYOND = number(np.inf)  # how a table says that no search found any
NAMED = 3  # classes, and images, that are named
REQUIRE = "A bound that the model has to keep: write it down and ask convstab-require requirements.yaml FOLDER."


@dataclass(frozen=True)
class Answer:
    """A question, what the numbers say, and the id of the part of the page that shows them; "": none."""

    question: str
    text: str
    shown: str = ""


@dataclass(frozen=True)
class Overview:
    """The answers of an evaluation. name: of the evaluation. next: what to do next, in sentences."""

    name: str
    answers: list[Answer]
    next: list[str]


def overviews(evidence: Evidence, ledgers: Sequence[Joined], names: Sequence[str]) -> list[Overview]:
    """One for each evaluation; names: theirs."""
    return [
        overview(
            name,
            place,
            evaluation,
            next((one for one in ledgers if one.evaluation is evaluation), None),
            {names[other]: found for other, found in evidence.differences[place].items()},
        )
        for place, (name, evaluation) in enumerate(zip(names, evidence.evaluations, strict=False))
    ]


def overview(
    name: str, place: int, evaluation: Evaluation, joined: Joined | None, others: Mapping[str, Estimate]
) -> Overview:
    """The answers of one evaluation; place: its number among all. others: how much better it is than these."""
    result, levels = evaluation.result, f"levels-{place}"
    answers = [
        Answer("What was asked", asked(result), "ran"),
        Answer("Without degradation", without(evaluation), levels),
    ]
    if result.degraded.any():
        answers.append(Answer("At the worst level", at_the_worst(result), levels))
        answers += [Answer("From where it is felt", felt(result), levels)] if not result.degraded[0] else []
        answers += [Answer(f"Beside {other}", said, levels) for other, said in beside(result, others)]
        answers.append(Answer("Which classes", classes(result)))
    if joined is not None and len(joined.rows):
        answers.append(Answer("Which images first", first_images(joined), f"{joined.id}-images"))
        answers += [Answer("The least noise", line, f"account-{joined.id}") for line in least_noise(joined.ledger)]
        if certifies(joined.ledger):
            answers.append(Answer("What is certain", certified(joined.ledger), f"account-{joined.id}"))
    told = [answer for answer in answers if answer.text]
    return Overview(name, told, list(next_steps(evaluation, joined)))


def asked(result: StabilityResult) -> str:
    """The images, and what was done to them."""
    quantity, unit = result.protocol.quantity, result.protocol.unit
    some = [level_in_words(level) for level in result.levels[result.degraded]]
    span = f"{quantity} {some[0]} to {some[-1]} ({unit})" if some else "no level that changes them"
    copies = f"{of_draws(result, 'degraded copy', 'degraded copies')} of each at each of {count(len(some), 'level')}"
    images = f"{count(result.images, 'image')} of {count(len(result.classes), 'class', 'classes')}"
    return f"{images}; {result.degradation.title}, {span}: {copies}."


def without(evaluation: Evaluation) -> str:
    """The accuracy on the images as they are, and in which precision they were classified, where that is known."""
    forward = evaluation.summary.get("made_with", {}).get(FORWARD.name)
    return clean(evaluation.result) + (f" Classified in {forward}." if forward else "")


def clean(result: StabilityResult) -> str:
    """The accuracy on the images as they are."""
    if result.degraded[0]:
        return "The images as they are were not classified."
    over = result.units.in_words(result.images)
    return f"{estimated(result.accuracy, 0)} of the images are classified correctly; intervals are over {over}."


def at_the_worst(result: StabilityResult) -> str:
    """Accuracy and flips under the last level."""
    said = f"At {named_level(result, -1)}, {estimated(result.accuracy, -1)} of the copies are classified correctly"
    if result.degraded[0]:
        return f"{said}."
    return f"{said}; of images that are correct when clean, {estimated(result.flip_rate, -1)} of the copies flip."


def beside(result: StabilityResult, others: Mapping[str, Estimate]) -> Iterator[tuple[str, str]]:
    """How much better the copies are classified under the last level than by others that saw the same draws."""
    for other, found in islice(others.items(), NAMED):
        value, low, high = (float(ends[-1]) for ends in (found.value, found.low, found.high))
        if np.isnan(low):
            continue
        ends = f"95 % {100 * low:+.2f} to {100 * high:+.2f}, on the same draws"
        if low <= 0 <= high:
            yield other, f"At {named_level(result, -1)} no difference is shown: {points(value)} ({ends})."
        else:
            size, more = points(abs(value)).lstrip("+"), "more" if value > 0 else "fewer"
            yield other, f"At {named_level(result, -1)}, {size} {more} of the copies are classified correctly ({ends})."


def felt(result: StabilityResult) -> str:
    """The mildest level with clearly more flips than a share; empty where no image is correct when clean."""
    low, share = result.flip_rate.low, in_percent(FELT)
    over = np.flatnonzero(low > FELT)
    if np.isnan(low[result.degraded]).all():
        return ""
    if not len(over):
        return f"At no level do clearly more than {share} of the copies flip."
    since = f"From {named_level(result, over[0])} on" if len(over) == len(low) - over[0] else "First"
    where = "" if since != "First" else f" at {named_level(result, over[0])}"
    return f"{since}{where}, clearly more than {share} of the copies flip."


def classes(result: StabilityResult) -> str:
    """The classes that lose most recall, and least, under the last level; empty where none loses any."""
    lost, images = losses(result)
    order = [int(label) for label in np.argsort(lost, kind="stable") if np.isfinite(lost[label])]
    some = min(NAMED, len(order) // 2)
    if not some or lost[order[0]] >= 0:
        return ""

    def said(labels: Sequence[int]) -> str:
        return listed([f"{result.classes[of]} ({points(lost[of])}, {count(images[of], 'image')})" for of in labels])

    most, least = said(order[:some]), said(order[::-1][:some])
    return f"Change of recall up to {named_level(result, -1)}, without intervals. Hurt most: {most}. Least: {least}."


def losses(result: StabilityResult) -> tuple[Floats, Integers]:
    """Change of the recall of each class from the first level to the last, (K,), NaN without images; and how many."""
    both = ~np.isnan(result.rates[:, [0, -1]]).any(1)  # not every image can have each PSNR
    number = np.bincount(result.labels[both], minlength=len(result.classes))
    change = np.bincount(result.labels[both], result.rates[both, -1] - result.rates[both, 0], len(result.classes))
    return rates.ratio(change, number), number


def first_images(joined: Joined) -> str:
    """The images that flip most often."""
    ledger, flips = joined.ledger, joined.ledger.by_level("flips")
    drawn = ledger.rows["clean_correct"] & ~np.isnan(flips).all(1)
    never = f"{count(int((np.nansum(flips[drawn], axis=1) == 0).sum()), 'image')} of {int(drawn.sum()):,} never flipped"
    rows = [row for row in joined.rows[:NAMED] if np.nansum(flips[row]) > 0]
    if not rows:
        return f"Of those that are correct when clean, {never}."
    names = [ledger.classes[label] for label in ledger.rows["label"][rows]]
    shares = [in_percent(np.nanmean(flips[row])) for row in rows]
    which = ledger.rows.get(NAME, ledger.rows["index"])[rows]
    named = [f"{image} ({name}, {share})" for image, name, share in zip(which, names, shares, strict=True)]
    return f"Of those that are correct when clean, these flip most often over all levels: {listed(named)}. {never}."


def least_noise(ledger: Ledger) -> Iterator[str]:
    """What each attack, or all together, found."""
    for way, what, images, median, nearest in distances(ledger).rows:
        name = f"{way[:1].upper()}{way[1:]}"
        if what == "upper bound" and median.startswith(BEYOND):
            tenth = f"; a tenth need no more than {nearest} grey levels" if nearest != BEYOND else ""
            yield f"{name}: for fewer than half of {images} images noise was found{tenth}."
        elif what == "upper bound":
            yield (
                f"{name}: half of {images} images need no more than an L2 norm of {median} grey levels, "
                f"a tenth no more than {nearest}."
            )


def certified(ledger: Ledger) -> str:
    """The sigma whose certificates reach furthest, and how far."""
    radius = {level: radius_of(ledger, level) for level in ledger.levels}
    best = max(radius, key=lambda level: (float(np.median(radius[level])), float((radius[level] > 0).mean())))
    share, median = float((radius[best] > 0).mean()), float(np.median(radius[best]))
    if not share:
        return "At no sigma do the draws give a certificate for an image: they are too few, or flip too often."
    half = f"; for half of them it reaches an L2 norm of {median:.3g} grey levels or more" if median else ""
    return (
        f"The model smoothed with sigma {best:g} has a certificate for the label of {in_percent(share)} of the images "
        f"that are correct when clean{half}. "
        f"Each is wrong with a chance of at most {ledger.settings['alpha']:g}; the sigma was chosen afterwards. "
        "It says nothing of the model itself."
    )


def next_steps(evaluation: Evaluation, joined: Joined | None) -> Iterator[str]:
    """What would tell more."""
    if joined is not None and not joined.attacks:
        yield (
            "The least noise, if the model can be loaded here: convstab-attack with the same words for it, attack=ddn "
            "images=null images_of=FOLDER, the folder of this evaluation; then convstab-report with both folders."
        )
    if evaluation.examples is not None and evaluation.result.scored:
        yield "The charts of scores below show the images behind each dot."
    yield REQUIRE


def estimated(rate: Estimate, place: int) -> str:
    """A share with its 95 % interval."""
    value, low, high = (float(ends[place]) for ends in (rate.value, rate.low, rate.high))
    if np.isnan(value):
        return NOT_DEFINED
    return f"{in_percent(value)} ({100 * low:.2f} to {100 * high:.2f} %)"
