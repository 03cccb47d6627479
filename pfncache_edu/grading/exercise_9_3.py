"""Exercise 9.3, Write the changelog: for a patch that its author has not seen before.

The patch is of our functions: before it, both notifier hooks take mmu_lock for every event. What a program finds in the
text is necessary and no more; whether it explains anything is for the rubric.
"""
from __future__ import annotations

import re
from collections.abc import Callable

from .. import changelog
from ..changelog import Changelog, changelog_of
from ..kvm import mmu_notifier
from ..kvm.structs import PAGE_SIZE, kvm
from ..locks import write_lock, write_unlock
from ..render.page import Code, changes
from ..steps import Steps, kernel
from .answers import AnswerFailed, Answers, data
from .exercise import Exercise, Finding, Gate, Judged, Points, Rubric


@kernel
def kvm_handle_hva_range(kvm: kvm, start: int, end: int, on_lock, handler=None) -> Steps[bool]:
    """Run `on_lock` under mmu_lock for every event; answer whether the range touches a memslot.

    `__kvm_handle_hva_range()` in C. `handler` gets the guest frames of each memslot that lie in the range.
    """
    memslots = yield kvm.memslots
    touched = tuple(slot for slot in memslots.slots if slot.userspace_addr < end and start < slot.userspace_end)
    yield write_lock(kvm.mmu_lock)
    yield from on_lock(kvm)
    for slot in touched if handler else ():
        first = (max(start, slot.userspace_addr) - slot.userspace_addr) // PAGE_SIZE
        last = (min(end, slot.userspace_end) - slot.userspace_addr + PAGE_SIZE - 1) // PAGE_SIZE
        yield from handler(kvm, slot.base_gfn + first, slot.base_gfn + last)
    yield write_unlock(kvm.mmu_lock)
    return bool(touched)


def patch() -> Code:
    """The patch that the changelog is for."""
    return changes(kvm_handle_hva_range, mmu_notifier.kvm_handle_hva_range)


SHORTEST, LONGEST = 35, 260
ABOUT = r"mmu_lock"
SPARES = (r"only (?:if|when|for)\b[^.]{0,60}(?:overlap|touch|memslot)|(?:no|has no|without an?y?) (?:memslot|page of)|no memslot|not? (?:in|part of) (?:a|any) memslot|outside (?:of )?(?:all |any |every |the )?(?:memslots?|guest memory|guest's memory)|unrelated|non-overlapping|"
          r"(?:not|n't|neither|nothing|without) [^.]{0,40}(?:overlap|touch|hit|concern|intersect)|(?:overlap|touch|hit|concern)\w* (?:no|none|nothing)\b|"
          r"no (?:guest )?(?:page|memory|slot)\w* [^.]{0,20}(?:overlap|touch|affected)")
RELEVANT = r"overlap|touch|\bhits?\b|concern|intersect|\bin a memslot|memslots?\b|guest memory|related|otherwise|\bothers\b"
SAME = r"as before|still|unchanged|\bsame\b|remain|keeps?\b|stays?\b|continue|no change|does not change|not affected"
BENEFIT = (r"no longer|without (?:waiting|taking|blocking)|\bzero\b|\bnone\b|\bno (?:write )?lock|not (?:wait|block|contend|queue|take)|"
           r"once (?:less|fewer)|instead of|fewer|one lock|\d")


def text_of(answers: Answers) -> Changelog:
    """The text as a changelog. AnswerFailed if there is no text under a subject."""
    text = changelog_of(answers.text("CHANGELOG"))
    if not text.subject or not text.body.strip():
        raise AnswerFailed("CHANGELOG has no text under its subject: write the subject, an empty line, and the text")
    return text


def is_about_the_patch(answers: Answers) -> Finding:
    """Passes, or raises AnswerFailed: it is worth no point, and shuts the gate."""
    text = text_of(answers)
    if not SHORTEST <= text.words <= LONGEST:
        raise AnswerFailed(f"the text has {text.words} words: say what you have to say in {SHORTEST} to {LONGEST}")
    if not re.search(ABOUT, f"{text.subject} {text.text}"):
        raise AnswerFailed("the text does not name the lock that the patch is about")
    if len(set(text.text.lower().split())) < SHORTEST // 2:
        raise AnswerFailed("the text says the same words over and over")
    return Finding(0)


