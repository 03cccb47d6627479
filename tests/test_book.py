"""The book keeps its form: what every chapter has, in which order, and what its words and numbers stand on."""
import itertools
import linecache
import pathlib
import re
import tomllib

import nbformat
import pytest

BOOK = pathlib.Path(__file__).parent.parent / "book"
CHAPTERS = sorted((BOOK / "chapters").glob("*.ipynb"))
PAGES = [*CHAPTERS, *sorted(BOOK.glob("*.md"))]
GLOSSARY = BOOK / "glossary.md"

TEMPLATE = ["A question first", "What you will be able to do", "The story", "Worked example", "Try it", "Checkpoints",
            "Practice", "In the tree", "What the model leaves out", "Summary", "Exercise"]
OPTIONAL = {"What you need to know"}
PLAN = tomllib.loads((BOOK / "chapters.toml").read_text())
SUB_GOALS = {"user": "take the read lock – check – use, or else drop and refresh – release",
             "refresh": "withdraw – snapshot – drop the lock – look up and map – retake the lock – retry or publish",
             "invalidate": "announce – find overlap – withdraw and drain – (MM zaps) – retire"}
GAMES = set(re.findall(r"^    (\w+) ", (BOOK.parent / "pfncache_edu/widgets/__init__.py").read_text(), re.M)) - {"Prediction", "YourProgress"}
WORDS_A_MINUTE, LISTING_MINUTES, WIDGET_MINUTES = 180, 1, 4

each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)


def cells(chapter, kind=None):
    return [cell for cell in nbformat.read(chapter, 4).cells if kind in (None, cell.cell_type)]


def prose(page):
    """The Markdown of a page, without the code between fences."""
    text = "\n\n".join(cell.source for cell in cells(page, "markdown")) if page.suffix == ".ipynb" else page.read_text()
    return re.sub(r"```\w.*?```", "", text, flags=re.S) if page != GLOSSARY else text


def running_text(page):
    """The prose without headings, code, tables' rulers and quotations: where a word is used and not only named."""
    text = re.sub(r"^#.*$", "", prose(page), flags=re.M)
    return re.sub(r'(\{\w+\}`[^`]*`)|`[^`]*`|"[^"\n]*"|“[^”\n]*”', lambda match: match[1] or " ", text)


def terms():
    body = re.search(r"```\{glossary\}\n(.*?)```", GLOSSARY.read_text(), re.S)[1]
    return re.findall(r"^(\S.*)$", body, re.M)


def section(chapter, title):
    return re.search(rf"^## {title}.*?$(.*?)(?=^## |\Z)", prose(chapter), re.S | re.M)[1]


def is_listing(cell):
    """Whether a code cell asks to be studied: a listing, a picture or a table, or more than a few lines of source."""
    forms = {form for output in cell.outputs for form in output.get("data", {})}
    shown = not {"remove-input", "hide-input"} & set(cell.metadata.get("tags", []))
    return bool(forms & {"image/svg+xml", "text/markdown", "text/html"}) or shown and len(cell.source.splitlines()) > 8


def reading_minutes(chapter):
    """Prose at a steady pace, a minute for each listing or picture, four for each game. Exercises have their own time."""
    code = cells(chapter, "code")
    games = [cell for cell in code if re.search(rf"^({'|'.join(GAMES)})\(", cell.source, re.M)]
    others = [cell for cell in code if "Prediction(" in cell.source or "check(" in cell.source or "EXERCISES" in cell.source]
    listings = [cell for cell in code if is_listing(cell) and cell not in games + others]
    words = re.sub(r"^\|.*$|^:::.*$|[*#–]", "", prose(chapter).partition("## Exercise")[0], flags=re.M).split()
    return round(len(words) / WORDS_A_MINUTE + LISTING_MINUTES * len(listings) + WIDGET_MINUTES * len(games))


@each_chapter
def test_a_chapter_has_the_parts_of_the_template_in_their_order(chapter):
    titles = [title for title in re.findall(r"^## (.*)$", prose(chapter), re.M) if title not in OPTIONAL]
    parts = [next((part for part in TEMPLATE if title.startswith(part)), title) for title in titles]
    assert [part for part, _ in itertools.groupby(parts)] == TEMPLATE


@each_chapter
def test_a_chapter_is_the_one_of_the_plan(chapter):
    plan = PLAN[chapter.stem]
    assert prose(chapter).startswith(f"# {plan['number']} · {plan['title']}\n")
    assert f"{plan['exercise_minutes']} minutes for " in section(chapter, "What you will be able to do")


def test_the_plan_has_every_chapter_once_and_needs_only_what_comes_before():
    numbers = [plan["number"] for plan in PLAN.values()]
    assert numbers == list(range(len(PLAN)))
    assert all(need < plan["number"] for plan in PLAN.values() for need in plan["needs"])
    assert {chapter.stem for chapter in CHAPTERS} <= PLAN.keys()


def test_the_book_lists_its_chapters_in_their_order():
    listed = re.findall(r"chapters/([\w-]+)", (BOOK / "_toc.yml").read_text())
    assert listed == [name for name in PLAN if BOOK / f"chapters/{name}.ipynb" in CHAPTERS]


@each_chapter
def test_a_chapter_opens_with_a_recorded_prediction_and_confronts_it_later(chapter):
    first, *_, = [cell for cell in cells(chapter, "code")]
    assert "Prediction(" in first.source and "confront" not in first.source
    assert any("confront=True" in cell.source for cell in cells(chapter, "code"))


