"""What the page saves: from a file, and from within the frame of a notebook."""

import base64
import struct
import xml.etree.ElementTree as ET
from pathlib import Path

import graphs
import pytest

import tinygrad_edu as tg


@pytest.fixture(params=["page", "frame"])
def place(request, new_page, tmp_path):
    """The page, and the frame that the player is in: the page itself, or one that a notebook shows."""
    player = tg.play(graphs.made("mlp")["root"], depth="all", names={})
    with new_page(offline=True) as page:
        file = tmp_path / "shown.html"
        file.write_text(player.to_html() if request.param == "page" else player._repr_mimebundle_()["text/html"],
                        encoding="utf-8")
        page.goto(file.as_uri())
        frame = page.main_frame
        if request.param == "frame":
            frame = page.locator("iframe").element_handle().content_frame()
        frame.wait_for_selector("#world .box")
        yield page, frame
        assert page.watch.errors == []
        assert page.watch.outside() == []


def saved(place, button):
    page, frame = place
    if not frame.locator("#more").evaluate("more => more.open"):
        frame.click("#more summary")
    with page.expect_download() as download:
        frame.click(f"#{button}")
    assert download.value.suggested_filename == f"graph.{button}"
    return Path(download.value.path())


def test_the_svg_has_every_box_that_is_shown(place):
    _, frame = place
    frame.click("#end")
    shown = frame.locator("#world .box").count()
    tree = ET.parse(saved(place, "svg"))
    space = "{http://www.w3.org/2000/svg}"
    assert tree.getroot().tag == f"{space}svg"
    boxes = [g for g in tree.iter(f"{space}g") if "box" in g.get("class", "").split()]
    assert len(boxes) == shown > 20
    assert all(box.find(f"{space}rect") is not None for box in boxes)
    assert any("grad" in "".join(box.itertext()) for box in boxes)
    assert not list(tree.iter(f"{space}script"))


def test_the_saved_svg_is_a_picture_for_a_browser(place, new_page):
    picture = saved(place, "svg")
    with new_page(offline=True) as page:
        page.set_content("<img>")
        page.evaluate("""text => new Promise((done, failed) => {
            const image = document.querySelector("img");
            [image.onload, image.onerror] = [done, failed];
            image.src = "data:image/svg+xml," + encodeURIComponent(text); })""", picture.read_text(encoding="utf-8"))
        assert page.evaluate("() => document.querySelector('img').naturalWidth") > 500


def test_the_png_is_one_and_is_not_blank(place, new_page):
    data = saved(place, "png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    assert width > 500
    assert height > 100
    with new_page() as page:
        colours = page.evaluate("""async letters => {
            const bytes = Uint8Array.from(atob(letters), letter => letter.charCodeAt());
            const image = await createImageBitmap(new Blob([bytes], {type: "image/png"}));
            const canvas = new OffscreenCanvas(image.width, image.height), ink = canvas.getContext("2d");
            ink.drawImage(image, 0, 0);
            return new Set(new Uint32Array(ink.getImageData(0, 0, image.width, image.height).data.buffer)).size; }""",
            base64.b64encode(data).decode())
    assert colours > 20


def test_the_saved_page_opens_and_plays(place, new_page, tmp_path):
    _, frame = place
    frame.click("#end")
    path = tmp_path / "again.html"
    path.write_bytes(saved(place, "html").read_bytes())
    with new_page(offline=True) as page:
        page.goto(path.as_uri())
        page.wait_for_selector("#world .box")
        assert graphs.steps(page)[0] == 0
        page.press("body", "End")
        graphs.check_totals(page, graphs.gradients(graphs.made("mlp")))
        assert page.watch.errors == []
