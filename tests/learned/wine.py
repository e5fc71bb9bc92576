"""Three growers' wines by a small network: mean accuracy over five folds, 97 % or better.

    python tests/learned/wine.py

The number of hidden units and the weight decay of each fold are chosen by cross-validation within its training part;
the mean and deviation of the features are the training part's. The test part is looked at once.
"""

import numpy as np
from common import chosen, run, train

import tinygrad_edu as tg

SETTINGS = [(hidden, weight_decay) for hidden in (8, 32) for weight_decay in (0.01, 0.1, 1.0)]
X, y = tg.data.load_wine()


def accuracy(setting, train_rows, test_rows):
    """The share of right answers for the test rows, after training on the others."""
    hidden, weight_decay = setting
    inputs, tests = tg.data.standardise(X[train_rows], X[test_rows])
    rng = np.random.default_rng(0)
    model = tg.nn.Sequential(tg.nn.Linear(13, hidden, rng=rng), tg.nn.Tanh(), tg.nn.Linear(hidden, 3, rng=rng))
    train(model, lambda net, x, target: tg.nn.cross_entropy(net(x), target),
          tg.data.batches(inputs, y[train_rows], batch_size=16, rng=rng), epochs=30, lr=0.01, weight_decay=weight_decay)
    return tg.nn.accuracy(model(tests), y[test_rows])


def main():
    """Print the accuracy of each fold, and the mean."""
    reached = []
    for fold, (rows, test) in enumerate(tg.data.folds(X, 5, rng=0, stratify=y), start=1):
        setting = chosen(SETTINGS, accuracy, rows, 4, rng=fold, stratify=y[rows])
        reached.append(accuracy(setting, rows, test))
        print(f"fold {fold}: hidden units {setting[0]:2d}, weight decay {setting[1]:4.2f}, "
              f"accuracy {100.0 * reached[-1]:5.1f} %", flush=True)
    print(f"wine accuracy, mean of five folds: {100.0 * np.mean(reached):.1f} %")


if __name__ == "__main__":
    run(main)
