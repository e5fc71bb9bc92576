"""Labels and names that would like to run as a program, or to break the page."""

import graphs

import tinygrad_edu as tg

PWN = "window.pwned=1;alert(1)"

HOSTILE = [
    f"<script>{PWN}</script>", f"</script><script>{PWN}</script>", f"</style></title><script>{PWN}</script>",
    f'"><img src=x onerror="{PWN}">', f"'><svg onload='{PWN}'>", f"<!--<script>{PWN}//", f"]]><script>{PWN}</script>",
    f'" onfocus="{PWN}" autofocus="', f"javascript:{PWN}", "${alert(1)}", "$title ${data} $$", "`${alert(1)}`",
    f"';{PWN};'", f'";{PWN};"', "\\u003cscript>", "&lt;b&gt;&quot;", "\u202egnp.exe\u202c", "\u2066a\u2069",
    "\x00\x1b[31m",
    "two\nlines\r\u2028\u2029", "\ud800", "__proto__", "constructor", "toString", "x" * 5000, "<" * 5000,
    "\u05d0\u05d1", "%3Cscript%3E", "{{7*7}}", " ", "]", "\\",
]


def play_to_the_end(page):
    while graphs.steps(page)[0] < graphs.steps(page)[1]:
        page.click("#next")
    for box in page.locator("#world .box").all():
        box.dispatch_event("pointerover")
    assert page.evaluate("() => window.pwned") is None
    assert page.locator("img[onerror], svg[onload], script:not(#data)").count() == 1


def shown(text):
    """How a label is written: what cannot be printed is spelt out, and what is long is cut."""
    return tg.viz.text.plain(text)


def test_hostile_labels_are_text(playing):
    """Each is written as text, perhaps cut, and its node has the gradient that it should have."""
    leaves = [tg.Value(2.0 + place, label) for place, label in enumerate(HOSTILE)]
    root = sum((leaf * leaf for leaf in leaves), start=tg.Value(0.0, "start"))
    root.backward()
    player = tg.play(root, names={})
    page = playing(player)
    play_to_the_end(page)
    found = {box["item"]: box for box in graphs.boxes(page)}
    for item in player.graph.items:
        if item.kind != "leaf" or item.name == "start":
            continue
        leaf = leaves[int(item.data) - 2]
        box, whole = found[item.place], shown(leaf.label) or f"v{item.place}"
        said = box["label"].partition(", data ")[0]
        assert said == whole or (said.endswith("…") and len(said) > 20 and whole.startswith(said[:-1]))
        assert float(box["grad"]) == leaf.grad == 2 * leaf.data


def test_hostile_names_of_modules_parameters_and_variables_are_text(playing):
    names = [name for name in HOSTILE if name.strip() and "." not in name and "\ud800" not in name][:14]
    holders = [type(name.replace("\x00", ""), (tg.nn.Module,), {"forward": lambda self, x: x * self.weight})()
               for name in names]
    for holder in holders:
        holder.weight = tg.Value(1.5)

    class Outer(tg.nn.Module):
        def forward(self, x):
            for name in names:
                x = getattr(self, name)(x)
            return x

    outer = Outer()
    for name, holder in zip(names, holders, strict=True):
        setattr(outer, name, holder)
    root = outer(tg.Value(1.0, "x"))
    page = playing(tg.play(root, depth="all", names={HOSTILE[0]: root}))
    texts = page.locator("#world .frame").all_inner_texts()
    titles = page.locator("#world .frame").evaluate_all("all => all.map(one => one.textContent)")
    assert len(texts) >= len(names)
    assert all(any(shown(name)[:20] in title for title in titles) for name in names)
    play_to_the_end(page)


def test_a_hostile_label_is_text_in_what_a_notebook_shows(new_page, tmp_path):
    root = tg.Value(2.0, HOSTILE[1]) * tg.Value(3.0, HOSTILE[3])
    root.label = HOSTILE[3]
    with new_page(offline=True) as page:
        shown_in_notebook = tg.play(root, names={})._repr_mimebundle_()["text/html"]
        (tmp_path / "output.html").write_text(shown_in_notebook, encoding="utf-8")
        page.goto((tmp_path / "output.html").as_uri())
        frame = page.locator("iframe").element_handle().content_frame()
        frame.wait_for_selector("#world .box")
        play_to_the_end(frame)
        assert page.evaluate("() => window.pwned") is None
        assert page.locator("script").count() == 0
        assert page.locator("img").count() == 1
        assert page.watch.errors == []
        assert page.watch.outside() == []
