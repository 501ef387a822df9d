import pytest
import torch

from convstab.errors import InputError
from convstab.generators.streams import Streams
from convstab.genetic.operators import Crossover, Mutation, initialise_scales, initialise_uniform, take, tournament


def streams(*images: int, seed: int = 0) -> Streams:
    """One stream for each image."""
    made = Streams(seed)
    for image in images:
        made.append(image)
    return made


def test_a_stream_does_not_depend_on_its_neighbours() -> None:
    together, alone = streams(3, 7, 9), streams(7)
    torch.testing.assert_close(together.uniform(5, 4)[1:2], alone.uniform(5, 4), rtol=0, atol=0)
    together.keep([1])
    torch.testing.assert_close(together.normal_(torch.empty(1, 40)), alone.normal_(torch.empty(1, 40)), rtol=0, atol=0)
    assert not streams(7, seed=1).uniform(20).equal(streams(7).uniform(20))


def test_the_best_of_a_tournament_wins_as_often_as_arithmetic_says() -> None:
    fitness = torch.tensor([[3.0, 1.0, 2.0, 0.0]]).expand(2000, 4)
    winners = tournament(fitness, streams(*range(2000)), size=5)
    share = torch.bincount(winners.flatten(), minlength=4) / winners.numel()
    expected = torch.tensor([0.0, 0.0, 0.0, 0.0])
    for rank, individual in enumerate([3, 1, 2, 0]):
        expected[individual] = ((4 - rank) / 4) ** 5 - ((3 - rank) / 4) ** 5
    torch.testing.assert_close(share, expected, atol=0.01, rtol=0)


def test_a_tournament_of_one_is_won_by_anybody() -> None:
    winners = tournament(torch.tensor([[3.0, 1.0, 2.0, 0.0]]).expand(2000, 4), streams(*range(2000)), size=1)
    share = torch.bincount(winners.flatten(), minlength=4) / winners.numel()
    torch.testing.assert_close(share, torch.full((4,), 0.25), atol=0.02, rtol=0)


def test_take_copies() -> None:
    genes = torch.arange(12.0).view(2, 3, 2)
    out = take(genes, torch.tensor([[2, 0], [1, 1]]), None, out=torch.empty(2, 2, 2))
    assert out.tolist() == [[[4, 5], [0, 1]], [[8, 9], [8, 9]]]


def test_take_copies_and_scales() -> None:
    genes = torch.arange(12.0).view(2, 3, 2)
    chosen, projection = torch.tensor([[2, 0], [1, 1]]), torch.tensor([[1.0, 1.0, 2.0], [1.0, 3.0, 1.0]])
    out = take(genes, chosen, projection, out=torch.empty(2, 2, 2))
    torch.testing.assert_close(out, torch.tensor([[[8.0, 10.0], [0.0, 1.0]], [[24.0, 27.0], [24.0, 27.0]]]))


