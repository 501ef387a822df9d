"""What the attacks say of the paper's claims on the least noise and on the margin between classes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from convstab.paper.measured import LeastNoise, Measured, best_partner, least_noise, noise_ratio, without_noise
from convstab.paper.remedy_claims import NOT_ALIKE, differences
from convstab.paper.verdicts import SIGNIFICANTLY, Assessment, finding, range_in_words
from convstab.report.content import Finding, Verdict
from convstab.report.formatting import count, factor, listed, named
from convstab.report.inventory import folders_of, unique_names
from convstab.report.results import Attacked, Evidence

HARDLY_SEEN = 30.0  # dB; noise of sigma 8
LITTLE = 1.1  # times the least noise: a margin that grew by less did not grow
STRONG = {  # they follow the gradient to the least noise, where they go as far as they do unless told otherwise
    "DDN": {"steps": 300},
    "CarliniWagner": {"searches": 9, "steps": 500},
}
KNOWN = {"Paper": "The paper's search to the letter", "Genetic": "The genetic search of this project"}


def slim_margins(evidence: Evidence) -> Finding:
    """Noise that is hardly seen is enough."""
    models, folders = attacked_models(evidence), folders_of(evidence)
    titles = unique_names(
        [title_of(of_model[0]) for of_model in models], [folders[one[0].source.folder] for one in models]
    )
    return finding(
        "The least noise that makes a model fail is hardly perceivable, so the margins between classes are slim.",
        "Section 3, Figures 1 and 2; Section 5",
        [least_noise_of(of_model, title, folders) for of_model, title in zip(models, titles, strict=True)],
        f"it agrees where the median of the least noise that any attack found is significantly at {HARDLY_SEEN:.0f} "
        "dB or above, as weak as Gaussian noise of sigma 8 or weaker. Every attack finds an upper bound of the least "
        f"noise; so it disagrees only where no attack found such weak noise and one of {' and '.join(STRONG)}, which "
        "follow the gradient, came to its own end, was not made shorter, fooled the model on all images and "
        "significantly needed stronger noise; else it is inconclusive. Whether eyes see it was not tried. "
        f"Only images that are correct when clean are attacked; a failure counts as infinite. {SIGNIFICANTLY}",
        "It takes an attack that follows the gradient on a model trained without noise.",
        "convstab-attack run=<a training> attack=ddn makes it; for the paper's own search attack=paper.",
    )


def attacked_models(evidence: Evidence) -> list[list[Attacked]]:
    """The attacks with something to attack on models trained without noise, those of one model together."""
    models = defaultdict(list)
    for one in evidence.attacks:
        if one.result.rows["attacked"].any() and not one.source.noisy:
            models[model_of(one)].append(one)
    return list(models.values())


def model_of(attacked: Attacked) -> str:
    """What tells models apart: their kind, what they were trained on, and their run directories; a text to compare."""
    source = attacked.source
    kind = source.dataset, source.model, source.augment, source.members, source.seeds
    return repr((kind, source.epochs, source.images, source.official, attacked.config.get("run")))


def title_of(attacked: Attacked) -> str:
    """The model that was attacked."""
    source = attacked.source
    models = f", {source.members} models" if source.members > 1 else ""
    return f"{named(source)}, augment {source.augment}{models}"


def least_noise_of(attacks: Sequence[Attacked], title: str, folders: Mapping[Path, str]) -> Assessment:
    """What the attacks on one model say of it."""
    kinds = [KNOWN.get(one.result.attack, one.result.attack) for one in attacks]
    names = unique_names(kinds, [folders[one.source.folder] for one in attacks])
    found = sorted(
        ((least_noise(one.result), one, name) for one, name in zip(attacks, names, strict=True)),
        key=lambda of_one: of_one[0].l2.value,
    )
    lines = [noise_in_words(name, noise, one) for noise, one, name in found]
    letter = [(noise, one) for noise, one, _ in found if one.result.attack == "Paper"]
    verdict = slim_verdict([(noise, one) for noise, one, _ in found])
    said = " ".join([f"{title}:", *lines, *exact_search_note(letter, found[0][0])])
    decisive = least_in_words(title, *decisive_noise(found, verdict))
    return Assessment(attacks[0].source.dataset, verdict, said, decisive)


def decisive_noise(found: Sequence[tuple[LeastNoise, Attacked, str]], verdict: Verdict) -> tuple[LeastNoise, str]:
    """What the verdict rests on, with the name of the attack: the first that decides, the least noise if none does."""
    for noise, one, name in found:
        if slim_verdict([(noise, one)]) == verdict:
            return noise, name
    noise, _, name = found[0]
    return noise, name


def least_in_words(title: str, noise: LeastNoise, name: str) -> str:
    """The median of the least noise of one attack as a PSNR, which its verdict is about."""
    if not np.isfinite(noise.l2.value):
        return f"{title}: {name} fools the model on {noise.success} of {count(noise.l2.images, 'image')}"
    low, high = noise.psnr.low, noise.psnr.high
    ends = f"95 %: {low:.1f} to {high:.1f} dB" if np.isfinite(low) else f"95 %: at most {high:.1f} dB"
    ends = "too few images for an interval" if noise.l2.low == -np.inf else ends
    return (
        f"{title}: {name} fools the model with noise of {noise.psnr.value:.1f} dB in the median over "
        f"{count(noise.l2.images, 'image')} ({ends}); {HARDLY_SEEN:.0f} dB or more is hardly seen"
    )


def slim_verdict(found: Sequence[tuple[LeastNoise, Attacked]]) -> Verdict:
    """Whether weak noise is enough; found: what each attack found. It is an upper bound, wherever the attack ended."""
    if any(noise.psnr.low >= HARDLY_SEEN for noise, _ in found):
        return "agrees"
    sure = [noise for noise, one in found if is_strong(one) and noise.success == noise.l2.images]
    weak = any(noise.psnr.value >= HARDLY_SEEN for noise, _ in found)
    return "disagrees" if not weak and any(noise.psnr.high < HARDLY_SEEN for noise in sure) else "inconclusive"


def is_strong(attacked: Attacked) -> bool:
    """Whether an attack follows the gradient to the least noise, at full length, and came to its end on every image."""
    return attacked.result.attack in STRONG and not cut_off(attacked) and not shorter(attacked)


def shorter(attacked: Attacked) -> list[str]:
    """The settings that make an attack along the gradient shorter than it is unless told otherwise, in words."""
    settings = attacked.config.get("attack") or {}
    least = STRONG.get(attacked.result.attack, {})
    return [f"{name}={settings[name]}" for name, full in least.items() if settings.get(name, full) < full]


def cut_off(attacked: Attacked) -> float:
    """The share of its searches that a limit ended before their own rule did."""
    return float(attacked.result.summary["cut_off"])


def noise_in_words(name: str, noise: LeastNoise, attacked: Attacked) -> str:
    """What one attack found."""
    images, failed, queries = noise.l2.images, noise.l2.images - noise.success, attacked.config.get("max_queries")
    within = "" if queries is None else f" within {queries:,} queries each"
    ended = f" (its limit cut off {100 * cut_off(attacked):.0f} % of the searches)" if cut_off(attacked) else ""
    short = f" (made shorter: {listed(shorter(attacked))})" if shorter(attacked) else ""
    found = f"{name} fools the model on {noise.success} of {count(images, 'image')}{within}{ended}{short}"
    if not np.isfinite(noise.l2.value):
        return f"{found}; it failed on {failed}, so the median is infinite."
    return (
        f"{found} with a median L2 norm of {noise.l2.value:.3g} ({range_in_words(noise.l2)}), "
        f"which is {noise.rms:.3g} grey levels (root mean square) or {noise.psnr.value:.1f} dB; 90 % of the images "
        f"need at most {factor(noise.l2_90)}."
    )


def exact_search_note(letter: Sequence[tuple[LeastNoise, Attacked]], best: LeastNoise) -> list[str]:
    """What the paper's own search means for the claim, beside the best one; letter: what it found, the least first.

    A search that was cut off says nothing of what the algorithm cannot find.
    """
    if not letter or not np.isfinite(letter[0][0].l2.value):
        return []
    mine, attacked = letter[0]
    strength = f"as strong as Gaussian noise of sigma {mine.rms:.3g}"
    if mine.psnr.value >= HARDLY_SEEN:
        return [f"So the paper's search itself finds weak noise, {strength}."]
    if cut_off(attacked):
        return ["The paper's search was not run to its own end, so what it cannot find is not known."]
    said = f"The paper's search alone, with the settings used here, does not show it: its noise is {strength}"
    if best.psnr.value < HARDLY_SEEN:
        return [f"{said}."]
    times = mine.l2.value / best.l2.value
    return [f"{said}. The better search shows it, whose median norm is {times:.3g} times smaller."]


def margin_stays(evidence: Evidence) -> Finding:
    """Training on noisy copies does not increase the margin."""
    usable = [one for one in evidence.attacks if one.source.members == 1 and one.result.rows["attacked"].any()]
    clean = [one for one in usable if not one.source.noisy]
    return finding(
        "Adding many noisy images to the training set does not increase the margin between classes.",
        "Abstract; Section 4, Augmenting Noisy Images (the paper measures no margin)",
        [of_margin(one, clean) for one in usable if one.source.noisy],
        "it disagrees where the model trained on noise significantly needs more noise to fail, image by image; it "
        f"agrees where it significantly needs less than {LITTLE:g} times as much; else it is inconclusive. Only "
        f"attacks that follow the gradient to the least noise decide, {' and '.join(STRONG)}, where no limit cut them "
        "off and they were not made shorter: what others need says little of the margin. Models that were not "
        f"trained alike but for the noise decide nothing. {SIGNIFICANTLY}",
        "It takes one attack on a model trained on noisy copies and the same attack on one trained alike but for the "
        "noise.",
        "convstab-attack run=<each> attack=ddn makes them.",
    )


def of_margin(trained: Attacked, clean: Sequence[Attacked]) -> Assessment:
    """What one attack on a model that was trained on noise says of it."""
    source, kind = trained.source, trained.result.attack
    same = [one for one in clean if one.result.attack == kind]
    name = f"{named(source)}, {KNOWN.get(kind, kind)}"
    place = best_partner(source, without_noise(source.augment), [one.source for one in same])
    ratio = None if place is None else noise_ratio(same[place].result, trained.result)
    if place is None or ratio is None:
        said = f"{name}: the same attack on the same images is not there for a model trained without noise."
        return Assessment(source.dataset, "inconclusive", said)
    partner = same[place].source
    found = (
        f"{name}, augment {source.augment} against {partner.augment}: the least noise is {factor(ratio.value)} times "
        f"as large ({range_in_words(ratio)}; median over {count(ratio.images, 'image')})."
    )
    limits = f"{differences(source, partner)}{budgets(trained, same[place])}{short_note(trained, same[place])}"
    said = f"{found}{limits}"
    if partner.augment != without_noise(source.augment):
        return Assessment(source.dataset, "inconclusive", f"{said} {NOT_ALIKE}", found)
    decides = is_strong(trained) and is_strong(same[place])
    return Assessment(source.dataset, margin_verdict(ratio) if decides else "inconclusive", said, found)


def short_note(*attacks: Attacked) -> str:
    """That attacks of a kind were made shorter, and so decide nothing; empty where none was."""
    found = list(dict.fromkeys(word for one in attacks for word in shorter(one)))
    return f" The attack was made shorter ({listed(found)}), so the least noise is not known." if found else ""


def budgets(first: Attacked, second: Attacked) -> str:
    """What differs in the settings of two attacks of one kind."""
    queries = [one.config.get("max_queries") for one in (first, second)]
    settings = [dict(one.config.get("attack") or {}) for one in (first, second)]
    other = sorted(name for name in settings[0] | settings[1] if settings[0].get(name) != settings[1].get(name))
    limits = ["any number" if one is None else f"at most {one:,}" for one in queries]
    parts = [f"queries: {limits[0]} against {limits[1]}"] if queries[0] != queries[1] else []
    parts += [listed(other)] if other else []
    return f" The two attacks differ in their settings: {'; '.join(parts)}." if parts else ""


def margin_verdict(ratio: Measured) -> Verdict:
    """Whether the margin stayed; ratio: of the least noise with and without noise in the training."""
    if ratio.low > 1:
        return "disagrees"
    return "agrees" if ratio.high < LITTLE else "inconclusive"
