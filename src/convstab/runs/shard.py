"""A share of the work, for processes that know nothing of each other."""

import re
from dataclasses import dataclass

from convstab.errors import InputError


@dataclass(frozen=True)
class Shard:
    """Share ``number`` of ``of`` equal shares of the work; counted from 1."""

    number: int = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Read ``i/n``, the i-th of n shares; InputError when it is anything else."""
        match = re.fullmatch(r"(\d+)/(\d+)", text.strip())
        shard = cls(*map(int, match.groups())) if match else None
        if shard is None or not 1 <= shard.number <= shard.of:
            raise InputError(f"shard={text} is not i/n with 1 <= i <= n, for example shard=2/7")
        return shard