@each_chapter
def test_a_chapter_says_what_it_teaches_needs_and_leaves_out_and_how_long_it_takes(chapter):
    start = section(chapter, "What you will be able to do")
    assert len(re.findall(r"^- ", start, re.M)) >= 3
    for label in ("Time:", "You need:", "Out of scope:"):
        assert f"**{label}**" in start, label


@each_chapter
def test_the_reading_time_is_the_one_that_the_chapter_takes(chapter):
    printed = int(re.search(r"\*\*Time:\*\* (\d+) minutes of reading", prose(chapter))[1])
    assert printed == reading_minutes(chapter), "write the second number into the chapter's Time line"


@each_chapter
def test_the_sub_goals_have_the_same_names_everywhere(chapter):
    for plan in PLAN[chapter.stem]["plans"]:
        assert f"*{SUB_GOALS[plan]}*" in prose(chapter)


def test_the_widget_speaks_of_the_same_sub_goals():
    pytest.importorskip("anywidget")
    from pfncache_edu.widgets.subgoals import LADDERS
    for name, label in SUB_GOALS.items():
        assert " – ".join(LADDERS[name]) == label


@each_chapter
@pytest.mark.parametrize("term", terms())
def test_a_term_is_linked_to_the_glossary_where_it_is_first_used(chapter, term):
    text = running_text(chapter)
    word = re.compile(rf"(\{{term\}}`(?:[^`<]*<)?)?(?<![\w-])({re.escape(term)})(?:s|es)?(?![\w-])", re.I)
    found = word.search(re.sub(r"\s+", " ", text))
    if found:
        assert found[1], f"write {{term}}`{term}` at: {re.sub(r'[ ]+', ' ', text.replace(chr(10), ' '))[max(found.start() - 60, 0):found.end() + 30]}"


def test_every_term_of_the_glossary_is_used():
    links = " ".join(prose(page) for page in PAGES if page != GLOSSARY)
    linked = {(target or text).strip().lower() for text, target in re.findall(r"\{term\}`([^`<]*)(?:<([^`>]*)>)?`", links)}
    assert {term.lower() for term in terms()} == linked


@each_chapter
def test_numbers_of_states_and_steps_are_computed_never_typed(chapter):
    number = r"(?:\d[\d,]*)"
    assert not re.findall(rf"\b{number} (?:states|steps)\b", prose(chapter))


@each_chapter
def test_a_chapter_has_checkpoints_whose_answers_are_a_click_away(chapter):
    text = section(chapter, "Checkpoints")
    questions, answers = re.findall(r"^\*\*(\d+)\.\*\*", text, re.M), re.findall(r"\{admonition\} Answer (\d+)\n:class: dropdown", text)
    assert questions == answers and 6 <= len(answers) <= 8


@each_chapter
def test_every_picture_says_what_it_shows(chapter):
    for cell in cells(chapter, "code"):
        for output in cell.outputs:
            svg = "".join(output.get("data", {}).get("image/svg+xml", ""))
            if svg:
                assert 'role="img"' in svg and re.search(r"<title>[^<]+</title>", svg) and re.search(r"<desc>[^<]+</desc>", svg), cell.id
    assert "![](" not in prose(chapter)


@each_chapter
def test_listings_of_our_functions_come_from_the_source(chapter):
    """A fence in the prose would be a copy that nobody tests: only calls of `check` may stand in one."""
    text = "\n\n".join(cell.source for cell in cells(chapter, "markdown"))
    for fence in re.findall(r"```python\n(.*?)```", text, re.S):
        assert "def " not in fence and "yield" not in fence


@each_chapter
def test_an_exercise_prints_the_points_that_its_checks_add_up_to(chapter):
    from pfncache_edu.grading import EXERCISES
    for number, points in re.findall(r"^## Exercise ([\d.]+):.*?\*\*(\d+) points? · \d+ minutes · difficulty: \w+\*\*", prose(chapter), re.M | re.S):
        assert EXERCISES[number].points == int(points)


@each_chapter
def test_every_cell_for_the_page_needs_only_the_package(chapter):
    for cell in cells(chapter, "code"):
        if "live" in cell.metadata.get("tags", []):
            for module in re.findall(r"^(?:from|import) (\w+)", cell.source, re.M):
                assert module == "pfncache_edu"


@each_chapter
def test_the_cells_for_the_page_run_one_after_the_other_without_the_rest(chapter, capsys):
    """A reader runs these in the browser, and no other cell."""
    names = {"__name__": "__main__"}
    for cell in cells(chapter, "code"):
        if "live" in cell.metadata.get("tags", []):
            linecache.cache[cell.id] = len(cell.source), None, cell.source.splitlines(True), cell.id
            exec(compile(cell.source, cell.id, "exec"), names)


@each_chapter
def test_a_claim_about_linux_names_its_file_function_and_version(chapter):
    rows = [row for row in section(chapter, "In the tree").splitlines() if row.startswith("| ")][2:]
    assert len(rows) >= 5
    for row in rows:
        assert re.search(r"`(virt|arch|kernel|include|Documentation)/[\w/.-]+\.([ch]|rst)`", row) and re.search(r"lines? \d+", row), row
    assert re.search(r"6\.12\.\d+", section(chapter, "In the tree"))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_links_to_pages_resolve(page):
    for target in re.findall(r"\{doc\}`(?:[^`<]*<)?([^`>]+)>?`", prose(page)):
        assert any((page.parent / target).with_suffix(suffix).exists() for suffix in (".ipynb", ".md")), target
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", prose(page)):
        assert (page.parent / target).exists(), target


def test_the_landing_page_lets_the_reader_act_before_it_explains():
    before, _, after = (BOOK / "index.md").read_text().partition("ThreeClicks(")
    assert after and len(before.split()) < 120 and "## " not in before