def keeps(*checks: Callable[[Changelog], str], each: Points = 1) -> Callable[[Answers], Finding]:
    """`each` point for every check of changelog.py that finds nothing."""
    def judge(answers: Answers) -> Finding:
        found = [wrong for check in checks if (wrong := check(text_of(answers)))]
        return Finding(each * (len(checks) - len(found)), "; ".join(found))
    return judge


def both(*checks: Callable[[Changelog], str]) -> Callable[[Answers], Finding]:
    """A point if no check finds anything."""
    def judge(answers: Answers) -> Finding:
        found = [wrong for check in checks if (wrong := check(text_of(answers)))]
        return Finding(0 if found else 1, "; ".join(found))
    return judge


def names_the_condition(answers: Answers) -> Finding:
    text = text_of(answers)
    if re.search(SPARES, f"{text.subject}. {text.text}", re.I):
        return Finding(2)
    return Finding(0, "nothing says which events the change is for: look at what `touched` decides")


def says_what_stays(answers: Answers) -> Finding:
    if any(re.search(SAME, sentence, re.I) and re.search(RELEVANT, sentence, re.I) for sentence in text_of(answers).sentences):
        return Finding(2)
    return Finding(0, "no sentence says what does not change for an event that does touch guest memory")


def names_functions_with_parentheses(changelog_: Changelog) -> str:
    """At least one function is named, and each with its parentheses."""
    if not re.search(r"\b[a-z_0-9]{4,}\(\)", f"{changelog_.subject} {changelog_.text}"):
        return "name the function that changes, as name()"
    return changelog.functions_have_no_parentheses(changelog_) or (
        "write functions with parentheses: kvm_handle_hva_range()" if re.search(r"\bkvm_handle_hva_range\b(?!\()", changelog_.text) else "")


def shows_a_benefit(changelog_: Changelog) -> str:
    """Something that can be counted or observed, and no number from nowhere."""
    if not re.search(BENEFIT, changelog_.text, re.I):
        return "say what one would see or count: who no longer does or waits for what"
    return changelog.gives_a_number_from_nowhere(changelog_)


EXERCISE = Exercise(
    "9.3", "Write the changelog", (data("CHANGELOG", "a text: a subject, an empty line, and what goes into git"),),
    (Judged("subject_has_prefix_and_capital", 1, "the subject begins `KVM: <topic>: ` and goes on with a capital", "",
            both(changelog.lacks_a_prefix, changelog.phrase_is_not_capitalised)),
     Judged("subject_is_short", 1, "the subject has 75 characters at most and no full stop", "",
            both(changelog.subject_is_too_long, lambda text: "leave out the full stop" if text.subject.endswith(".") else "")),
     Judged("change_comes_first", 2, "the first sentence orders the change", "", keeps(changelog.orders_nothing_at_first, each=2)),
     Judged("orders_and_has_no_pronouns", 2, "the text orders the code to change, and nobody says I, we or you", "",
            keeps(changelog.tells_instead_of_ordering, changelog.has_pronouns)),
     Judged("names_the_condition", 2, "the text says which events the change is for", "", names_the_condition),
     Judged("says_what_stays", 2, "the text says what is as before for the other events", "", says_what_stays),
     Judged("functions_have_parentheses", 1, "a function is named, as `name()`", "", both(names_functions_with_parentheses)),
     Judged("benefit_can_be_observed", 1, "a benefit that one can count or see, and no number from nowhere", "", both(shows_a_benefit)),
     Rubric("says_why_it_adds_value", 3, "a reader knows what gets better, for whom and when", "", {
         3: "the gain is tied to its condition, and one knows who notices", 2: "the gain is there, the condition must be put together",
         1: "a true sentence about the lock that holds with and without the patch", 0: "no reason"}),
     Rubric("readable_by_a_non_expert", 3, "somebody who knows C and locks, but no KVM, can retell it", "", {
         3: "can be retold after one reading", 2: "one word or step has to be looked up", 1: "only with the code open", 0: "not even then"}),
     Rubric("nothing_is_false", 2, "every sentence is true of this patch", "", {
         2: "all is true; the best also say that mmu_invalidate_seq no longer counts events outside of guest memory",
         1: "one sentence claims too much, such as \"all invalidations\" or a speed-up", 0: "it describes another change"})),
    (Gate(Judged("is_about_the_patch", 0, f"a text of {SHORTEST} to {LONGEST} words about this patch", "", is_about_the_patch),
          "what was written is no text about this patch, so its form is not counted"),))
