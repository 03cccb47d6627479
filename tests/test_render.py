"""Traces as words and pictures."""
import xml.etree.ElementTree as ElementTree

import pytest

from pfncache_edu import MUTANTS, Program, Thread, diagram, explore, kernel, picture, run, scenarios, story
from pfncache_edu.render.diagram import MAIL
from pfncache_edu.render.words import pointed_at
from pfncache_edu.steps import Cell
from pfncache_edu.verdict import Place


@pytest.fixture(scope="module")
def verdict():
    return explore(scenarios.page_moves_during_use(MUTANTS["clears_under_the_read_lock"].livepatch))


def test_a_story_names_thread_step_function_and_line(verdict):
    lines = story(verdict).splitlines()
    assert len(lines) == len(verdict.trace) + 1
    assert lines[9].split()[:2] == ["10", "notifier"] and "stores False in gpc.valid" in lines[9]
    assert "clears_under_the_read_lock, mutants.py:" in lines[9]
    assert lines[-1].endswith(verdict.sentence)


def test_a_diagram_has_a_column_per_cpu_and_time_downwards(verdict):
    lines = diagram(verdict).splitlines()
    assert lines[0].split() == ["vcpu0", "notifier"]
    column = lines[0].index("notifier")
    cleared = next(i for i, line in enumerate(lines) if "gpc.valid = False" in line)
    written = next(i for i, line in enumerate(lines) if "*khva(A+0)" in line)
    assert lines[cleared].index("gpc.valid") > column > lines[written].index("*khva") and cleared < written
    assert lines[-1] == f"=> {verdict.sentence}"


def test_the_last_step_can_be_left_for_the_reader(verdict):
    assert "*khva(A+0) = …" not in diagram(verdict, hide_last=True)
    assert verdict.sentence not in diagram(verdict, hide_last=True)
    assert "*khva(A+0) = …" not in picture(verdict, hide_last=True)


def test_the_picture_is_well_formed_says_every_step_as_text_and_is_the_same_every_time(verdict):
    svg = picture(verdict, title="A write is lost")
    root = ElementTree.fromstring(svg)
    assert root.find("{*}title").text == "A write is lost"
    description = root.find("{*}desc").text
    assert all(f"step {event.number}, {event.thread}: {event.words}" in description for event in verdict.trace)
    assert svg == picture(explore(verdict.program), title="A write is lost")


def test_a_verdict_without_a_schedule_has_a_story_too():
    verdict = explore(scenarios.unrelated_range())
    assert story(verdict) == "holds: 78 states, all of them" and diagram(verdict) == "(no step was taken)"
    ElementTree.fromstring(picture(verdict))


def test_any_run_can_be_drawn():
    trace = run(scenarios.page_moves_during_use(), "v2 n3")
    assert "spin_unlock(kvm.mn_invalidate_lock)" in diagram(trace)


# --- where in the source --------------------------------------------------------------------------------------------

def test_a_story_with_its_source_points_at_the_expression_that_is_the_step(verdict):
    lines = story(verdict, source=True).splitlines()
    told = next(n for n, line in enumerate(lines) if "vcpu0     reads gpc.valid -> True" in line)
    assert "kvm_gpc_check, pfncache.py:" in lines[told]
    assert lines[told + 1].strip() == "return (yield gpc.valid)"
    start = lines[told + 1].index("yield gpc.valid")
    assert lines[told + 2] == " " * start + "^" * len("yield gpc.valid")
    assert lines[told].index("reads") == lines[told + 1].index("return")


def test_two_steps_of_one_line_are_told_apart_by_their_carets(verdict):
    lines = story(verdict, source=True).splitlines()
    looks = [n for n, line in enumerate(lines) if line.strip().startswith("return ((yield gpc.valid) and not")]
    code = lines[looks[0]]
    assert len(looks) == 2 and lines[looks[1]] == code
    marked = [code[lines[n + 1].index("^"):len(lines[n + 1])] for n in looks]
    assert marked == ["yield gpc.valid", "yield gpc.pfn"]


def test_a_story_of_code_without_source_has_no_such_lines():
    namespace = {"kernel": kernel, "x": Cell("x", 0)}
    exec("@kernel\ndef f():\n    yield x.set(1)\n", namespace)
    trace = run(Program("exec", (Thread("t", namespace["f"]),)))
    assert story(trace, source=True) == story(trace) == "  1  t  stores 1 in x  f, <string>:3"


@kernel
def speaks_greek_and_takes_two_lines(α, β):
    return [(yield α), "ἀλήθεια", (yield α), (yield
            β.set(2))]


def test_carets_stand_right_behind_wide_letters_and_stop_where_the_line_ends():
    α, β = Cell("α", 1), Cell("β", 1)
    trace = run(Program("greek", (Thread("t", speaks_greek_and_takes_two_lines, (α, β)),)))
    marked = []
    for event in trace:
        line, carets = pointed_at(event.place)
        marked.append(line[carets.index("^"):len(carets)])
    assert marked == ["yield α", "yield α", "yield"]


def test_a_place_without_columns_is_a_line_without_carets():
    assert pointed_at(Place("f", __file__, 1, 1, 1, 1)) == ['"""Traces as words and pictures."""']


# --- in a mail --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("scenario, mutant", [("page_moves_during_refresh", "snapshots_after_the_lookup"),
                                              ("read_lock_first", "forgets_the_count")])
def test_a_diagram_can_be_kept_as_narrow_as_a_mail(scenario, mutant):
    verdict = explore(getattr(scenarios, scenario)(MUTANTS[mutant].livepatch))
    for width in (MAIL, 78, 40):
        lines = diagram(verdict, width=width).splitlines()
        assert max(map(len, lines)) <= width and len(lines) >= len(diagram(verdict).splitlines())


def test_a_mail_has_every_step_in_full_and_keeps_the_columns_apart(verdict):
    wide, narrow = diagram(verdict).splitlines(), diagram(verdict, width=MAIL).splitlines()
    assert max(map(len, wide)) > 60 and [line.split() for line in wide] == [line.split() for line in narrow]
    assert diagram(verdict, width=500) == diagram(verdict)


def test_where_even_that_is_too_wide_names_are_cut_in_the_middle(verdict):
    assert "kvm_mmu_notifi…_range_start()" in diagram(verdict, width=40)
    with pytest.raises(ValueError, match="at least 40 columns"):
        diagram(verdict, width=39)


def test_many_threads_with_long_names_fit_a_mail_too():
    cell = Cell("a_cell_with_a_name_that_is_longer_than_anybody_would_like", 0)

    @kernel
    def a_function_with_a_name_that_is_longer_than_anybody_would_like():
        yield cell.add(1)
    threads = tuple(Thread(f"{letter}_thread_with_a_long_name", a_function_with_a_name_that_is_longer_than_anybody_would_like)
                    for letter in "abcdefgh")
    lines = diagram(run(Program("many", threads)), width=MAIL).splitlines()
    assert len(lines) == 2 + 2 * 8 and max(map(len, lines)) <= MAIL
    starts = [len(line) - len(line.lstrip()) for line in lines[2::2]]
    assert starts == sorted(set(starts))
