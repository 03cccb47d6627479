"""What the widgets carry to the page is what the engine does: every claim here is about data, none about drawing."""

import json
import pathlib
import random
import shutil
import subprocess

import pytest

pytest.importorskip("anywidget", reason="the widgets need the extra `widgets`")

from pfncache_edu import scenarios
from pfncache_edu.interpreters.chances import chance
from pfncache_edu.interpreters.explorer import explore
from pfncache_edu.interpreters.stepper import Stepper
from pfncache_edu.kvm.pfncache import gfn_to_pfn_cache_invalidate_start, mmu_notifier_retry_cache
from pfncache_edu.mutants import MUTANTS
from pfncache_edu.scenarios import one_of_two_pages_moves, page_moves_during_use
from pfncache_edu.steps import kernel
from pfncache_edu.verdict import format_schedule
from pfncache_edu.widgets import Prediction, Scheduler
from pfncache_edu.widgets.live_widget import module
from pfncache_edu.widgets.scheduler import LEVELS, MAX_STATES
from pfncache_edu.widgets.sharing import compact, share, unshare

MODULE = pathlib.Path(scenarios.__file__).parent / "widgets/scheduler.js"
NAMES = [f"{level['scenario']}/{level['mutant']}" if level["mutant"] else level["scenario"] for level in LEVELS]


def program_of(name):
    scenario, _, mutant = name.partition("/")
    return getattr(scenarios, scenario)(MUTANTS[mutant].livepatch if mutant else {})


@pytest.fixture(scope="module")
def widget():
    return Scheduler()


@pytest.fixture(scope="module")
def levels(widget):
    whole = unshare(widget.data)
    return {level["name"]: {**tables, "files": whole["files"], "ladders": whole["ladders"]}
            for level, tables in zip(widget.levels, whole["levels"])}


def random_runs(program, runs, seed):
    """Runs of the stepper to their end, as [schedule, [words of each step], what is wrong, who could run at each step]."""
    chance, recorded = random.Random(seed), []
    for _ in range(runs):
        machine, choices = Stepper(program), []
        while True:
            choices.append(machine.choices())
            if not choices[-1] or machine.wrong:
                break
            machine.step(chance.choice(choices[-1]))
        recorded.append([machine.schedule, [event.words for event in machine.trace],
                         machine.wrong.sentence if machine.wrong else None, choices])
    return recorded


# --- the tables ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", NAMES)
def test_a_level_carries_the_verdict_of_the_explorer(levels, name):
    told, verdict = levels[name]["verdict"], explore(program_of(name))
    assert (told["outcome"], told["states"], told["steps"], told["schedule"], told["sentence"]) == (
        verdict.outcome, verdict.states, len(verdict.threads), verdict.schedule, verdict.sentence or "")
    assert told["states"] <= MAX_STATES


def test_a_level_that_breaks_says_how_likely_chance_finds_it(levels):
    for name, tables in levels.items():
        found = tables["verdict"].get("chance")
        assert (found is None) == (tables["verdict"]["outcome"] == "holds"), name
        assert not found or found["runs"] == chance(program_of(name)).runs_needed()


def test_a_level_can_be_a_bug_that_the_kernel_once_had():
    widget = Scheduler(levels=["cache_goes_away_during_refresh/deactivates_beside_a_refresh"])
    assert unshare(widget.data)["levels"][0]["verdict"]["broken"] == "inactive_cache_is_not_valid"


@pytest.mark.parametrize("name", NAMES)
def test_any_schedule_goes_through_the_tables_as_it_goes_through_the_functions(levels, name):
    tables, program = levels[name], program_of(name)
    names = [thread["name"] for thread in tables["threads"]]
    for schedule, words, wrong, choices in random_runs(program, 40, seed=name):
        nodes, cells = [0] * len(names), [0] * len(tables["cells"])

        def move(i):
            node = tables["threads"][i]["nodes"][nodes[i]]
            return node["verb"] and node["moves"][",".join(str(cells[cell]) for cell in node["cells"])]

        machine = Stepper(program)
        for who in Stepper(program, schedule).trace:
            assert [n for i, n in enumerate(names) if move(i)] == machine.choices()
            i = names.index(who.thread)
            step, event = move(i), machine.step(who.thread)
            assert step["words"] == event.words
            if "wrong" in step:
                assert step["wrong"] == event.wrong
                break
            for cell, value in zip(tables["threads"][i]["nodes"][nodes[i]]["cells"], step["set"]):
                cells[cell] = value
            nodes[i] = step["to"]
            broken = [sentence for invariant in tables["invariants"] if (sentence := invariant["wrong"].get(
                ",".join(str(cells[cell]) for cell in invariant["cells"])))]
            assert (broken or [None])[0] == event.wrong


