"""Exercise 4.4, "How many runs?": the number of random runs that a test needs to meet a rare failure."""
from __future__ import annotations

from math import ceil, log, log1p

from .answers import data
from .exercise import Exercise, Judged
from .questions import number

SHARE, CONFIDENCE = 0.0027, 0.95


def runs_needed(_) -> int:
    return ceil(log(1 - CONFIDENCE) / log1p(-SHARE))


EXERCISE = Exercise(
    "4.4", "How many runs?", (data("runs", "the number of runs"),),
    (Judged("number_of_runs", 4, "the number of random runs after which a failure was met with 95 % confidence, give or take 5 %",
            "retry or publish", number("runs", runs_needed, 4, tolerance=0.05, otherwise="Write down the probability that n runs all pass, and ask when it is 5 %."),
            hint="the probability that n runs all pass is (1 - p) to the power of n"),))
