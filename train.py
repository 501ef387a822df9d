"""Train one classifier.

python train.py                                          scikit-learn's digits: no download, a minute
python train.py dataset=gtsrb augment=noisy              the paper's network for a data set, on noisy copies
python train.py dataset=mnist output=runs/m ckpt=last    go on where an earlier start was stopped
python train.py -m augment=gaussian augment.sigma=0,10,20,40
"""

from convstab.commands.app import train

if __name__ == "__main__":
    train()
