"""Pictures and tables of the lab say in words what they show, and leave nothing out."""
import xml.etree.ElementTree as ElementTree

from pfncache_edu.lab import analysis, walk
from pfncache_edu.render.lab import beside, waits_by_run

SVG = "{http://www.w3.org/2000/svg}"


def test_each_run_is_a_dot_and_a_run_without_waits_is_a_ring(stock):
    runs = analysis.all_runs(stock)
    drawn = ElementTree.fromstring(waits_by_run(runs).svg)
    dots = [circle.get("fill") == "none" for circle in drawn.iter(f"{SVG}circle")]
    shown = [run for (_, _, related), found in runs.items() for run in found if not related]
    assert dots == [run.waits == 0 for run in shown]


def test_dots_stay_in_the_picture_and_never_cover_each_other_where_nobody_waited(stock):
    drawn = ElementTree.fromstring(waits_by_run(analysis.all_runs(stock)).svg)
    width, height = float(drawn.get("width")), float(drawn.get("height"))
    places = [(float(dot.get("cx")), float(dot.get("cy")), dot.get("fill")) for dot in drawn.iter(f"{SVG}circle")]
    assert all(0 < x < width - 3 and 36 < y < height for x, y, _ in places)
    rings = [(x, y) for x, y, fill in places if fill == "none"]
    assert len(set(rings)) == len(rings)


def test_the_text_alternative_has_the_counts(stock):
    picture = waits_by_run(analysis.all_runs(stock))
    said = ElementTree.fromstring(picture.svg).find(f"{SVG}desc").text
    assert said in repr(picture) and "Linux 6.12, event channel: " in said and said.count("no wait in any") == 2


def test_related_runs_have_a_picture_of_their_own(stock):
    assert "no wait" not in repr(waits_by_run(analysis.all_runs(stock), related=True))


def test_the_walk_as_a_table_has_each_line_of_the_text(stock):
    rows = walk.walk(stock[0])
    shown = beside(rows)
    table = ElementTree.fromstring(shown._repr_html_())
    assert len(table.findall("tbody/tr")) == len(rows) == len(repr(shown).splitlines())
    cells = ["".join(cell.itertext()) for cell in table.iter("td")]
    assert [row.traced.strip() for row in rows] == cells[::2] and all(row.ours in cell for row, cell in zip(rows, cells[1::2]))
