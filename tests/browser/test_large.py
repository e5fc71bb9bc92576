"""A graph of thousands of nodes opens with as many modules closed as leave it readable."""

import numpy as np

import tinygrad_edu as tg


def test_a_graph_of_six_thousand_nodes_opens_collapsed(playing):
    model = tg.nn.MLP(3, [32, 32, 1], rng=0)
    rows = np.random.default_rng(0).normal(size=(14, 3)).tolist()
    root = sum(((model(row) - 1.0) ** 2 for row in rows), start=tg.Value(0.0))
    player = tg.play(root, names={})
    assert len(player.graph.items) > 5500
    page = playing(player)
    assert 10 <= page.locator("#world .box").count() <= 300
    assert page.locator("#world .module").count() >= 14
    page.press("body", "End")
    root.backward()
    leaf = model.layers[0].neurons[0].w[0]
    leaf.label = "the first weight"
    page.fill("#search", "no such node")
    page.press("#search", "Enter")
    assert page.locator("#world .box").count() <= 300
