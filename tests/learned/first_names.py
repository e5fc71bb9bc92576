"""First names by a GRU, character by character: its loss on names that it has not seen, and a trigram model's.

    python tests/learned/first_names.py

Losses are means over all characters and end marks, in nats. Of the 5163 names an eighth is the test part, looked at
once, and an eighth the validation part, on which the network is tried after each epoch: the best one is kept. The
sizes and the dropout are the first that were tried. The trigram model counts both training and validation part.

The file is not called names.py, which would hide the package of that name.
"""

import numpy as np
from common import run

import tinygrad_edu as tg

MARK = 0


class NameModel(tg.nn.Module):
    """Scores for the next character: embedding, GRU, dropout, Linear. Integers (batch, steps) -> (..., size)."""

    def __init__(self, size, width, hidden, dropout, rng):
        self.embedding = tg.nn.Embedding(size, width, rng=rng)
        self.gru = tg.nn.GRU(width, hidden, batch_first=True, rng=rng)
        self.dropout = tg.nn.Dropout(dropout, rng=rng)
        self.head = tg.nn.Linear(hidden, size, rng=rng)

    def forward(self, codes, state=None):
        """The scores after each character, and the state after the last."""
        outputs, state = self.gru(self.dropout(self.embedding(codes)), state)
        return self.head(self.dropout(outputs)), state


def batch_loss(model, codes, lengths, reduction="mean"):
    """The cross entropy of each character and end mark given those before."""
    mask = np.arange(codes.shape[1] - 1) < lengths[:, None] - 1
    return tg.nn.cross_entropy(model(codes[:, :-1])[0], codes[:, 1:], reduction, mask=mask)


def mean_loss(model, sequences):
    """The loss over whole sequences, without dropout, per character."""
    model.eval()
    with tg.no_grad():
        total = sum(batch_loss(model, *batch, "sum").item()
                    for batch in tg.data.batches(sequences, batch_size=256, shuffle=False, pad=MARK, lengths=True))
    model.train()
    return total / sum(len(sequence) - 1 for sequence in sequences)


def trigram_loss(known, unseen, size):
    """The loss of p(c | a, b) = (n(a, b, c) + 1) / (n(a, b) + size), with two marks before each start."""
    def triples(sequences):
        marked = [np.concatenate([[MARK], sequence]) for sequence in sequences]
        return tuple(np.concatenate([[codes[:-2], codes[1:-1], codes[2:]] for codes in marked], axis=1))

    counts = np.ones((size, size, size))
    np.add.at(counts, triples(known), 1.0)
    return -np.log(counts / counts.sum(axis=2, keepdims=True))[triples(unseen)].mean()


def fit(model, train, validation, epochs, lr, rng):
    """Train by Adam with a falling rate; leave the model as it was after its best epoch on the validation part."""
    optimizer = tg.optim.Adam(model.parameters(), lr=lr)
    batches = tg.data.batches(train, batch_size=64, rng=rng, pad=MARK, lengths=True)
    best, kept = np.inf, model.state_dict()
    for epoch in range(epochs):
        optimizer.lr = lr * (1.0 - epoch / epochs)
        for batch in batches:
            optimizer.zero_grad()
            batch_loss(model, *batch).backward()
            tg.optim.clip_grad_norm(model.parameters(), 1.0)
            optimizer.step()
        loss = mean_loss(model, validation)
        if loss < best:
            best, kept = loss, model.state_dict()
        print(f"epoch {epoch + 1:2d}: validation {loss:.3f} nats per character", flush=True)
    model.load_state_dict(kept)


def sample(model, characters, rng, longest=20):
    """A name drawn character by character."""
    codes, state = [MARK], None
    while len(codes) <= longest:
        scores, state = model(np.array([codes[-1:]]), state)
        codes.append(int(rng.choice(len(characters), p=tg.softmax(scores[0, -1].data))))
        if codes[-1] == MARK:
            break
    return characters.decode(codes)


def main():
    """Train, print 20 new names, and both losses on the test part."""
    rng = np.random.default_rng(0)
    names = tg.data.load_names()
    characters = tg.data.Characters(names)
    rest, test = tg.data.train_test_split([characters.encode(name) for name in names], test_size=1 / 8, rng=rng)
    train, validation = tg.data.train_test_split(rest, test_size=1 / 7, rng=rng)
    print(f"{len(train)} names to learn from, {len(validation)} for validation, {len(test)} to be tested on")
    model = NameModel(len(characters), width=32, hidden=128, dropout=0.25, rng=rng)
    fit(model, train, validation, epochs=20, lr=4e-3, rng=rng)
    model.eval()
    with tg.no_grad():
        print("drawn names:", ", ".join(sample(model, characters, rng) for _ in range(20)))
    print(f"names test loss, nats per character: network {mean_loss(model, test):.3f}, "
          f"trigrams {trigram_loss(rest, test, len(characters)):.3f}")


if __name__ == "__main__":
    run(main)
