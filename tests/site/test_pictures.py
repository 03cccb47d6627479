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
