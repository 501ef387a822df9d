"""The data module: what it serves, in which form and order."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from convstab.data.batches import IndexBatches
from convstab.data.images import ImageSet, data_root
from convstab.data.module import ImageData
from convstab.data.split import stratified_split
from convstab.errors import InputError

MakeData = Callable[..., ImageData]


def test_statistics_are_those_of_the_training_images_only(make_data: MakeData, image_set: ImageSet) -> None:
    data = make_data(validation=0.25)
    data.setup()
    pixels = image_set.train.pixels[data.train].double() / 255
    mean, std = data.statistics()
    torch.testing.assert_close(mean, pixels.mean((0, 2, 3)).float())
    torch.testing.assert_close(std, pixels.std((0, 2, 3), correction=0).float())


def test_groups_are_never_split_and_classes_keep_their_share(image_set: ImageSet) -> None:
    labels, groups = image_set.train.labels, image_set.train.groups
    train, val = stratified_split(labels, groups, 0.25, seed=3)
    assert groups is not None
    assert not set(groups[train].tolist()) & set(groups[val].tolist())
    assert sorted(torch.cat([train, val]).tolist()) == list(range(240))
    assert torch.bincount(labels[val]).tolist() == [15, 15, 15, 15]
    again, other = (stratified_split(labels, groups, 0.25, seed=seed)[1] for seed in (3, 4))
    assert torch.equal(val, again)
    assert not torch.equal(val, other)


def test_a_class_of_one_group_cannot_be_split() -> None:
    with pytest.raises(InputError, match=r"validation=0.5 cannot be split off"):
        stratified_split(torch.tensor([0, 0, 0, 1]), None, 0.5, seed=0)


def test_no_validation_keeps_every_image_for_training(make_data: MakeData) -> None:
    data = make_data(validation=0.0)
    data.setup()
    assert len(data.train) == 240
    assert data.val_dataloader() == []


def test_batches_are_uint8_until_they_are_on_the_device(make_data: MakeData, image_set: ImageSet) -> None:
    data = make_data()
    data.setup()
    batch = next(iter(data.test_dataloader()))
    assert batch[0].dtype == torch.uint8
    images, labels = data.on_after_batch_transfer(batch, 0)
    assert images.dtype == torch.float32
    assert images.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(images, image_set.test.pixels[: len(images)].float() / 255)
    assert torch.equal(labels, image_set.test.labels[: len(labels)])


def test_every_image_is_served_once_an_epoch_in_an_order_of_the_epoch() -> None:
    batches = IndexBatches(torch.arange(10, 50), batch_size=16, seed=1)
    first = torch.cat(list(batches))
    batches.set_epoch(1)
    second = torch.cat(list(batches))
    batches.set_epoch(0)
    assert [len(batch) for batch in batches] == [16, 16, 8]
    assert torch.equal(first, torch.cat(list(batches)))
    assert not torch.equal(first, second)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(10, 50))


@pytest.mark.parametrize("count", [12, 13, 14])
def test_ranks_share_the_test_images_without_repeats_and_train_in_step(count: int) -> None:
    index = torch.arange(count)
    tested = [torch.cat(list(IndexBatches(index, 4, None, rank, 3))) for rank in range(3)]
    assert sorted(torch.cat(tested).tolist()) == list(range(count))
    trained = [IndexBatches(index, 4, 7, rank, 3) for rank in range(3)]
    assert len({len(torch.cat(list(batches))) for batches in trained}) == 1
    for batches in trained + [IndexBatches(index, 4, None, rank, 3) for rank in range(3)]:
        assert len(list(batches)) == len(batches)


def test_images_limits_both_splits_and_keeps_every_class(make_data: MakeData) -> None:
    data = make_data(images=24)
    data.setup()
    assert len(data.images.train) == len(data.images.test) == 24
    assert data.images.test.labels.unique().tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("option", [{"batch_size": 0}, {"validation": 1.0}, {"validation": -0.1}, {"images": 1}])
def test_options_out_of_range_are_named(make_data: MakeData, option: dict[str, float]) -> None:
    with pytest.raises(InputError, match=rf"dataset\.{next(iter(option))} is"):
        make_data(**option)


def test_root_is_the_option_then_the_variable_then_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVSTAB_DATA", "/elsewhere")
    assert data_root("/here") == Path("/here")
    assert data_root(None) == Path("/elsewhere")
    monkeypatch.delenv("CONVSTAB_DATA")
    assert data_root(None).name == "convstab"