@pytest.mark.parametrize("name", NAMES)
def test_every_step_belongs_to_a_sub_goal(levels, name):
    """The reader always sees where in its plan a CPU is, in the words of the book."""
    missing = {node["words"] for thread in levels[name]["threads"] for node in thread["nodes"]
               if node["verb"] and "subgoal" not in node}
    assert not missing
    rungs = {(ladder, levels[name]["ladders"][ladder][rung]) for thread in levels[name]["threads"]
             for node in thread["nodes"] if node["verb"] for ladder, rung in [node["subgoal"]]}
    assert {("user", "check"), ("invalidate", "announce")} <= rungs


def test_the_write_is_a_use_and_the_page_table_is_the_mm(levels):
    tables = levels["page_moves_during_refresh"]
    rungs = {node["words"]: tables["ladders"][node["subgoal"][0]][node["subgoal"][1]]
             for thread in tables["threads"] for node in thread["nodes"] if node["verb"]}
    assert rungs["writes to the guest's page through khva A+0"] == "use, or else drop and refresh"
    assert rungs["stores B in mm.pte[0x7000]"] == "(MM zaps)"
    assert rungs["reads kvm.mmu_invalidate_seq -> …"] in ("snapshot", "retry or publish")
    assert rungs["stores A in gpc.pfn"] == "retry or publish"


def test_shared_json_is_the_same_json():
    value = {"a": [{"long enough": 1}, {"long enough": 1}], "b": {"": [[1, 2, 3, 4], [1, 2, 3, 4]]}, "c": None, "d": [True, 1, "text", "text"]}
    assert unshare(share(value)) == value
    assert len(compact(share([value] * 5))) < 2 * len(compact(value))


def test_seven_levels_weigh_little(widget):
    """A page carries them as text: well below 200 kB, and what it is compressed to below 20 kB."""
    import gzip
    assert len(NAMES) == 7
    text = compact(widget.data)
    assert len(text) < 130_000 and len(gzip.compress(text.encode())) < 20_000
    assert len(MODULE.read_bytes()) < 40_000


def test_a_level_says_nothing_about_its_outcome_before_it_is_played(widget):
    """What is drawn before the reader has predicted comes from `levels` alone."""
    for level, tables in zip(widget.levels, unshare(widget.data)["levels"]):
        text = " ".join(level[key] for key in ("title", "situation", "difference", "goal"))
        verdict = tables["verdict"]
        assert not any(told in text for told in (verdict["outcome"], verdict["text"], str(verdict["states"]), "break")) or (
            verdict["outcome"] == "holds" and "still holds the" in text)


# --- the module's player, in Node ----------------------------------------------------------------------------------

PLAY = """
import { Player, unshare } from "./player.mjs";
import { readFileSync } from "node:fs";
const { data, runs } = JSON.parse(readFileSync(new URL("./runs.json", import.meta.url)));
const whole = unshare(data), answers = [];
whole.levels.forEach((tables, i) => {
  for (const [schedule, words, wrong, choices] of runs[i]) {
    const player = new Player(tables), said = [], could = [];
    for (const thread of player.parse(schedule)) {
      if (player.wrong) break;                                   // a deadlock, which the stepper does not look for
      could.push(tables.threads.filter((_, k) => player.canRun(k)).map(({ name }) => name));
      said.push(player.step(thread).words);
    }
    const again = player.schedule, after = JSON.stringify(player.state);
    player.at = 0;
    for (const thread of player.parse(again)) player.step(thread);
    const scrubbed = JSON.stringify(player.state) === after;
    player.play(again.replaceAll(" ", "_"));
    answers.push({ schedule: again, said, could, wrong: player.wrong?.sentence ?? null, scrubbed, replayed: player.schedule });
  }
});
process.stdout.write(JSON.stringify(answers));
"""


