"""A page of HTML as its parts, and what is wrong with it: for tests of pages that must stand by themselves."""

from collections import Counter
from html.parser import HTMLParser

VOID = {"meta", "input", "br", "img", "link"}
ADDRESSES = {"src", "href", "xlink:href", "action", "formaction", "poster", "data", "srcset", "background"}
"""Attributes that make a browser load something."""


class Page(HTMLParser):
    """The parts of a page.

    Attributes:
        headings, figures: their texts.
        tables: each a list of rows of texts.
        frames: the documents of frames.
        text: all text outside of styles and scripts.
        scripts: how many elements are programs.
        complaints: tags that do not match, leaps among headings, ids that come twice, references to the outside,
            handlers in attributes, pictures and frames without a name.
    """

    def __init__(self, source):
        super().__init__()
        self.source, self.complaints, self.scripts, self.text = source, [], 0, ""
        self.headings, self.figures, self.tables, self.frames, self.levels = [], [], [], [], []
        self.open, self.ids, self.seen = [], Counter(), Counter()
        self.feed(source)
        self.close()
        self.complaints += [f"not closed: {tag}" for tag in self.open]
        self.complaints += [f"id {name} {count} times" for name, count in self.ids.items() if count > 1]
        self.complaints += [f"{tag} {self.seen[tag]} times" for tag in ("html", "title", "main", "h1")
                            if self.seen[tag] != 1]
        if not source.startswith("<!DOCTYPE html>\n"):
            self.complaints.append("no doctype")

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.seen[tag] += "svg" not in self.open  # which have titles of their own
        self._check(tag, named)
        if "id" in named:
            self.ids[named["id"]] += 1
        if tag[0] == "h" and tag[1:].isdigit():
            if int(tag[1:]) > (self.levels[-1] if self.levels else 0) + 1:
                self.complaints.append(f"{tag} below h{self.levels}")
            self.levels.append(int(tag[1:]))
            self.headings.append("")
        elif tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif tag == "figure":
            self.figures.append("")
        elif tag == "iframe":
            self.frames.append(named["srcdoc"])
        if tag not in VOID:
            self.open.append(tag)

    def _check(self, tag, named):
        for name, value in named.items():
            outside = name in ADDRESSES and not (value or "").startswith(("data:image/", "#"))
            if outside or name.startswith("on") or (name == "style" and "url(" in value and "url(#" not in value):
                self.complaints.append(f"{tag} {name}={value:.60}")
        if tag == "html" and not named.get("lang"):
            self.complaints.append("no language")
        wants = {"img": "alt", "iframe": "title"}.get(tag) or ("aria-label" if named.get("role") == "img" and "class"
                                                               not in named else None)
        if wants and not named.get(wants):
            self.complaints.append(f"{tag} without {wants}")
        if tag == "iframe" and "allow-same-origin" in (named.get("sandbox") or "allow-same-origin"):
            self.complaints.append("a frame that reaches its page")
        if tag in ("link", "base", "object", "embed", "form") and named.get("id") != "quiz":
            self.complaints.append(tag)
        self.scripts += tag == "script" and named.get("type") is None

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.complaints.append(f"</{tag}> closes another")

    def handle_data(self, data):
        if "style" in self.open:
            if "url(" in data or "@import" in data:
                self.complaints.append("a style that loads")
            return
        if "script" in self.open:
            return
        self.text += data
        if self.headings and self.open and self.open[-1][0] == "h" and self.open[-1][1:].isdigit():
            self.headings[-1] += data
        if "td" in self.open or "th" in self.open:
            self.tables[-1][-1][-1] += data
        if "figure" in self.open:
            self.figures[-1] += data


def read(source):
    """The parts of a page."""
    return Page(source)
