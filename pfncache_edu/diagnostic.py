"""Ten questions about what a reader knows already, and the path through the book that fits the answers."""
from __future__ import annotations

UNSURE = "?"
CHOICES = {"threads-1": "abc", "threads-2": "ab", "memory-1": "ab", "memory-2": "ab", "locks-1": "abc", "locks-2": "ab",
           "kvm-1": "ab", "kvm-2": "ab", "tree-1": "ab", "tree-2": "ab"}
RIGHT = {"threads-1": "b", "threads-2": "b", "memory-1": "b", "memory-2": "a", "locks-1": "a", "locks-2": "a", "kvm-1": "a",
         "kvm-2": "a", "tree-1": "a", "tree-2": "a"}


def problem_with(given: dict) -> str:
    """What is missing or no answer, "" if nothing is."""
    unknown = [key for key in given if key not in CHOICES]
    if unknown:
        return f"answers has no question {unknown[0]!r}: its keys are {', '.join(map(repr, CHOICES))}"
    for key, choices in CHOICES.items():
        if given.get(key) is None:
            return f"not answered yet: {key}. If you do not know, write {UNSURE!r}"
        if given[key] not in (*choices, UNSURE):
            return f"answers[{key!r}] is {given[key]!r:.60}: choose one of {', '.join(map(repr, choices))}, or {UNSURE!r}"
    return ""


def known(given: dict, area: str) -> bool:
    """Whether both questions of an area are right."""
    return all(given[key] == RIGHT[key] for key in CHOICES if key.startswith(area))


def path_for(given: dict) -> str:
    """The path through the book that these answers ask for; what is wrong with them, if they are not complete."""
    problem = problem_with(given)
    if problem:
        return problem
    if not known(given, "threads") or not known(given, "memory"):
        return ("Two weeks, all chapters in their order. Before chapter 4, read what your operating systems book says of threads "
                "and page tables: this book uses both, and explains neither from the ground.")
    if known(given, "kvm") and known(given, "locks"):
        return "You know the ground. Begin with chapter 3, go on with 5, 7 and 8, and read chapter 9 on the way home."
    if known(given, "locks"):
        return "One day: chapters 0 to 4, then 6, 8 and 9. Chapter 6 will go quickly."
    return "One day, or two: chapters 0 to 4 and 6, with all exercises of 6, then 8 and 9."
