"""Every drawing on every page of the built book says in words what it shows."""

import re

import pytest
from browsing import SITE, needs_site, pages

pytestmark = pytest.mark.site


@pytest.fixture(scope="module", autouse=True)
def built():
    needs_site()


@pytest.mark.parametrize("path", pages() or ["index.html"])
def test_every_drawing_has_a_name_and_a_description(path):
    for drawing in re.findall(r"<svg[^>]*role=.img.*?</svg>", (SITE / path).read_text(encoding="utf-8"), re.S):
        assert re.search(r"<title[^>]*>[^<]+</title>", drawing), drawing[:200]
        assert re.search(r"<desc[^>]*>[^<]+</desc>", drawing), drawing[:200]


@pytest.mark.parametrize("path", pages() or ["index.html"])
def test_a_drawing_of_ours_is_never_without_a_role(path):
    for place in re.findall(r'class="pfn-(?:picture|still)">(<svg[^>]*>)', (SITE / path).read_text(encoding="utf-8")):
        assert 'role="img"' in place, place


@pytest.mark.parametrize("path", pages() or ["index.html"])
def test_an_image_has_a_text_in_its_place(path):
    text = (SITE / path).read_text(encoding="utf-8")
    assert [image for image in re.findall(r"<img\b[^>]*>", text) if not re.search(r'\balt="[^"]+"', image)] == []


DARK_AS_LIGHT = {"#000000", "#009e73", "#cc79a7", "#d55e00", "#e69f00", "#56b4e9", "#0072b2"}      # bars, and writing on coloured cells


@pytest.mark.parametrize("path", pages() or ["index.html"])
def test_each_colour_of_a_drawing_has_a_dark_counterpart(path):
    """pfn.css names it; a few are the same in light and dark."""
    style = (SITE / "_static/pfn.css").read_text(encoding="utf-8")
    for drawing in re.findall(r'class="pfn-picture">(<svg.*?</svg>)', (SITE / path).read_text(encoding="utf-8"), re.S):
        attributes = {(name, colour.lower()) for name, colour in re.findall(r'\b(fill|stroke)="(#\w+)"', drawing)}
        inline = {(name, colour.lower()) for name, colour in re.findall(r'\b(fill|stroke): (#\w+)', drawing)}
        missing = [one for one in attributes if one[1] not in DARK_AS_LIGHT and f'[{one[0]}="{one[1]}"]' not in style]
        missing += [one for one in inline if one[1] not in DARK_AS_LIGHT and f'[style*="{one[0]}: {one[1]}"]' not in style]
        assert missing == [], "pfn.css says what becomes of a colour on a dark page"