@pytest.mark.parametrize("kind", ["arithmetic", "intermediate", "uniform"])
def test_children_lie_between_their_parents_and_keep_their_sum(kind: str) -> None:
    parents = torch.randn(3, 7, 500, generator=torch.Generator().manual_seed(0))
    children = parents.clone()
    Crossover(1.0, [kind])(children, streams(0, 1, 2))
    x, y, a, b = parents[:, 0:6:2], parents[:, 1:6:2], children[:, 0:6:2], children[:, 1:6:2]
    torch.testing.assert_close(a + b, x + y, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(children[:, 6], parents[:, 6], rtol=0, atol=0)
    weight = (b - y) / (x - y)
    clear = (x - y).abs() > 0.1
    if kind == "arithmetic":
        assert ((weight - weight.median(2, keepdim=True).values).abs() < 1e-3)[clear].all()
        assert ((weight > -1e-3) & (weight < 1 + 1e-3))[clear].all()
        assert weight.std(1).median() > 0.05  # each pair has its own
    elif kind == "intermediate":
        assert ((weight > -0.251) & (weight < 1.251))[clear].all()
        assert weight[clear].min() < -0.2
        assert weight[clear].max() > 1.2
    else:
        assert ((weight.abs() < 1e-3) | ((weight - 1).abs() < 1e-3))[clear].all()
        assert 0.4 < weight[clear].mean() < 0.6


def test_each_of_several_kinds_has_its_share_of_the_matings() -> None:
    """A pair is told by its weights: all one (arithmetic), 0 and 1 (uniform), or anything (intermediate)."""
    parents = torch.randn(2, 3000, 40, generator=torch.Generator().manual_seed(0))
    children = parents.clone()
    Crossover(1.0, ["uniform", "arithmetic", "intermediate"])(children, streams(0, 1))
    x, y, b = parents[:, 0::2], parents[:, 1::2], children[:, 1::2]
    weight = ((b - y) / (x - y)).where((x - y).abs() > 0.1, torch.nan)
    whole = ((weight.abs() < 1e-3) | ((weight - 1).abs() < 1e-3) | weight.isnan()).all(2)
    middle = weight.nanmedian(2, keepdim=True).values
    alike = (((weight - middle).abs() < 1e-3) | weight.isnan()).all(2) & ~whole
    for share in (whole, alike, ~whole & ~alike):
        assert 0.3 < share.float().mean() < 0.37


def test_buffers_are_kept_until_the_size_changes() -> None:
    mate = Crossover(1.0, ["arithmetic"])
    first, second = mate.buffers_for(torch.empty(2, 3, 4)), mate.buffers_for(torch.empty(2, 3, 4))
    assert (first[0] is second[0]) & (first[1] is second[1])
    assert [buffer.shape for buffer in mate.buffers_for(torch.empty(1, 3, 4))] == [(1, 3, 4)] * 2


@pytest.mark.parametrize("kinds", [["copied"], ["arithmetic", "blend"], []])
def test_other_kinds_of_matings_are_refused(kinds: list[str]) -> None:
    message = f"crossovers is {kinds}; it can hold arithmetic, intermediate and uniform"
    with pytest.raises(InputError) as error:
        Crossover(0.5, kinds)
    assert str(error.value) == message


@pytest.mark.parametrize("rate", [-0.1, 1.1])
def test_rates_are_shares(rate: float) -> None:
    with pytest.raises(InputError, match=rf"^crossover is {rate}; it must be in \[0, 1\]$"):
        Crossover(rate, ["uniform"])


def test_everything_is_made_where_the_genes_are() -> None:
    """What does not name its device lands on another one here, and the two do not go together."""
    genes, mate, change = torch.empty(2, 5, 48), Crossover(1.0, ["arithmetic"]), Mutation((3, 4, 4), 0.5, [2])
    random, chosen, out = streams(0, 1), torch.zeros(2, 5, dtype=torch.int64), torch.empty(2, 5, 48)
    amplitude = torch.ones(2)
    with torch.device("meta"):
        initialise_scales(genes, random, 1.0, 2.0)
        take(genes, chosen, None, out)
        mate(genes, random)
        assert {buffer.device.type for buffer in mate.buffers_for(genes)} == {"cpu"}
        change(genes, random, amplitude)
    assert genes.isfinite().all()


def test_as_many_pairs_mate_as_the_rate_says() -> None:
    parents = torch.randn(1, 4000, 8, generator=torch.Generator().manual_seed(0))
    children = parents.clone()
    Crossover(0.9, ["arithmetic"])(children, streams(0))
    mated = (children != parents).any(2).view(-1, 2).any(1).float().mean()
    assert 0.87 < mated < 0.93


@pytest.mark.parametrize("side", [1, 2, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_mutation_changes_its_share_of_genes_in_squares(side: int, channels: int) -> None:
    genes = torch.zeros(4, 1000, 24 * 20 * channels)
    Mutation((channels, 24, 20), 0.05, [side])(genes, streams(0, 1, 2, 3), torch.tensor([10.0, 10.0, 10.0, 1.0]))
    changed = (genes != 0).float().mean()
    assert 0.035 < changed < 0.055
    assert genes[:3].abs().max() <= 10
    assert genes[:3].max() > 9
    assert genes[3].abs().max() <= 1
    images = genes.view(-1, 24, 20, channels)
    assert (images != 0).any(0).all()  # every gene has its turn
    first = images[0, :, :, 0]
    values, counts = first[first != 0].unique(return_counts=True)
    assert len(values) > 1
    assert (counts == side * side).all()


@pytest.mark.parametrize("side", [3, 4])
def test_one_tile_fits_even_where_its_grid_has_no_slack(side: int) -> None:
    genes = torch.zeros(1, 200, 16)
    Mutation((1, 4, 4), 1.0, [side])(genes, streams(0), torch.tensor([10.0]))
    assert ((genes != 0).sum(2) == side * side).all()
    assert (genes != 0).any(1).all()


def test_mutation_takes_the_tiles_in_turn() -> None:
    genes = torch.zeros(1, 4, 256)
    Mutation((1, 16, 16), 0.02, [1, 4])(genes, streams(0), torch.tensor([10.0]))
    assert [(genes[0, row] != 0).sum().item() for row in range(4)] == [5, 16, 5, 16]


def test_no_mutation_is_none() -> None:
    genes = torch.zeros(1, 4, 256)
    Mutation((1, 16, 16), 0.0, [1])(genes, streams(0), torch.tensor([10.0]))
    assert not genes.any()


def test_the_first_population_has_all_scales() -> None:
    genes = torch.empty(1, 10, 10_000)
    initialise_scales(genes, streams(0), 2.0, 60.0)
    sigma = genes.std(2)[0]
    assert sigma[0] == pytest.approx(2, rel=0.05)
    assert sigma[-1] == pytest.approx(60, rel=0.05)
    torch.testing.assert_close(sigma[1:] / sigma[:-1], torch.full((9,), 30 ** (1 / 9)), rtol=0.05, atol=0)


def test_the_first_population_of_the_paper_is_uniform() -> None:
    genes = initialised = torch.empty(1, 10, 10_000)
    initialise_uniform(genes, streams(0), 30.0)
    assert initialised.abs().max() <= 30
    assert initialised.std() == pytest.approx(30 / 3**0.5, rel=0.02)
    assert initialised.mean() == pytest.approx(0, abs=0.3)


def test_tiles_must_fit() -> None:
    with pytest.raises(InputError, match="tiles is"):
        Mutation((1, 4, 4), 0.1, [5])
    with pytest.raises(InputError, match="mutation is 2"):
        Mutation((1, 4, 4), 2, [1])
