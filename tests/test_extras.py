"""What a site has beside its pages is linked from its landing page, and nothing else is."""
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "book"))
import extras  # noqa: E402


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "index.html").write_text('<h1>Book</h1><div class="pfn-extras"></div><p>after</p>')
    return folder


@pytest.fixture
def lab(tmp_path):
    python = tmp_path / "lite/static/pyodide"
    python.mkdir(parents=True)
    (python / "python.wasm").write_bytes(b"0" * 2_000_000)
    return tmp_path / "lite"


def landing(site):
    return (site / "index.html").read_text(encoding="utf-8")


def test_a_lab_is_put_into_the_site_and_linked_with_its_size(site, lab):
    extras.offer(site, [lab])
    assert (site / "lite/static/pyodide/python.wasm").exists()
    assert 'href="lite/lab/index.html' in landing(site) and "2 MB" in landing(site) and "no matplotlib" in landing(site)
    assert landing(site).endswith("<p>after</p>")


def test_a_lab_of_an_earlier_build_is_taken_out(site, lab):
    before = landing(site)
    extras.offer(site, [lab])
    extras.offer(site, [])
    assert not (site / "lite").exists() and landing(site).replace("\n", "") == before


def test_to_offer_twice_is_to_offer_once(site, lab):
    extras.offer(site, [lab])
    once = landing(site)
    extras.offer(site, [lab])
    assert landing(site) == once


def test_the_landing_page_has_a_place_for_them():
    assert '<div class="pfn-extras"></div>' in (ROOT / "book/index.md").read_text(encoding="utf-8")
