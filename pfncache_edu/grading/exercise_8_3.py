"""Exercise 8.3, What is the second look good for: three claims, and an argument that a person marks."""
from __future__ import annotations

from .answers import AnswerFailed, Answers, data
from .exercise import Exercise, Finding, Gate, Judged, Rubric
from .questions import right_choices

CLAIMS = {
    "a": "Without the second look, there is an order of steps in which a user writes to a page that was freed.",
    "b": "Without the second look, an event that has nothing to do with a cache takes its write lock.",
    "c": "Between the two looks nobody holds the cache's lock, so its fields may change.",
}
### BEGIN ANSWERS
RIGHT = {"a": False, "b": False, "c": True}
### END ANSWERS
WHY = {"a": "Search for it: `explore` has seen every order. What would a refresh have to get past?",
       "b": "The write lock is taken on a hit of the first look, with the second one or without.",
       "c": "The read lock has been dropped, and the write lock is not there yet. Another user may begin a refresh, which withdraws the cache."}
FEWEST, MOST = 40, 250


def is_an_argument(answers: Answers) -> Finding:
    """Passes, or raises AnswerFailed: it is worth no point, and shuts the gate."""
    words = answers.text("ARGUMENT").split()
    if not FEWEST <= len(words) <= MOST:
        raise AnswerFailed(f"the argument has {len(words)} words: {FEWEST} to {MOST} are enough")
    if len(set(words)) < FEWEST // 2:
        raise AnswerFailed("the argument says the same words over and over")
    return Finding(0)


def is_about_the_second_look(answers: Answers) -> Finding:
    """The word that everybody needs who answers the question at all: the argument names what changes, or who does."""
    text = answers.text("ARGUMENT").lower()
    if any(word in text for word in ("second look", "second check", "look again", "looks again", "check again", "again under", "re-check", "recheck")):
        return Finding(1)
    return Finding(0, "the argument does not name what it argues about: the second look under the write lock")


EXERCISE = Exercise(
    "8.3", "What is the second look good for?",
    (data("CLAIMS", "a dict from \"a\", \"b\" and \"c\" to True or False"), data("ARGUMENT", "a text of a paragraph or two")),
    (Judged("claims", 3, "each of the three claims is called true or false, rightly", "", right_choices("CLAIMS", RIGHT, why=WHY, only=(True, False)), ("CLAIMS",),
            "search: `explore(situation(MUTANTS[\"forgets_the_second_check\"].livepatch))`"),
     Judged("names_its_subject", 1, "the argument names the second look", "", is_about_the_second_look, ("ARGUMENT",)),
     Rubric("argues_from_the_count", 2, "why no refresh can complete between the two looks", "", {
         2: "the event count is up until the event ends, and a refresh that sees it tries again", 1: "\"no refresh can complete\", without why", 0: "neither"}, ("ARGUMENT",)),
     Rubric("weighs_what_it_is_good_for", 2, "why one would keep it, and what it costs", "", {
         2: "that the function is correct by itself, or would be if the count no longer stopped a refresh, and that the cost is a few loads under a lock that is held anyway",
         1: "one of the two", 0: "\"for safety\""}, ("ARGUMENT",))),
    (Gate(Judged("is_an_argument", 0, f"an argument of {FEWEST} to {MOST} words", "", is_an_argument, ("ARGUMENT",)),
          "without an argument, three guesses count for nothing"),))
