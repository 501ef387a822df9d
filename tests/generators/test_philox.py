"""The counter-based generator: NumPy's, PyTorch's and plain Python's are one function."""

import numpy as np
import torch

from convstab.generators.philox import Key, Stream, signed, words_of
from tests.generators.by_hand import philox

KEY = Key(2**64 - 5, 77)
COUNTERS = [1, 5, 2**64 - 1, 2**64 + 3, (7 << 128) + 9, ((2**64 - 3) << 128) + 2**60]


def parts(counter: int) -> list[int]:
    return [(counter >> 64 * place) % 2**64 for place in range(4)]


def test_the_published_vectors_are_met() -> None:
    pi = [0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89]
    known = [0xA528F45403E61D95, 0x38C72DBD566E9788, 0xA5A1610E72FD18B5, 0x57BD43B5E52B7FE6]
    key = (0x452821E638D01377, 0xBE5466CF34E90C6C)
    assert philox(pi, key) == known  # Random123, kat_vectors
    assert philox([0] * 4, (0, 0)) == [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B]


def test_numpy_and_pytorch_and_python_make_the_same_words() -> None:
    counters = torch.tensor([[signed(word) for word in parts(counter)] for counter in COUNTERS])
    found = words_of(torch.tensor([signed(word) for word in KEY]), counters).numpy().view(np.uint64)
    stream = Stream(KEY)
    for row, counter in zip(found, COUNTERS, strict=True):
        assert row.tolist() == philox(parts(counter), KEY) == stream.words(counter, 1).tolist()


def test_words_do_not_depend_on_what_was_made_before() -> None:
    stream = Stream(KEY)
    whole = Stream(KEY).words(10, 20)
    for first, count in [(18, 2), (0, 5), (5, 1), (6, 12), (0, 20)]:
        assert np.array_equal(stream.words(10 + first, count), whole[4 * first : 4 * (first + count)])
