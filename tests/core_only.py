"""Run where nothing but the core is installed: what works there, and what an absent extra says."""

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import tinygrad_edu as tg

EXTRAS = ["tqdm", "sklearn", "names", "matplotlib", "hypothesis", "torch", "numba"]


def main() -> None:
    """Check that the environment is bare, train two small models, and ask for what is not there."""
    present = [name for name in EXTRAS if importlib.util.find_spec(name)]
    assert not present, f"this environment is not bare: {present}"

    x, y = tg.data.make_moons(40, noise=0.1, rng=0)
    scalar = tg.nn.MLP(2, [4, 1])
    out = scalar(x[0])
    out.backward()
    assert any(p.grad for p in scalar.parameters())

    model = tg.nn.Sequential(tg.nn.Linear(2, 16), tg.nn.Tanh(), tg.nn.Linear(16, 2))
    optimizer = tg.optim.Adam(model.parameters(), lr=0.05)
    losses = []
    for _ in range(60):
        loss = tg.nn.cross_entropy(model(tg.Tensor(x, requires_grad=False)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0], losses
    assert np.isfinite(tg.hessian(lambda v: (v ** 3).sum())(np.ones(3))).all()

    assert tg.testing.gradcheck(model, x[:5], order=2)
    assert "strategies" not in dir(tg.testing)  # so that help(tg.testing) works
    said = ""
    try:
        tg.testing.strategies.values()
    except tg.errors.MissingExtraError as error:
        said = str(error)
    assert "pip install 'tinygrad_edu[testing]'" in said, said

    try:
        tg.plots.histograms(model)
    except tg.errors.MissingExtraError as error:
        said = str(error)
    assert "pip install 'tinygrad_edu[plots]'" in said, said

    drawing = tg.draw(out, depth=1, engine="own")
    with tempfile.TemporaryDirectory() as folder:
        for suffix in ("svg", "html", "dot", "mmd", "json", "txt"):
            assert drawing.export(Path(folder, f"graph.{suffix}")).stat().st_size > 100
    assert tg.draw(out).to_svg().startswith("<svg"), "a picture needs a program"
    try:
        tg.draw(out).pipe("png")
    except tg.errors.MissingExtraError as error:
        said = str(error)
    assert "tinygrad_edu[dot]" in said, said

    command = [sys.executable, "-m", "tinygrad_edu", "--quick"]
    tour = subprocess.run(command, capture_output=True, text=True, check=False)
    assert tour.returncode == 1, tour
    assert "pip install" in tour.stderr.splitlines()[-1], tour.stderr
    assert "Traceback" not in tour.stderr, tour.stderr
    print("the core alone: trains, differentiates, draws, and names the extra that the tour needs")


if __name__ == "__main__":
    main()
