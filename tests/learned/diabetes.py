"""The course of diabetes by a small network and by ordinary least squares: R2 of both, means over five folds.

    python tests/learned/diabetes.py

The number of hidden units and the weight decay of each fold are chosen by cross-validation within its training part,
as the activation and the number of epochs were for all folds;
the mean and deviation of features and target are the training part's. The test part is looked at once.
"""

import numpy as np
from common import chosen, run, train

import tinygrad_edu as tg

SETTINGS = [(hidden, weight_decay) for hidden in (16, 32) for weight_decay in (0.5, 1.0, 1.5)]
X, y = tg.data.load_diabetes()


def network_r2(setting, train_rows, test_rows):
    """R2 of an MLP on the test rows, after training on the others."""
    hidden, weight_decay = setting
    inputs, tests = tg.data.standardise(X[train_rows], X[test_rows])
    targets, wanted = tg.data.standardise(y[train_rows, None], y[test_rows, None])
    rng = np.random.default_rng(0)
    model = tg.nn.Sequential(tg.nn.Linear(10, hidden, rng=rng), tg.nn.Softplus(), tg.nn.Linear(hidden, 1, rng=rng))
    train(model, lambda net, x, target: tg.nn.mse_loss(net(x), target),
          tg.data.batches(inputs, targets, batch_size=32, rng=rng), epochs=60, lr=0.01, weight_decay=weight_decay)
    return tg.nn.r2(model(tests), wanted)


def least_squares_r2(train_rows, test_rows):
    """R2 of the best plane through the training rows."""
    def design(rows):
        return np.column_stack([X[rows], np.ones(len(rows))])

    plane = np.linalg.lstsq(design(train_rows), y[train_rows])[0]
    return tg.nn.r2(design(test_rows) @ plane, y[test_rows])


def main():
    """Print both figures of each fold, and the means."""
    reached = []
    for fold, (rows, test) in enumerate(tg.data.folds(X, 5, rng=0), start=1):
        setting = chosen(SETTINGS, network_r2, rows, 5, rng=fold)
        reached.append((network_r2(setting, rows, test), least_squares_r2(rows, test)))
        print(f"fold {fold}: hidden units {setting[0]:2d}, weight decay {setting[1]:4.2f}, R2 of the network "
              f"{reached[-1][0]:.3f}, of least squares {reached[-1][1]:.3f}", flush=True)
    network, plane = np.mean(reached, axis=0)
    print(f"diabetes R2, mean of five folds: network {network:.3f}, least squares {plane:.3f}")


if __name__ == "__main__":
    run(main)
