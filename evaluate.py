"""Classify noisy copies of the test set of a run.

python evaluate.py run=latest                            the newest training
python evaluate.py run=[runs/a,runs/b,runs/c]            an ensemble
python evaluate.py run=runs/a draws=150 output=runs/e    the paper's protocol; the same line goes on after a stop
python evaluate.py run=runs/a output=runs/e shard=2/7    the second of seven workers
"""

from convstab.commands.app import evaluate

if __name__ == "__main__":
    evaluate()
