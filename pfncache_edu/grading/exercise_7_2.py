"""Exercise 7.2, "Two kernels, raw": units, counts, an interval and the strongest sentence, from the recorded runs of both kernels.

What is right is computed from the recordings that come with the package (lab/). The notebook carries the same runs as text,
so that it can be worked on, and judged, without them.
"""
from __future__ import annotations

import functools
import math
import random
from statistics import fmean, stdev

from .answers import AnswerFailed, Answers, data, plain_function
from .exercise import Exercise, Finding, Judged
from .questions import right_choices

KERNELS = ("6.1", "6.12")
HEAD = "kernel,boot,reader,range,run,events,waits"
T95 = {4: 2.776, 9: 2.262, 24: 2.064}                 # degrees of freedom -> 95 % of Student's t lie within
UNITS = {"a": "times in one run", "b": "nanoseconds", "c": "times a second", "d": "times per thousand events", "e": "percent of the reads"}
SENTENCES = {
    "a": "The patch makes Linux faster.",
    "b": "In these runs, unrelated events made somebody wait for a cache's lock in every run of Linux 6.1 and in no run of Linux 6.12, where the "
         "same method does see waits for related events.",
    "c": "In these runs, somebody waited for a cache's lock less often in Linux 6.12 than in Linux 6.1.",
    "d": "With the patch, no unrelated event ever makes anybody wait for a cache's lock, on any machine.",
    "e": "In Linux 6.12 nobody waits for a cache's lock.",
    "f": "The patch saves 100 % of the time that readers wait."}
TOO_MUCH = {
    "a": "No time that could be compared was measured.",
    "d": "These are runs on one emulated machine. That it is so everywhere follows from the code, not from these data.",
    "e": "Look at the runs of Linux 6.12 with related events.",
    "f": "No time was measured, only how often somebody waited."}


# --- the recorded runs --------------------------------------------------------------------------------------------------------

@functools.cache
def rows() -> tuple[tuple[str, int, str, str, int, int, int], ...]:
    """Every run of the two stock kernels, as in HEAD."""
    from ..lab import analysis, recordings               # not in a browser, which has neither recordings nor lzma

    return tuple((run.variant, boot, run.reader, "related" if run.related else "unrelated", run.number, run.invalidations, run.waits)
                 for kernel in KERNELS
                 for boot, recorded in enumerate((b for b in recordings.shipped() if b.kernel == kernel and not b.swapped), start=1)
                 for run in analysis.runs(recorded))


def raw() -> str:
    """The same as text, which the exercise's notebook carries."""
    return "\n".join([HEAD, *(",".join(map(str, row)) for row in rows())])


def waits_of(kernel: str, range: str, reader: str = "clock") -> list[int]:
    return [row[6] for row in rows() if (row[0], row[2], row[3]) == (kernel, reader, range)]


def right_counts() -> dict[str, int]:
    unrelated, after = waits_of("6.1", "unrelated"), waits_of("6.12", "unrelated")
    return {"runs_61": len(unrelated), "waits_61": sum(unrelated), "runs_with_waits_612": sum(n > 0 for n in after),
            "control_612": sum(waits_of("6.12", "related"))}


# --- what is judged -------------------------------------------------------------------------------------------------------------

MEANING = {"runs_61": "the number of runs of Linux 6.1 with the reader `clock` and unrelated events",
           "waits_61": "how often somebody waited in all of these runs together",
           "runs_with_waits_612": "the number of runs of Linux 6.12, same reader, unrelated events, in which anybody waited",
           "control_612": "how often somebody waited in the runs of Linux 6.12, same reader, with related events"}


def counts(answers: Answers) -> Finding:
    given, right = answers.table("counts"), right_counts()
    wrong = [key for key in right if given.get(key) != right[key]]
    said = " ".join(f"{key} is {MEANING[key]}: not {given.get(key)!r}.{slip(key, given.get(key))}" for key in wrong)
    return Finding(len(right) - len(wrong), said)


def slip(key: str, given: object) -> str:
    """What was done, where a wrong count is a known one."""
    related = "related" if key == "control_612" else "unrelated"
    kernel = "6.12" if key.endswith("612") else "6.1"
    all_readers = waits_of(kernel, related) + waits_of(kernel, related, "event-channel")
    own = waits_of(kernel, related)
    known = {sum(all_readers): "That counts both readers.", sum(own): "That is the sum of the waits.", len(own): "That is the number of runs.",
             len(all_readers): "That is the number of runs of both readers."}
    return f" {known[given]}" if given and type(given) is int and given in known else ""


def interval(answers: Answers) -> Finding:
    """Half of the points for an interval around the mean, the rest for its width."""
    dice = random.Random("7.2")
    samples = [waits_of("6.1", "unrelated"), *([dice.randint(0, 900) for _ in range(n)] for n in (5, 10, 25))]
    samples = [values for values in samples if len(values) - 1 in T95]
    middle, wide = True, {}
    for values in samples:
        low, high = bounds(answers, values)
        half = T95[len(values) - 1] * stdev(values) / math.sqrt(len(values))
        middle = middle and math.isclose((low + high) / 2, fmean(values), rel_tol=1e-3, abs_tol=1e-6)
        wide[len(values)] = wide.get(len(values), True) and math.isclose((high - low) / 2, half, rel_tol=5e-3)
    if middle and all(wide.values()):
        return Finding(4)
    if middle and any(wide.values()):
        right, wrong = next(n for n in wide if wide[n]), next(n for n in wide if not wide[n])
        return Finding(2, f"the interval is right for {right} values, but not for {wrong}: take n from the values, and t for n - 1 degrees of freedom from T95")
    if middle:
        return Finding(2, "the interval lies around the mean, but it is not t · s / √n to each side, with s from n - 1 and t for n - 1 degrees of freedom")
    return Finding(0, "the middle of the interval is not the mean of the values")


def bounds(answers: Answers, values: list[int]) -> tuple[float, float]:
    given = answers.call("interval", values)
    if not (isinstance(given, list) and len(given) == 2 and all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in given)):
        raise AnswerFailed(f"interval() returned {str(given)[:40]}: return two numbers, the lower and the upper bound")
    return min(given), max(given)


def wording(answers: Answers) -> Finding:
    given = answers.text("sentence")
    if given not in SENTENCES:
        raise AnswerFailed(f"sentence is {given[:20]!r}: write one of the letters {', '.join(SENTENCES)}")
    if given in TOO_MUCH:
        return Finding(0, f"the data do not support this. {TOO_MUCH[given]}")
    return Finding(3) if given == "b" else Finding(1, "true, but the data support a stronger sentence")


EXERCISE = Exercise(
    "7.2", "Two kernels, raw",
    (data("units", "a dict from a column to a letter"), data("counts", "a dict with a whole number for each key"),
     plain_function("interval", "a function of a list of counts that returns the lower and the upper bound"), data("sentence", "a letter")),
    (Judged("units", 3, "what each number counts, per what", "read a measurement",
            right_choices("units", {"events": "a", "waits": "a", "1000 * waits / events": "d"}, only=tuple(UNITS)), ("units",),
            "which of them would double if every run were twice as long?"),
     Judged("counts", 4, "four counts from the raw data", "read a measurement", counts, ("counts",), "print the rows that you sum up, and count them"),
     Judged("interval", 4, "the 95 % interval of a mean by Student's t", "read a measurement", interval, ("interval",),
            "how does the width change when you have four times as many values?"),
     Judged("wording", 3, "the strongest sentence that the data support", "read a measurement", wording, ("sentence",),
            "for each sentence, ask what would have to be in the data for it to be wrong")))
