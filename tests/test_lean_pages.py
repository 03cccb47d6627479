"""What the theme loads for nothing is left out of the pages, and nothing that a page needs."""
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent


@pytest.fixture(scope="module")
def lean():
    pytest.importorskip("fontTools", reason="the book needs its requirements")
    sys.path.insert(0, str(ROOT / "book/_ext"))
    import pfn_lean
    sys.path.remove(str(ROOT / "book/_ext"))
    return pfn_lean


def test_a_rule_stays_when_a_page_or_a_script_speaks_of_its_classes(lean):
    words = lean.words_of(['<p class="note big">', "element.classList.add('open')"])
    for kept in (".note{a:b}", "p.note.big{a:b}", "div>a:hover{a:b}", ".open:not(.gone){a:b}", "@media print{.note{a:b}}", ".bs-tooltip-auto{a:b}"):
        assert lean.without_unused(kept, words) == kept
    assert lean.without_unused(".note,.gone,p:is(.x,.y){a:b}.gone .note{a:b}@media print{.gone{a:b}}", words) == ".note,p:is(.x,.y){a:b}@media print{}"


def test_scripts_run_in_their_order_after_the_page_and_the_settings_before_it(lean):
    page = '<script src="documentation_options.js"></script><script src="a.js?v=1"></script><script defer src="b.js"></script><script>c()</script>'
    assert lean.deferred(page) == page.replace('<script src="a', '<script defer src="a')
    assert lean.deferred(lean.deferred(page)) == lean.deferred(page)


def test_a_script_that_nobody_uses_goes_and_the_others_stay(lean):
    page = '<head>\n  <script defer src="_static/scripts/fontawesome.js?digest=1"></script>\n  <script src="_static/pfn-live.js"></script></head>'
    assert lean.without_scripts(page, lean.EVERYWHERE) == '<head>\n  <script src="_static/pfn-live.js"></script></head>'


def test_the_font_of_icons_has_those_that_the_style_shows_and_no_other(lean):
    theme = pytest.importorskip("pydata_sphinx_theme")
    static = pathlib.Path(theme.__file__).parent / "theme/pydata_sphinx_theme/static"
    style = lean.without_unused((static / lean.STYLE).read_text(encoding="utf-8"), {"fa-bars", "fa-solid"})
    assert re.findall(r"\.fa-([a-z-]+):before", style) == ["bars"]
    characters = lean.characters_of([style])
    assert 0xf0c9 in characters
    made = lean.with_font(style, lean.small_font(static / lean.FONT, characters))
    assert "fa-solid-900" not in made and len(re.search(r"data:font/woff;base64,[^)]*", made)[0]) < 4_000


def test_a_theme_with_another_font_is_an_error_that_says_where_to_look(lean):
    with pytest.raises(ValueError, match="pfn_lean.py"):
        lean.with_font("@font-face{src:url(other.woff2)}", "data:")


def test_a_page_is_the_same_whether_its_notebook_was_run_or_its_results_were_known(lean):
    def page(state):
        return f'<script type="application/vnd.jupyter.widget-state+json">{state}</script><script>{{"b": 1, "a": 2}}</script>'
    run, known = page(r'{"b": "<\/script>", "a": {"d": [], "c": 1}}'), page(r'{"a": {"c": 1, "d": []}, "b": "<\/script>"}')
    assert lean.with_names_in_order(run) == known == lean.with_names_in_order(known)
