from typing import Any

import pytest

from convstab import attacks
from convstab.errors import InputError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"population": 1}, "population is 1"),
        ({"population": 8, "tournament": 9}, "tournament is 9; .* at most the population, 8"),
        ({"tournament": 0}, "tournament is 0"),
        ({"crossover": 1.5}, "crossover is 1.5"),
        ({"mutation": -0.1}, "mutation is -0.1"),
        ({"mutation": float("nan")}, "mutation is nan"),
        ({"elite": 100}, "elite is 100"),
        ({"generations": 0}, "generations is 0"),
        ({"amplitude": 0.0}, "amplitude is 0"),
        ({"crossovers": ("two-point",)}, "crossovers is"),
    ],
)
@pytest.mark.parametrize("attack", [attacks.Paper, attacks.Genetic])
def test_what_cannot_be_is_refused_at_once(attack: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        attack(**options)
    assert "\n" not in str(error.value)


def test_the_toolbox_names_the_operators() -> None:
    toolbox = attacks.Paper().toolbox((1, 28, 28))
    assert toolbox.select.keywords == {"size": 5}
    for name in ("evaluate", "mate", "mutate", "initialise"):
        assert callable(getattr(toolbox, name))
