"""What is loaded when: figures are drawn without a model, and a training needs no attack."""

import json
import subprocess
import sys
from pathlib import Path

from convstab.evaluation.result import StabilityResult
from convstab.runs import directory

HEAVY = {"pytorch_lightning", "torchmetrics", "foolbox", "deap", "wandb", "sklearn", "kornia"}


def loaded(code: str) -> set[str]:
    """Which of the heavy packages a fresh process has loaded when it has run some code."""
    report = f"import sys; print('loaded', *sorted(set(sys.modules) & {HEAVY!r}))"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_figures_are_drawn_without_a_network_or_an_attack(result: StabilityResult, tmp_path: Path) -> None:
    result.write(tmp_path)
    (tmp_path / "summary.json").write_text(json.dumps({"run": "one"}))
    (tmp_path / "config.yaml").write_text(json.dumps({"confusion_sigma": 20, "compare": []}))
    directory.finish(tmp_path, "evaluate")
    assert loaded(f"from convstab.commands.figures import main; main([{str(tmp_path)!r}])") == set()
    assert (tmp_path / "figures/curves.png").exists()


def test_a_training_loads_no_attack() -> None:
    found = loaded("import convstab.commands.train")
    assert "pytorch_lightning" in found
    assert not found & {"foolbox", "deap"}


def test_an_evaluation_from_python_loads_no_lightning() -> None:
    assert loaded("import convstab as cs; cs.Images, cs.evaluate, cs.StabilityResult") == set()
