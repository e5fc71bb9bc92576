"""What tests read from the page of a player."""

import graphs


def at(page):
    """The number of the step that a page is at."""
    return graphs.steps(page)[0]


def last(page):
    """The number of its last step."""
    return graphs.steps(page)[1]


def caption(page):
    """What is said of the step."""
    return page.inner_text("#caption")


def transform(page):
    """Where the camera is."""
    return page.get_attribute("#world", "transform")


def count(page):
    """How many boxes there are."""
    return page.locator("#world .box").count()


def box_of(page, label):
    """The box of the node with this name."""
    return page.locator(f'#world .box[aria-label^="{label}, "]')
