"""The book's words: no common misspelling, no word twice in a row, and a glossary in the order of the alphabet."""
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from pfncache_edu.grading.release import cells_of

ROOT = Path(__file__).parent.parent
PAGES = sorted([*(ROOT / "book").glob("*.md"), *(ROOT / "book/chapters").glob("*.ipynb"), *(ROOT / "exercises").glob("*/*/source.py"),
                ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "exercises/README.md"])
CODE = sorted([*(ROOT / "pfncache_edu").rglob("*.py"), *(ROOT / "pfncache_edu/widgets").glob("*.js"), *(ROOT / "pfncache_edu/claims").glob("*.toml"),
               *(ROOT / "book/_ext").glob("*.py"), *({*(ROOT / "tests").glob("*.py")} - {Path(__file__)})])
NOT_WRONG = "simpy,sav,caf"                     # names that look like misspellings
MAY_BE_TWICE = {"that", "had", "v1"}    # "he had had", "that that", and steps of a schedule

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: f"{path.parent.name}/{path.name}")


def text_of(page):
    """The page as its author wrote it: of a notebook, the source of its cells and none of its outputs."""
    text = page.read_text(encoding="utf-8")
    return "\n\n".join(cell.source for cell in nbformat.reads(text, 4).cells) if page.suffix == ".ipynb" else text


def prose_of(page):
    """What is read as sentences: of a notebook or a source of one, the text cells; without code and tables."""
    text = text_of(page)
    if page.suffix == ".ipynb":
        text = "\n\n".join(cell.source for cell in nbformat.reads(page.read_text(encoding="utf-8"), 4).cells if cell.cell_type == "markdown")
    if page.suffix == ".py":
        text = "\n\n".join(cell.source for cell in cells_of(text) if cell.kind == "markdown")
    return re.sub(r"`[^`]*`", "·", re.sub(r"```\w.*?```|^\|.*$|^    .*$", "\n\n", text, flags=re.S | re.M))


def misspellings(folder, files):
    """What codespell finds in these files; a notebook is read by its cells."""
    pytest.importorskip("codespell_lib", reason="spelling is checked where codespell is installed")
    names = []
    for file in files:
        copy = folder / (file.relative_to(ROOT).as_posix().replace("/", "__") + ".txt")
        copy.write_text(text_of(file), encoding="utf-8")
        names.append(copy)
    found = subprocess.run([sys.executable, "-m", "codespell_lib", "--builtin", "clear", "-L", NOT_WRONG, *names], capture_output=True, text=True)
    return found.stdout.replace(f"{folder}/", "").splitlines()


def test_no_page_has_a_common_misspelling(tmp_path):
    assert misspellings(tmp_path, PAGES) == []


@pytest.mark.slow
def test_no_source_has_a_common_misspelling(tmp_path):
    assert misspellings(tmp_path, CODE) == []


def test_a_misspelling_would_be_found(tmp_path):
    (tmp_path / "in").mkdir()
    page = ROOT / "README.md"
    pytest.importorskip("codespell_lib")
    (tmp_path / "page.txt").write_text(page.read_text(encoding="utf-8") + "\nThe adress of teh page.\n", encoding="utf-8")
    found = subprocess.run([sys.executable, "-m", "codespell_lib", tmp_path / "page.txt"], capture_output=True, text=True).stdout
    assert "adress ==> address" in found and "teh ==> the" in found


@each_page
def test_no_word_stands_twice_in_a_row(page):
    twice = [match[0].replace("\n", " ") for match in re.finditer(r"\b([^\W\d_]\w*)[ \n]+\1\b", prose_of(page), re.I)]
    assert [words for words in twice if words.split()[0].lower() not in MAY_BE_TWICE] == []


@pytest.mark.parametrize("page", [page for page in PAGES if "book" in page.parts], ids=lambda path: path.name)
def test_addresses_of_other_sites_are_whole_and_lead_to_archives_that_keep_them(page):
    """No shortened address, no search result, no mirror: what is cited must be there in ten years."""
    for address in re.findall(r"https?://[^\s)>`\"]+", text_of(page)):
        assert address.startswith("https://"), f"{address}: write https"
        assert not re.search(r"//(bit\.ly|goo\.gl|t\.co|tinyurl\.com|google\.com/search|web\.archive\.org/save)", address), address
        if "lore.kernel.org" in address:
            assert re.fullmatch(r"https://lore\.kernel\.org/(all|r|kvm)/[^/\s]+@[^/\s]+/?", address), f"{address}: name the message, not a page of results"


def test_the_glossary_is_in_the_order_of_the_alphabet_with_a_line_between_its_entries():
    body = re.search(r"```\{glossary\}\n(.*?)```", (ROOT / "book/glossary.md").read_text(), re.S)[1]
    terms = re.findall(r"^(\S.*)$", body, re.M)
    assert terms == sorted(terms, key=lambda term: re.sub(r"[–-]", " ", term).lower())
    assert not re.search(r"^  .*\n\S", body, re.M), "leave a line free before each term"