def in_node(folder, script, name="scheduler.js", **data):
    """What a script answers that plays a widget's module in Node."""
    node = shutil.which("node")
    if not node:
        pytest.skip("Node is not installed: the browser tests still play the module")
    (folder / "player.mjs").write_text(module(name))
    (folder / "runs.json").write_text(json.dumps(data))
    (folder / "play.mjs").write_text(script)
    done = subprocess.run([node, folder / "play.mjs"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_page_plays_every_schedule_as_the_stepper_does(widget, tmp_path):
    """Words, who can run, what is wrong, deadlocks, undo and the schedule string: one code for page and JupyterLab."""
    runs = [random_runs(program_of(name), 30, seed=name) for name in NAMES]
    answers = in_node(tmp_path, PLAY, data=widget.data, runs=runs)
    for (schedule, words, wrong, choices), told in zip((run for level in runs for run in level), answers, strict=True):
        steps = len(told["said"])
        if steps == len(words) and told["wrong"] == wrong:
            assert told["schedule"] == schedule
        else:
            assert "waits for" in told["wrong"], "the page stops early only where somebody can never move again"
        assert told["said"] == words[:steps] and told["could"] == choices[:steps]
        assert told["replayed"] == told["schedule"] and told["scrubbed"]


LINES = """
import { Player, unshare } from "./player.mjs";
import { readFileSync } from "node:fs";
const { data, runs } = JSON.parse(readFileSync(new URL("./runs.json", import.meta.url)));
const tables = unshare(data).levels[0];
process.stdout.write(JSON.stringify(runs.map((schedule) => {
  const player = new Player(tables);
  player.play(schedule);
  const before = player.schedule, lines = tables.threads.map((_, i) => player.restOfLine(i).map(({ words }) => words));
  return { lines, same: player.schedule === before };
})));
"""


def test_a_statement_is_expanded_into_the_steps_that_the_stepper_says(tmp_path):
    program = program_of("page_moves_during_use")
    runs = [schedule for schedule, *_ in random_runs(program, 12, seed="lines")]
    starts = [" ".join(run.split()[:n]) for run in runs for n in range(0, 12, 2)] + ["n5", "v1 n5"]
    told = in_node(tmp_path, LINES, data=Scheduler(levels=["page_moves_during_use"]).data, runs=starts)
    longest = 0
    for start, answer in zip(starts, told, strict=True):
        machine = Stepper(program, start)
        assert answer["same"], "to expand a line takes no step"
        for thread, words in zip(program.threads, answer["lines"], strict=True):
            expected = [] if machine.waits(thread.name) else [event.words for event in machine.rest_of_statement(thread.name)]
            assert words == expected
            longest = max(longest, len(words))
    assert longest > 1, "some lines are more than one step"


BRANCHES = """
import { Player, unshare } from "./player.mjs";
import { readFileSync } from "node:fs";
const { data } = JSON.parse(readFileSync(new URL("./runs.json", import.meta.url)));
const player = new Player(unshare(data).levels[0]), told = [], note = () => told.push([player.schedule, player.branches.map((one) => one.schedule)]);
player.play("v2 n3"); note();
player.at = 3; player.step(0); note();
player.play("v2 n3"); note();
for (const other of ["v1", "v1 n1", "n1", "n2", "n3", "n4 v1", "v3"]) player.play(other);
note();
process.stdout.write(JSON.stringify(told));
"""


def test_a_schedule_that_is_left_for_another_is_kept(tmp_path):
    told = in_node(tmp_path, BRANCHES, data=Scheduler(levels=["page_moves_during_use"]).data)
    assert told[:3] == [["v2 n3", []], ["v2 n1 v1", ["v2 n3"]], ["v2 n3", ["v2 n1 v1"]]]
    assert len(told[3][1]) == 4 and told[3][1][0] == "n4 v1"


FAILURES = """
import { Player, unshare } from "./player.mjs";
import { readFileSync } from "node:fs";
const { data } = JSON.parse(readFileSync(new URL("./runs.json", import.meta.url)));
process.stdout.write(JSON.stringify(unshare(data).levels.map((tables) => {
  const player = new Player(tables);
  player.play(tables.verdict.schedule);
  const early = player.at > 1 ? player.states.slice(0, -1).some(({ wrong }) => wrong) : false;
  return { steps: player.at, sentence: player.wrong?.sentence ?? "", broken: player.wrong?.broken ?? "", early };
})));
"""


def test_the_shortest_schedule_breaks_each_level_on_the_page_and_no_step_sooner(widget, levels, tmp_path):
    for tables, told in zip(levels.values(), in_node(tmp_path, FAILURES, data=widget.data), strict=True):
        verdict = tables["verdict"]
        assert told == {"steps": verdict["steps"], "sentence": verdict["sentence"], "broken": verdict["broken"], "early": False}


def test_a_loop_that_can_never_end_is_told_where_it_begins(tmp_path):
    @kernel
    def compares_with_the_first_sequence(kvm, mmu_seq):
        return (yield kvm.mn_active_invalidate_count) != 0 or (yield kvm.mmu_invalidate_seq) != 0

    program = scenarios.page_moves_during_refresh({mmu_notifier_retry_cache: compares_with_the_first_sequence})
    verdict = explore(program)
    assert verdict.broken == "no_endless_loop"
    widget = Scheduler(program=program)
    assert in_node(tmp_path, FAILURES, data=widget.data) == [
        {"steps": len(verdict.threads), "sentence": verdict.sentence, "broken": "no_endless_loop", "early": False}]


# --- the class ----------------------------------------------------------------------------------------------------

def test_python_sees_what_the_reader_has_scheduled():
    widget = Scheduler(levels=["page_moves_during_use", "page_moves_during_use/clears_under_the_read_lock"])
    widget.set_state({"level": 1, "schedule": "v2 n14 v2"})      # what the reader's side sends
    assert widget.trace[-1].wrong == "vcpu0 writes to page A, which was freed: the guest's page is B"
    assert format_schedule(widget.program, [event.thread for event in widget.trace]) == widget.schedule
    widget.level = 0
    assert widget.schedule == "", "another level starts from its beginning"


def test_a_students_own_variant_can_be_played():
    @kernel
    def forgets_everything(kvm, start, end):
        yield kvm.gpc_list

    program = page_moves_during_use({gfn_to_pfn_cache_invalidate_start: forgets_everything})
    schedule = explore(program).schedule
    widget = Scheduler(program=program, schedule=schedule)
    assert widget.trace[-1].wrong and not widget.predict
    assert repr(widget) == f"Scheduler(program='page_moves_during_use', schedule={schedule!r})"


def test_a_widget_can_be_made_again_from_its_arguments(widget):
    for made in (widget, Scheduler(levels=["page_moves_during_use"], schedule="v2 n3")):
        again = Scheduler(**made._params)
        assert (again.levels, again.data, again.name, again.schedule, repr(again)) == (
            made.levels, made.data, made.name, made.schedule, repr(made))


@pytest.mark.parametrize("arguments, error, remedy", [
    ({"levels": ["page_moves_during_us"]}, ValueError, "did you mean 'page_moves_during_use'?"),
    ({"levels": ["page_moves_during_use/clears"]}, ValueError, "there are locks_for_write_at_once"),
    ({"levels": ["page_moves_under_two_users"]}, ValueError, "choose a scenario with fewer threads or caches"),
    ({"levels": [3]}, TypeError, "write \"scenario\", \"scenario/mutant\", a Program, or a dict"),
    ({"levels": [{"scenario": "page_moves_during_use", "mutants": "x"}]}, TypeError, "it has scenario, mutant, title, goal, hint"),
    ({"levels": []}, ValueError, "needs a level: name one of "),
    ({"levels": "page_moves_during_use"}, TypeError, "write Scheduler(levels=['page_moves_during_use'])"),
    ({"level": 7}, ValueError, "they count from 0 to 6"),
    ({"schedule": "x3"}, ValueError, "v = vcpu0, n = notifier"),
    ({"speed": 3}, TypeError, "Scheduler has no argument 'speed'"),
])
def test_a_wrong_argument_is_answered_with_what_to_write(arguments, error, remedy):
    with pytest.raises(error) as raised:
        Scheduler(**arguments)
    assert remedy in str(raised.value)


def test_three_cpus_have_three_letters():
    tables = unshare(Scheduler(program=one_of_two_pages_moves()).data)["levels"][0]
    assert [(thread["name"], thread["letter"]) for thread in tables["threads"]] == [("vcpu0", "v"), ("vcpu1", "w"), ("notifier", "n")]


def test_the_still_picture_is_the_shortest_schedule_and_always_the_same(widget):
    svg = widget.static_svg()
    assert svg == Scheduler().static_svg() and svg.startswith("<svg") and svg.count("<svg") == 1
    assert "<title>" in svg and "<desc>" in svg and "which was freed" in svg and "Goes wrong after 18 steps" in svg
    assert "holds: 627 states" in Scheduler(levels=["page_moves_during_use"]).static_svg()


# --- the prediction -------------------------------------------------------------------------------------------------

QUESTION = dict(key="test.hook", question="Is the read lock enough?", options=["yes", "no"], outcome="no", because="Nobody waits for the users.")


def test_a_prediction_shows_its_question_but_not_its_outcome_before_it_is_asked_for():
    svg = Prediction(**QUESTION).static_svg()
    assert "Is the read lock enough?" in svg and "○ yes" in svg and "Nobody waits" not in svg
    assert "Nobody waits" in Prediction(**QUESTION, confront=True).static_svg()


def test_a_prediction_can_be_made_again_from_its_arguments():
    widget = Prediction(**QUESTION)
    assert repr(Prediction(**widget._params)) == repr(widget) == "Prediction(key='test.hook')"


@pytest.mark.parametrize("changed, remedy", [
    ({"options": ["yes"]}, "at least two"), ({"outcome": "maybe"}, "one of its options: 'yes', 'no'"), ({"key": ""}, "a key"),
    ({"options": ["yes", "yes"], "outcome": "yes"}, "differ")])
def test_a_wrong_prediction_is_answered_with_what_to_write(changed, remedy):
    with pytest.raises(ValueError, match=remedy):
        Prediction(**{**QUESTION, **changed})
