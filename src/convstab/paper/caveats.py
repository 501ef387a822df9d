"""What limits a comparison with a table of the paper: data, models, training and noise that are not the paper's."""

from collections.abc import Iterator

from convstab.degradations.gaussian import PAPER_SIGMAS
from convstab.evaluation.protocol import PAPER_DRAWS
from convstab.paper import PaperTable
from convstab.paper.measured import noisy_levels
from convstab.report.formatting import count, dataset_name, levels_in_words
from convstab.report.results import Evaluation, Source

MODELS = {"mnist": "LeNet", "cifar10": "CifarQuick", "gtsrb": "Aghdam"}
TRAINED_ON = {"mnist": 60_000, "cifar10": 50_000, "gtsrb": 39_209}  # images; none was kept for validation


def of_files(source: Source) -> Iterator[str]:
    """Whether the images are the publisher's."""
    if source.official is None:
        yield "It is not recorded whether the image files are the publisher's files."
    elif not source.official:
        yield "The image files are not the publisher's files, so the images may differ from the official ones."


def of_source(source: Source, table: PaperTable) -> Iterator[str]:
    """What differs in the data, the model and its training."""
    yield from of_files(source)
    if source.members != table.models:
        yield f"{source.members} models here, {table.models} in the paper."
    if source.model != MODELS[source.dataset]:
        yield f"The model is {source.model}; the paper's is rebuilt as {MODELS[source.dataset]}."
    yield from of_augmentation(source, table)
    yield from of_training_images(source)


def of_augmentation(source: Source, table: PaperTable) -> Iterator[str]:
    """What differs in the augmentation."""
    used = source.augment.split(" + ")
    if source.dataset == "gtsrb" and "Jitter" not in used:
        yield "Trained without jitter (changed positions, sizes and colours); the paper trained with it."
    if source.dataset == "gtsrb" and "Jitter" in used:
        yield "The jitter is an approximation: the text that the paper takes it from is not available."
    if source.dataset != "gtsrb" and source.augment != "none":
        name = dataset_name(source.dataset)
        yield f"Trained with the augmentation {source.augment}; the paper names none for {name}."
    if table.noisy_training and "NoisyCopies" not in used:
        yield "Trained on noise, but not with 15 noisy copies of each image as in the paper."


def of_training_images(source: Source) -> Iterator[str]:
    """What differs in the number of training images."""
    train, validation = source.images.get("train"), source.images.get("validation") or 0
    paper = TRAINED_ON[source.dataset]
    if train is None:
        yield "The number of training images is not recorded."
    elif isinstance(train, str) or isinstance(validation, str):
        yield f"The models were trained on different numbers of images; the full set has {paper:,}."
    elif train + validation != paper:
        yield f"Trained on {count(train, 'image')}, {validation:,} more for validation; the full set has {paper:,}."
    elif validation:
        yield f"Trained on {count(train, 'image')}; {validation:,} more were kept for validation, none in the paper."


def of_test_images(tested: int, table: PaperTable) -> Iterator[str]:
    """Whether the whole test set was classified."""
    if tested != sum(table.images):
        yield f"{count(tested, 'test image')} here; the whole test set has {sum(table.images):,}."


def of_protocol(evaluation: Evaluation) -> Iterator[str]:
    """What differs in the noisy copies."""
    result = evaluation.result
    noisy = noisy_levels(result).tolist()
    if tuple(noisy) != PAPER_SIGMAS:
        yield f"Sigma is {levels_in_words(noisy)} here, and {levels_in_words(PAPER_SIGMAS)} in the paper."
    if set(result.protocol.degraded_draws) != {PAPER_DRAWS}:
        yield f"{result.draws_in_words} noisy copies of each image under each sigma, {PAPER_DRAWS} in the paper."
    if not all(evaluation.summary.get("protocol", {}).get(name, True) for name in ("clip", "rounding")):
        yield "The noisy copies are not 8-bit images: they were not both clipped and rounded."
