"""The loop of the genetic search for the least noise, for several images at once. Paper: section 3.

Operators work on whole populations as tensors. Of DEAP it has the toolbox, which names them, and the statistics; DEAP's
own operators and algorithm run in ``attacks.deap_engine``.
"""

import time
from collections.abc import Callable
from operator import itemgetter

import numpy as np
import torch
from deap import base, tools
from torch import Tensor, nn

from convstab.errors import InputError
from convstab.generators.streams import Streams
from convstab.genetic import descent
from convstab.genetic.objectives import margins
from convstab.genetic.operators import take
from convstab.genetic.population import Images, Outcome, Slots
from convstab.genetic.settings import Settings
from convstab.genetic.trials import ANY, Trials, nearest, towards
from convstab.images import GREY_LEVELS, as_images, grey_to_unit_, quantise_, whole_groups

BEATEN = 0.3  # quantile of a generation that half of the next should beat when mutation has the right size
Progress = Callable[[int], object]


class Search:
    """Evolves one population for each slot; an image that is finished leaves its slot to the next one.

    toolbox: names the operators. initialise (genes, streams) fills populations; evaluate (logits,
        labels, norm, margin) -> fitness, projection; rank (fitness, margin, norm) -> what elitism and the result go by;
        select (fitness, streams) -> parents; mate (genes, streams) and mutate (genes, streams, amplitude) in place.
    classifier: images in [0, 1], float (N, C, H, W), channels last -> logits (N, K).
    max_queries: individuals that may be evaluated for each image, at least one generation; None: as many as it takes.
    progress: is given the number of images just finished.
    """

    def __init__(
        self,
        toolbox: base.Toolbox,
        settings: Settings,
        classifier: nn.Module,
        images: Images,
        seed: int,
        max_queries: int | None,
        progress: Progress = lambda _: None,
    ) -> None:
        self.toolbox, self.settings, self.classifier, self.progress = toolbox, settings, classifier, progress
        self.images, self.outcome = images, Outcome(images)
        self.generations = settings.affordable(max_queries)
        self.trial = int(settings.trial * self.generations)  # generations
        self.statistics, self.streams = statistics(), Streams(seed, images.rows.device)
        self.waiting = iter(range(len(images.index)))
        count = min(settings.slots, len(images.index))
        self.slots = Slots(count, settings.population, images)
        self.children = torch.empty_like(self.slots.genes)
        self.noisy = self.children.new_zeros(whole_groups(count * settings.population), images.rows.shape[1])
        for slot, image in zip(range(count), self.waiting, strict=False):
            self.streams.append(0)
            self.fill(slot, image)

    def fill(self, slot: int, image: int) -> None:
        """Give a slot to an image: a fresh population, nothing remembered."""
        slots, images = self.slots, self.images
        slots.image[slot], slots.age[slot], slots.trials[slot] = image, 0, None
        slots.clean[slot, 0], slots.labels[slot] = images.rows[image], images.labels[image]
        self.streams.restart(slot, images.index[image])
        self.begin(slot)
        self.aim(slot, ANY)

    def begin(self, slot: int) -> None:
        """A fresh population, nothing found."""
        slots = self.slots
        slots.stagnation[slot], slots.amplitude[slot] = 0, self.settings.amplitude
        slots.best[slot], slots.slope[slot], slots.turn[slot] = torch.inf, 0, descent.FIRST
        self.toolbox.initialise(slots.genes[slot : slot + 1], self.streams.only(slot))

    def aim(self, slot: int, target: int) -> None:
        """From now on the noise of a slot is to lead to a class, or to any."""
        slots = self.slots
        clean, label = self.images.clean[slots.image[slot]], int(slots.labels[slot])
        others = clean.index_fill(0, slots.labels[slot], -torch.inf)
        slots.margin[slot] = clean[label] - (others.max() if target == ANY else clean[target])
        slots.target[slot], slots.success_threshold[slot] = target, torch.nan

    @torch.inference_mode()
    def run(self) -> Outcome:
        """Evolve until every image is finished."""
        slots = self.slots
        while len(slots):
            started = time.perf_counter()
            logits, norm = self.classify()
            self.plan_trials(logits, norm)
            seen, margin = towards(logits, slots.labels, slots.target), margins(logits, slots.labels)
            fitness, projection = self.toolbox.evaluate(seen, slots.labels, norm, slots.margin)
            rank = self.toolbox.rank(fitness, margin, norm)
            if not rank.isfinite().all():
                raise InputError("the classifier returned logits that are infinite or not a number")
            self.remember(rank)
            self.record(fitness, margin)
            if self.settings.damping is not None:
                self.adapt(fitness)
            self.breed(fitness, margins(seen, slots.labels), rank, projection)
            self.end_trials()
            self.outcome.seconds[slots.image] += (time.perf_counter() - started) / len(slots)
            self.replace_finished()
        return self.outcome

    def classify(self) -> tuple[Tensor, Tensor]:
        """Clip the noise to the box, in place; logits (slots, population, K) and norms (slots, population)."""
        genes, rows = self.slots.genes, len(self.slots) * self.settings.population
        padded = self.noisy[: whole_groups(rows)]
        noisy = padded[:rows].view_as(genes)
        torch.add(genes, self.slots.clean, out=noisy)
        quantise_(noisy, rounding=False)
        torch.sub(noisy, self.slots.clean, out=genes)
        norm = torch.linalg.vector_norm(genes, dim=2)
        images = as_images(grey_to_unit_(padded), self.images.shape)
        with torch.autocast(images.device.type, enabled=False):
            logits = torch.cat(
                [self.classifier(batch).float() for batch in images.split(whole_groups(self.settings.batch_size))]
            )
        return logits[:rows].unflatten(0, norm.shape), norm

    def plan_trials(self, logits: Tensor, norm: Tensor) -> None:
        """Let the first generation of an image say which classes are nearest; its population tries the first."""
        slots = self.slots
        for slot, trials in enumerate(slots.trials):
            if trials is None:
                clean, label = self.images.clean[slots.image[slot]], int(slots.labels[slot])
                several = min(self.settings.targets, len(clean) - 1) > 1 and self.trial > 0
                classes = nearest(logits[slot], clean, label, norm[slot], self.settings.targets) if several else []
                slots.trials[slot] = Trials(classes[1:])
                self.aim(slot, classes[0] if classes else ANY)

    def end_trials(self) -> None:
        """After its share of the generations, or a stall, the next class is tried; after the last the best goes on."""
        slots = self.slots
        for slot, trials in enumerate(slots.trials):
            assert trials is not None
            over = slots.age[slot] >= trials.number * self.trial or slots.stagnation[slot] >= self.settings.patience
            if slots.target[slot] == ANY or not over:
                continue
            trials.keep(float(slots.best[slot]), slots.state(slot))
            if trials.classes:
                self.begin(slot)
                self.aim(slot, trials.following())
            else:
                slots.restore(slot, trials.state)
                slots.stagnation[slot] = 0
                self.aim(slot, ANY)

    def remember(self, rank: Tensor) -> None:
        """Keep the best individual of each image."""
        slots = self.slots
        best, individual = rank.min(1)
        better = best < slots.best
        slots.best = torch.where(better, best, slots.best)
        slots.best_genes[better] = slots.genes[better.nonzero()[:, 0], individual[better]]
        for slot, improved in enumerate(better.tolist()):
            slots.age[slot] += 1
            slots.stagnation[slot] = 0 if improved else slots.stagnation[slot] + 1

    def record(self, fitness: Tensor, margin: Tensor) -> None:
        """One line in the logbook of each image."""
        fooled = (margin < 0).cpu().numpy()
        values = self.statistics.compile(list(zip(fitness.cpu().numpy(), fooled, strict=True)))
        columns = [values["fitness"]["best"], values["fitness"]["median"], values["fooled"]["share"]]
        least = torch.linalg.vector_norm(self.slots.best_genes, dim=1).div_(GREY_LEVELS).tolist()
        for slot, (best, median, share) in enumerate(zip(*columns, strict=True)):
            generation = self.slots.age[slot]
            self.outcome.logbooks[self.slots.image[slot]].record(
                generation=generation,
                queries=generation * self.settings.population,
                best=float(best),
                median=float(median),
                fooled=float(share),
                l2=least[slot],
            )

    def adapt(self, fitness: Tensor) -> None:
        """Let mutation grow when most of the individuals beat the threshold of the last generation, else shrink."""
        assert self.settings.damping is not None
        slots = self.slots
        success = (fitness < slots.success_threshold[:, None]).float().mean(1)
        factor = ((2 * success - 1) / self.settings.damping).exp_()
        slots.amplitude.mul_(factor.masked_fill_(slots.success_threshold.isnan(), 1))
        slots.success_threshold = fitness.kthvalue(max(1, int(BEATEN * fitness.shape[1])), 1).values

    def breed(self, fitness: Tensor, margin: Tensor, rank: Tensor, projection: Tensor | None) -> None:
        """Replace each population by its offspring; the elite, the best by rank, stays as it is."""
        slots, children, elite = self.slots, self.children[: len(self.slots)], self.settings.elite
        take(slots.genes, self.toolbox.select(fitness, self.streams), projection, out=children)
        self.toolbox.mate(children, self.streams)
        self.toolbox.mutate(children, self.streams, slots.amplitude)
        if self.settings.descents:
            self.descend(fitness, margin, projection, out=children[:, elite : elite + self.settings.descents])
        if elite:
            best = rank.argsort(dim=1, stable=True)[:, :elite]
            kept = children.new_empty(len(slots), elite, children.shape[2])
            children[:, :elite] = take(slots.genes, best, None, out=kept)
        self.children, slots.genes = slots.genes, children

    def descend(self, fitness: Tensor, margin: Tensor, projection: Tensor | None, out: Tensor) -> None:
        """Fill ``out`` (slots, descents, genes) with the best individual, turned to where the margin falls."""
        slots = self.slots
        best = fitness.argmin(1, keepdim=True)
        first = torch.tensor(slots.age, device=out.device) == 1  # nobody has turned yet
        winner = (best[:, 0] - self.settings.elite).masked_fill_(first, -1)
        slots.turn = descent.followed(slots.turn, self.settings.descents, winner)
        slots.slope = descent.learnt(self.settings.memory * slots.slope, slots.genes, margin)
        noise = take(slots.genes, best, projection, out=torch.empty_like(slots.clean))[:, 0]
        out.copy_(descent.turned(noise, slots.slope, descent.tried(slots.turn, self.settings.descents)))

    def replace_finished(self) -> None:
        """Hand out what is finished; its slot goes to the next image, or away when none is waiting."""
        slots, population = self.slots, self.settings.population
        kept = []
        for slot, image in enumerate(slots.image):
            ended = self.ended(slot)
            if ended:
                self.outcome.ended[image] = ended
                self.outcome.noise[image] = slots.best_genes[slot]
                self.outcome.generations[image] = slots.age[slot]
                self.outcome.queries[image] = slots.age[slot] * population
                self.progress(1)
                following = next(self.waiting, None)
                if following is None:
                    continue
                self.fill(slot, following)
            kept.append(slot)
        if len(kept) < len(slots):
            slots.keep(kept)
            self.streams.keep(kept)

    def ended(self, slot: int) -> str:
        """Why the search of a slot is over; empty: it is not."""
        if self.slots.stagnation[slot] >= self.settings.patience:
            return "stall"
        if self.slots.age[slot] < self.generations:
            return ""
        return "generations" if self.generations == self.settings.generations else "queries"


def statistics() -> tools.MultiStatistics:
    """What the logbook holds of a generation, for pairs (fitness, whether misclassified) of each slot."""
    fitness, fooled = tools.Statistics(itemgetter(0)), tools.Statistics(itemgetter(1))
    fitness.register("best", np.min, axis=1)
    fitness.register("median", np.median, axis=1)
    fooled.register("share", np.mean, axis=1)
    return tools.MultiStatistics(fitness=fitness, fooled=fooled)
