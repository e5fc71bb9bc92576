"""A graph of thousands of nodes opens with as many modules closed as leave it readable."""

import graphs
import numpy as np

import tinygrad_edu as tg


def test_a_graph_of_six_thousand_nodes_opens_collapsed(playing):
    model = tg.nn.MLP(3, [32, 32, 1], rng=0)
    rows = np.random.default_rng(0).normal(size=(21, 3)).tolist()
    root = sum(((model(row) - 1.0) ** 2 for row in rows), start=tg.Value(0.0))
    player = tg.play(root, names={})
    assert 5900 < len(player.graph.items) < 6300
    page = playing(player)
    assert 21 <= page.locator("#world .box").count() <= 300
    assert page.locator("#world .module").count() >= 21
    page.press("body", "End")
    assert graphs.steps(page)[0] == graphs.steps(page)[1] > 40_000
    assert "The pass is complete." in page.inner_text("#caption")
