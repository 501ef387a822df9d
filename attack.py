"""Search the least noise that makes a run misclassify its test images.

python attack.py run=latest                                   the newest training, attack=genetic, 100 images
python attack.py run=runs/a attack=paper attack.weight=0.5    the paper's algorithm, with another lambda
python attack.py run=[runs/a,runs/b] attack=ddn images=null   an ensemble, all test images
python attack.py run=runs/a output=runs/n shard=2/7           the second of seven workers
python attack.py -m run=runs/a attack=deepfool,ddn,boundary   one after another
"""

from convstab.commands.app import attack

if __name__ == "__main__":
    attack()
