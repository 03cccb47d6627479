"""Two changelogs: the marks stand in the texts, and page and Python do the same sums."""
import gzip
import json
import pathlib
import random
import shutil
import subprocess

import pytest

pytest.importorskip("anywidget", reason="the widgets need the extra `widgets`")

from pfncache_edu.widgets import TwoChangelogs
from pfncache_edu.widgets.live_widget import module
from pfncache_edu.widgets.two_changelogs import NOT_SAID, QUESTIONS, TEXTS, WORDS_A_MINUTE, Savings


def test_each_text_answers_something_that_the_other_does_not():
    """What the widget is for: neither side of the mail is simply right."""
    widget = TwoChangelogs()
    alone = [[n for n, q in enumerate(QUESTIONS) if q["marks"][which] and not q["marks"][1 - which]] for which in (0, 1)]
    assert all(alone) and widget.answered(0) == widget.answered(1) < len(QUESTIONS)


def test_the_last_option_says_that_the_text_is_silent():
    for question in QUESTIONS:
        assert question["options"][-1] == NOT_SAID and question["because"]


def test_what_travels_is_small():
    text = json.dumps(TwoChangelogs().get_state(["texts", "questions", "savings"]))
    assert len(gzip.compress(text.encode())) < 3_000


@pytest.mark.parametrize("change, remedy", [
    ({"marks": ["words that are not there", ""]}, "do not stand in the text"),
    ({"marks": ["", QUESTIONS[0]["marks"][1]]}, "mark the words that answer it"),
    ({"answers": [7, 1]}, "they count from 0 to 2"),
    ({"answers": [1]}, "for each of the two texts"),
])
def test_a_question_that_does_not_fit_is_refused(change, remedy):
    with pytest.raises(ValueError, match=remedy):
        TwoChangelogs(questions=[{**QUESTIONS[0], **change}])


def test_a_question_without_a_part_is_refused():
    with pytest.raises(ValueError, match="give it because"):
        TwoChangelogs(questions=[{key: value for key, value in QUESTIONS[0].items() if key != "because"}])


@pytest.mark.parametrize("arguments, remedy", [({"texts": [dict(TEXTS[0])]}, "give two texts"), ({"first": 2}, "first is 0 or 1")])
def test_a_wrong_argument_is_answered_with_what_to_write(arguments, remedy):
    with pytest.raises(ValueError, match=remedy):
        TwoChangelogs(**arguments)


def test_the_still_picture_marks_the_answers_and_is_always_the_same():
    svg = TwoChangelogs().static_svg()
    assert svg == TwoChangelogs().static_svg() and 'role="img"' in svg and "<title>" in svg and "<desc>" in svg
    assert [svg.count(f"[{n}]") for n in (1, 2, 3, 4)] == [2, 1, 1, 0] and "→  neither" in svg


# --- the sum ----------------------------------------------------------------------------------------------------------

MAIL = Savings(longer=0)


def test_the_mails_sum_holds_if_a_clearer_text_were_no_longer():
    """A minute or two, hundreds or thousands of readers, seconds each: even the worst case wins."""
    assert MAIL.worst() > 0 and MAIL.chance() == 1 and MAIL.pays_from() < 200


def test_a_longer_text_can_cost_more_than_it_gives():
    assert Savings(longer=12).worst() < 0 < Savings(longer=12).middle() and 0.9 < Savings(longer=12).chance() < 1
    assert Savings(longer=12, needing=(1, 5)).pays_from() is None


def test_the_worst_and_the_best_case_enclose_every_combination():
    for longer in (0, 12, 40):
        sums = Savings(longer=longer)
        outcomes = sums.outcomes()
        assert sums.worst() <= outcomes[0] <= sums.middle() <= outcomes[-1] <= sums.best()


def test_it_pays_from_where_the_middle_becomes_positive():
    sums = Savings(longer=12)
    middle = [(low * high) ** 0.5 for low, high in (sums.minutes, sums.needing, sums.seconds)]
    readers = sums.pays_from()
    assert sums.net(middle[0], readers * 1.01, *middle[1:]) > 0 > sums.net(middle[0], readers * 0.99, *middle[1:])


SUMS = """
import { Savings, inWords, readResult, written } from "./two.mjs";
import { readFileSync } from "node:fs";
const { guesses, results, questions } = JSON.parse(readFileSync(new URL("./data.json", import.meta.url)));
const sums = guesses.map((one) => { const s = new Savings(one); return [s.worst(), s.middle(), s.best(), s.chance(), s.paysFrom()]; });
const links = results.map((one) => readResult(written(one), questions));
const refused = ["", "01.1", "02.1111.1111.3.4", "01.9111.1111.3.4", "01.111.1111.3.4"].map((text) => readResult(text, questions));
process.stdout.write(JSON.stringify({ sums, links, refused, words: [-90, 0, 61, 5400, 59].map(inWords) }));
"""


def test_the_page_does_the_same_sums_and_reads_its_own_links(tmp_path):
    node = shutil.which("node")
    if not node:
        pytest.skip("Node is not installed: the browser tests still play the module")
    dice = random.Random(9)

    def pair(top):
        return sorted((dice.uniform(0.1, top), dice.uniform(0.1, top)))
    guesses = [{"minutes": pair(30), "readers": pair(5000), "needing": pair(100), "seconds": pair(60), "longer": dice.randrange(-10, 60),
                "pace": WORDS_A_MINUTE} for _ in range(30)]
    results = [{"order": [0, 1], "chosen": [[1, 2, 0, 2], [1, 1, 2, 2]], "seconds": [41, 35]}, {"order": [1, 0], "chosen": [[0, 0, 0, 0], [2, 2, 2, 2]], "seconds": [0, 99999]}]
    (tmp_path / "two.mjs").write_text(module("two_changelogs.js"))
    (tmp_path / "data.json").write_text(json.dumps({"guesses": guesses, "results": results, "questions": TwoChangelogs().questions}))
    (tmp_path / "play.mjs").write_text(SUMS)
    done = subprocess.run([node, tmp_path / "play.mjs"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    for guess, (worst, middle, best, chance, pays) in zip(guesses, told["sums"], strict=True):
        sums = Savings(**{key: tuple(value) if isinstance(value, list) else value for key, value in guess.items() if key != "pace"})
        assert [worst, middle, best, chance] == pytest.approx([sums.worst(), sums.middle(), sums.best(), sums.chance()])
        assert pays == pytest.approx(sums.pays_from()) if sums.pays_from() is not None else pays is None
    assert told["links"] == results and told["refused"] == [None] * 5
    assert told["words"] == ["−90 seconds", "0 seconds", "61 seconds", "1.5 hours", "59 seconds"]


def test_the_module_is_small():
    assert len((pathlib.Path(module.__code__.co_filename).parent / "two_changelogs.js").read_bytes()) < 20_000
