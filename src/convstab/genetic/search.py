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
from convstab.generators import Streams
from convstab.genetic import descent
from convstab.genetic.objectives import margins
from convstab.genetic.operators import take
from convstab.genetic.population import Images, Outcome, Places
from convstab.genetic.settings import Settings
from convstab.genetic.trials import ANY, Trials, nearest, towards
from convstab.images import GREY_LEVELS, as_images, grey_to_unit_, quantise_, whole_groups

BAR = 0.3  # quantile of a generation that half of the next should beat when mutation has the right size
Progress = Callable[[int], object]


class Search:
    """Evolves one population for each place; an image that is finished leaves its place to the next one.

    toolbox: names the operators. initialise (genes, streams) fills populations; evaluate (logits,
        labels, norm, margin) -> fitness, reach; standing (fitness, margin, norm) -> what elitism and the result go by;
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
        count = min(settings.places, len(images.index))
        self.places = Places(count, settings.population, images)
        self.children = torch.empty_like(self.places.genes)
        self.noisy = self.children.new_zeros(whole_groups(count * settings.population), images.rows.shape[1])
        for place, image in zip(range(count), self.waiting, strict=False):
            self.streams.append(0)
            self.fill(place, image)

    def fill(self, place: int, image: int) -> None:
        """Give a place to an image: a fresh population, nothing remembered."""
        places, images = self.places, self.images
        places.image[place], places.age[place], places.trials[place] = image, 0, None
        places.clean[place, 0], places.labels[place] = images.rows[image], images.labels[image]
        self.streams.restart(place, images.index[image])
        self.begin(place)
        self.aim(place, ANY)

    def begin(self, place: int) -> None:
        """A fresh population, nothing found."""
        places = self.places
        places.stale[place], places.amplitude[place] = 0, self.settings.amplitude
        places.best[place], places.slope[place], places.turn[place] = torch.inf, 0, descent.FIRST
        self.toolbox.initialise(places.genes[place : place + 1], self.streams.only(place))

    def aim(self, place: int, target: int) -> None:
        """From now on the noise of a place is to lead to a class, or to any."""
        places = self.places
        clean, label = self.images.clean[places.image[place]], int(places.labels[place])
        others = clean.index_fill(0, places.labels[place], -torch.inf)
        places.margin[place] = clean[label] - (others.max() if target == ANY else clean[target])
        places.target[place], places.bar[place] = target, torch.nan

    @torch.inference_mode()
    def run(self) -> Outcome:
        """Evolve until every image is finished."""
        places = self.places
        while len(places):
            started = time.perf_counter()
            logits, norm = self.classify()
            self.plan_trials(logits, norm)
            seen, margin = towards(logits, places.labels, places.target), margins(logits, places.labels)
            fitness, reach = self.toolbox.evaluate(seen, places.labels, norm, places.margin)
            standing = self.toolbox.standing(fitness, margin, norm)
            if not standing.isfinite().all():
                raise InputError("the classifier returned logits that are infinite or not a number")
            self.remember(standing)
            self.record(fitness, margin)
            if self.settings.damping is not None:
                self.adapt(fitness)
            self.breed(fitness, margins(seen, places.labels), standing, reach)
            self.end_trials()
            self.outcome.seconds[places.image] += (time.perf_counter() - started) / len(places)
            self.replace_finished()
        return self.outcome

    def classify(self) -> tuple[Tensor, Tensor]:
        """Clip the noise to the box, in place; logits (places, population, K) and norms (places, population)."""
        genes, rows = self.places.genes, len(self.places) * self.settings.population
        padded = self.noisy[: whole_groups(rows)]
        noisy = padded[:rows].view_as(genes)
        torch.add(genes, self.places.clean, out=noisy)
        quantise_(noisy, rounding=False)
        torch.sub(noisy, self.places.clean, out=genes)
        norm = torch.linalg.vector_norm(genes, dim=2)
        images = as_images(grey_to_unit_(padded), self.images.shape)
        with torch.autocast(images.device.type, enabled=False):
            logits = torch.cat(
                [self.classifier(batch).float() for batch in images.split(whole_groups(self.settings.batch_size))]
            )
        return logits[:rows].unflatten(0, norm.shape), norm

    def plan_trials(self, logits: Tensor, norm: Tensor) -> None:
        """Let the first generation of an image say which classes are nearest; its population tries the first."""
        places = self.places
        for place, trials in enumerate(places.trials):
            if trials is None:
                clean, label = self.images.clean[places.image[place]], int(places.labels[place])
                several = min(self.settings.targets, len(clean) - 1) > 1 and self.trial > 0
                classes = nearest(logits[place], clean, label, norm[place], self.settings.targets) if several else []
                places.trials[place] = Trials(classes[1:])
                self.aim(place, classes[0] if classes else ANY)

    def end_trials(self) -> None:
        """After its share of the generations, or a stall, the next class is tried; after the last the best goes on."""
        places = self.places
        for place, trials in enumerate(places.trials):
            assert trials is not None
            over = places.age[place] >= trials.number * self.trial or places.stale[place] >= self.settings.patience
            if places.target[place] == ANY or not over:
                continue
            trials.keep(float(places.best[place]), places.state(place))
            if trials.classes:
                self.begin(place)
                self.aim(place, trials.following())
            else:
                places.restore(place, trials.state)
                places.stale[place] = 0
                self.aim(place, ANY)

    def remember(self, standing: Tensor) -> None:
        """Keep the best individual of each image."""
        places = self.places
        best, individual = standing.min(1)
        better = best < places.best
        places.best = torch.where(better, best, places.best)
        places.best_genes[better] = places.genes[better.nonzero()[:, 0], individual[better]]
        for place, improved in enumerate(better.tolist()):
            places.age[place] += 1
            places.stale[place] = 0 if improved else places.stale[place] + 1

    def record(self, fitness: Tensor, margin: Tensor) -> None:
        """One line in the logbook of each image."""
        fooled = (margin < 0).cpu().numpy()
        values = self.statistics.compile(list(zip(fitness.cpu().numpy(), fooled, strict=True)))
        columns = [values["fitness"]["best"], values["fitness"]["median"], values["fooled"]["share"]]
        least = torch.linalg.vector_norm(self.places.best_genes, dim=1).div_(GREY_LEVELS).tolist()
        for place, (best, median, share) in enumerate(zip(*columns, strict=True)):
            generation = self.places.age[place]
            self.outcome.logbooks[self.places.image[place]].record(
                generation=generation,
                queries=generation * self.settings.population,
                best=float(best),
                median=float(median),
                fooled=float(share),
                l2=least[place],
            )

    def adapt(self, fitness: Tensor) -> None:
        """Let mutation grow when more than half of the individuals beat the bar of the last generation, else shrink."""
        assert self.settings.damping is not None
        places = self.places
        success = (fitness < places.bar[:, None]).float().mean(1)
        factor = ((2 * success - 1) / self.settings.damping).exp_()
        places.amplitude.mul_(factor.masked_fill_(places.bar.isnan(), 1))
        places.bar = fitness.kthvalue(max(1, int(BAR * fitness.shape[1])), 1).values

    def breed(self, fitness: Tensor, margin: Tensor, standing: Tensor, reach: Tensor | None) -> None:
        """Replace each population by its offspring; the elite, the best by standing, stays as it is."""
        places, children, elite = self.places, self.children[: len(self.places)], self.settings.elite
        take(places.genes, self.toolbox.select(fitness, self.streams), reach, out=children)
        self.toolbox.mate(children, self.streams)
        self.toolbox.mutate(children, self.streams, places.amplitude)
        if self.settings.descents:
            self.descend(fitness, margin, reach, out=children[:, elite : elite + self.settings.descents])
        if elite:
            best = standing.argsort(dim=1, stable=True)[:, :elite]
            kept = children.new_empty(len(places), elite, children.shape[2])
            children[:, :elite] = take(places.genes, best, None, out=kept)
        self.children, places.genes = places.genes, children

    def descend(self, fitness: Tensor, margin: Tensor, reach: Tensor | None, out: Tensor) -> None:
        """Fill ``out`` (places, descents, genes) with the best individual, turned to where the margin falls."""
        places, momentum = self.places, self.settings.momentum
        best = fitness.argmin(1, keepdim=True)
        first = torch.tensor(places.age, device=out.device) == 1  # nobody has turned yet
        winner = (best[:, 0] - self.settings.elite).masked_fill_(first, -1)
        places.turn = descent.followed(places.turn, self.settings.descents, winner)
        places.slope = momentum * places.slope + (1 - momentum) * descent.slope(places.genes, margin)
        noise = take(places.genes, best, reach, out=torch.empty_like(places.clean))[:, 0]
        out.copy_(descent.turned(noise, places.slope, descent.tried(places.turn, self.settings.descents)))

    def replace_finished(self) -> None:
        """Hand out what is finished; its place goes to the next image, or away when none is waiting."""
        places, population = self.places, self.settings.population
        kept = []
        for place, image in enumerate(places.image):
            ended = self.ended(place)
            if ended:
                self.outcome.ended[image] = ended
                self.outcome.noise[image] = places.best_genes[place]
                self.outcome.generations[image] = places.age[place]
                self.outcome.queries[image] = places.age[place] * population
                self.progress(1)
                following = next(self.waiting, None)
                if following is None:
                    continue
                self.fill(place, following)
            kept.append(place)
        if len(kept) < len(places):
            places.keep(kept)
            self.streams.keep(kept)

    def ended(self, place: int) -> str:
        """Why the search of a place is over; empty: it is not."""
        if self.places.stale[place] >= self.settings.patience:
            return "stall"
        if self.places.age[place] < self.generations:
            return ""
        return "generations" if self.generations == self.settings.generations else "queries"


def statistics() -> tools.MultiStatistics:
    """What the logbook holds of a generation, for pairs (fitness, whether misclassified) of each place."""
    fitness, fooled = tools.Statistics(itemgetter(0)), tools.Statistics(itemgetter(1))
    fitness.register("best", np.min, axis=1)
    fitness.register("median", np.median, axis=1)
    fooled.register("share", np.mean, axis=1)
    return tools.MultiStatistics(fitness=fitness, fooled=fooled)
