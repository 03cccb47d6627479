"""Changelogs: the kernel's rules for them, as far as a program can check them.

    for finding in findings(changelog_of("KVM: pfncache: Look first\n\nLook under the read lock …")):
        print(finding)

Each rule says which document asks for it. A check is a necessary condition and no more: it sees that a number is there, not
that it is right. A text that passes all of them may still explain nothing.

The two texts at the end are ours. They say what two versions of one kernel changelog said, in the order in which they said it
and in as many words.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from .kvm.sources import SOURCES

PATCHES = "Documentation/process/submitting-patches.rst"
KVM_X86 = "Documentation/process/maintainer-kvm-x86.rst"
FIRM, HARD, WRAP = 75, 80, 75
"""A shortlog should stay below the first and must stay below the second; the body is wrapped at the third."""

VERBS = frozenset("""
    add allow assert avoid batch bail bypass cache call check clear compare convert copy count decide defer delay delete disallow
    do document don't drop enable ensure exclude expand explain export fix flush follow free give guard handle have hoist hold
    ignore include initialise initialize inline introduce keep leave let limit lock look make mark move open-code pass pre-check
    precheck prefer prevent print process protect provide read refactor refuse reject release remove rename replace report
    require reset restore restrict retry return revert reuse rework run save serialise serialize set share shorten
    simplify skip spare split start stop store take teach test track treat turn unlock unmap update use validate wait
    warn withdraw wrap write zap""".split())
"""Verbs that can order the code to change."""
BEFORE_A_VERB = frozenset("also always and but explicitly first hence immediately instead just likewise never now only only, "
                          "opportunistically so then therefore thus".split())
DONE = frozenset("added adds allowed avoids changed changes checks converted fixed fixes introduced introduces made makes moved "
                 "moves removed removes renamed replaced replaces updated updates".split())
"""How a change is told, where it should be ordered."""
GAIN = r"fast|speed|perform\w*|contend|contention|latenc|throughput|overhead|cheap|efficien|beneficial|helps|disrupt|in the way of|sav(?:e|es|ing)\b"
COST = (r"\bcosts?\b|\bprice\b|expense|\bextra\b|additional|one more\b|\bslower|dearer|downside|drawback|trade-?off|in exchange|"
        r"in return|takes longer|at worst|regress")
MEASURED = r"measur|benchmark|\bcounted|\bcounts\b|\bperf\b|ftrace|tracepoint|\bruns?\b|samples|median|percentile|\bmodel"
NO_NUMBERS = r"\b(?:no|not|without|nothing)\b[^.]{0,40}(?:measur|benchmark|numbers|data)"
NUMBER = r"(?<![\w.:/-])\d[\d,.]*"
FIGURE = rf"{NUMBER}\s?(?:%|percent|x\b|times\b|ns\b|us\b|µs\b|ms\b|seconds?\b|fold\b)"
C_FUNCTIONS = frozenset(source.in_c for source in SOURCES)


@dataclass(frozen=True)
class Changelog:
    """A subject line and the text under it that goes into git; what stands below a line `---` does not."""
    subject: str
    body: str

    @property
    def text(self) -> str:
        """The body without tags such as Signed-off-by:, its paragraphs as lines."""
        tagless = re.sub(r"^[A-Z][\w-]*(?:-by|ixes|ink|loses|c): .*$", "", self.body, flags=re.M)
        return "\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", tagless) if part.strip())

    @property
    def sentences(self) -> list[str]:
        return [s.strip() for s in re.split(r"(?<=[.!?])\s+(?=[A-Z\"'(])|\n", self.text) if s.strip()]

    @property
    def words(self) -> int:
        return len(self.text.split())


def changelog_of(text: str) -> Changelog:
    """A changelog from a commit message, or from a mail's subject and text: the first line is the subject."""
    first, _, rest = text.strip().partition("\n")
    subject = re.sub(r"^(?:Subject:\s*)?(?:\[[^\]]*\]\s*)?", "", first.strip())
    return Changelog(subject, re.split(r"^---\s*$", rest, maxsplit=1, flags=re.M)[0].strip("\n"))


@dataclass(frozen=True)
class Rule:
    """What a document asks of a changelog. `check` answers what is wrong and what to write instead, "" if nothing is."""
    name: str
    asks: str
    source: str
    lines: tuple[int, int]
    check: Callable[[Changelog], str]


@dataclass(frozen=True)
class Finding:
    """A rule that a changelog breaks, and how."""
    rule: Rule
    wrong: str

    def __str__(self):
        return f"{self.rule.name}: {self.wrong}"


def findings(changelog: Changelog, rules: Iterable[Rule] | None = None) -> list[Finding]:
    """What a program finds wrong. An empty list is no praise."""
    checked = ((rule, rule.check(changelog)) for rule in (RULES if rules is None else rules))
    return [Finding(rule, wrong) for rule, wrong in checked if wrong]


# --- the subject line -----------------------------------------------------------------------------------------------

def lacks_a_prefix(changelog: Changelog) -> str:
    """The subject begins with the subsystem, and with a topic unless the patch is for all of KVM."""
    if re.match(r"KVM: (?:[\w/ ]+: )?\S", changelog.subject):
        return ""
    return "begin the subject with the subsystem and a topic, such as `KVM: x86: `"


def phrase_is_not_capitalised(changelog: Changelog) -> str:
    """The first word after the prefix has a capital, and no full stop ends the line."""
    phrase = changelog.subject.rpartition(": ")[2]
    if phrase[:1].islower():
        return f"write {phrase.split()[0].capitalize()!r} with a capital after the prefix"
    return "leave out the full stop at the end of the subject" if phrase.endswith(".") else ""


def subject_is_too_long(changelog: Changelog) -> str:
    """The subject has at most 75 characters, 80 with a reason."""
    length = len(changelog.subject)
    return f"shorten the subject: it has {length} characters, and {FIRM} are the firm limit, {HARD} the hard one" if length > FIRM else ""


# --- the body -------------------------------------------------------------------------------------------------------

def orders_nothing_at_first(changelog: Changelog) -> str:
    """The first sentence orders the code to change."""
    first = (changelog.sentences or [""])[0]
    if any(_opens_with(VERBS, clause) for clause in re.split(r"[,;:]\s|\s(?:and|but|then)\s", first)):
        return ""
    return f"say first what changes, as an order (\"Take …\", \"Skip …\"): the first sentence is \"{_shortened(first)}\""


def tells_instead_of_ordering(changelog: Changelog) -> str:
    """Imperative mood: no "this patch", no "added"."""
    told = re.search(r"\bthis (?:patch|commit|change|series)\b", changelog.text, re.I)
    if told:
        return f"order the change instead of telling of it: strike \"{told[0]}\", and begin with the verb"
    for sentence in (changelog.subject.rpartition(": ")[2], *changelog.sentences):
        if _opens_with(DONE, sentence):
            return f"order the change instead of telling of it: not \"{_shortened(sentence, 5)}\""
    return ""


def has_pronouns(changelog: Changelog) -> str:
    """Nobody speaks: no I, we, you."""
    found = re.search(r"(?<!\d )\b(?:I|we|us|our|ours|you|your|my|me|We|Us|Our|You|Your|My)\b", changelog.text)
    return f"strike the pronoun \"{found[0]}\": name the code or the person that acts" if found else ""


def functions_have_no_parentheses(changelog: Changelog) -> str:
    """A function is written with its parentheses."""
    for name in sorted(C_FUNCTIONS):
        if re.search(rf"(?<!\w){re.escape(name)}(?![\w(])", f"{changelog.subject} {changelog.text}"):
            return f"write functions with parentheses: {name}()"
    return ""


def claims_a_gain_without_a_number(changelog: Changelog) -> str:
    """Whoever claims a gain gives a number, or says that there is none."""
    gain = re.search(GAIN, changelog.text, re.I)
    if not gain or re.search(NUMBER, changelog.text) or re.search(NO_NUMBERS, changelog.text, re.I):
        return ""
    return f"\"{_word_at(changelog.text, gain)}\" claims a gain: count or measure something, or say that nothing was measured"


def gives_a_number_from_nowhere(changelog: Changelog) -> str:
    """A measured number comes with how it was measured."""
    figure = re.search(FIGURE, changelog.text)
    if not figure or re.search(MEASURED, changelog.text, re.I):
        return ""
    return f"say how \"{figure[0]}\" was measured, or leave it out"


def names_no_cost(changelog: Changelog) -> str:
    """Whoever claims a gain says what it costs."""
    if not re.search(GAIN, changelog.text, re.I) or re.search(COST, changelog.text, re.I):
        return ""
    return "say what the change costs, and whom; hardly any optimisation is free"


def does_more_than_one_thing(changelog: Changelog) -> str:
    """One problem per patch."""
    more = re.search(r"\b(?:while at it|also (?:fix|add|clean|remove|rename)\w*|additionally|in passing)\b", changelog.text, re.I)
    return f"\"{more[0]}\" sounds like a second patch: one problem each" if more else ""


def leans_on_what_is_elsewhere(changelog: Changelog) -> str:
    """The text stands without mails, links and earlier versions."""
    found = re.search(r"\b(?:see (?:the )?(?:link|cover|thread|discussion|above|previous)|as discussed|as (?:suggested|agreed) in|previous versions?|"
                      r"changes since v\d|v\d+ ?(?:->|→|:))", changelog.text, re.I)
    return f"\"{found[0]}\" sends the reader elsewhere: summarise it here; notes on versions go below `---`" if found else ""


def cites_a_commit_badly(changelog: Changelog) -> str:
    """A commit is cited by twelve digits and its title."""
    for cited in re.finditer(r"\bcommit ([0-9a-f]{6,40})\b(?! ?\(\")", changelog.text, re.I):
        return f"cite commit {cited[1]} with its title: commit {cited[1][:12]} (\"title\")"
    short = re.search(r"\bcommit ([0-9a-f]{6,11})\b", changelog.text, re.I)
    return f"give at least twelve digits of commit {short[1]}" if short else ""


def lines_are_too_long(changelog: Changelog) -> str:
    """The body is wrapped at 75 columns."""
    for line in changelog.body.splitlines():
        if len(line) > WRAP and " " in line.strip() and not re.match(r"[\w-]+: ", line):
            return f"wrap the text at {WRAP} columns: one line has {len(line)}"
    return ""


def names_no_condition(changelog: Changelog, words: str = r"\bwhen\b|\bif\b|unless|\bonly\b|unrelated|overlap|where\b") -> str:
    """When the change makes a difference."""
    return "" if re.search(words, changelog.text, re.I) else "say when it makes a difference, and when it makes none"


def _opens_with(words: frozenset[str], clause: str) -> bool:
    for word in clause.lower().strip(" \"'(").split():
        if word.rstrip(",.;:") not in BEFORE_A_VERB:
            return word.rstrip(",.;:") in words
    return False


def _shortened(sentence: str, words: int = 7) -> str:
    told = sentence.split()
    return " ".join(told[:words]) + (" …" if len(told) > words else "")


def _word_at(text: str, match: re.Match) -> str:
    return re.match(r"[\w ]*", text[match.start():match.end()] + re.match(r"\w*", text[match.end():])[0])[0]


RULES = (
    Rule("prefix", "the subject begins with KVM: and, if there is one, a topic", KVM_X86, (150, 160), lacks_a_prefix),
    Rule("capital, no full stop", "the first word after the prefix has a capital; no full stop", KVM_X86, (171, 178), phrase_is_not_capitalised),
    Rule("length", "the subject has 75 characters, 80 at most", KVM_X86, (187, 191), subject_is_too_long),
    Rule("change first", "the text leads with what changes; reasons follow", KVM_X86, (197, 224), orders_nothing_at_first),
    Rule("imperative", "the text orders the code to change", PATCHES, (94, 97), tells_instead_of_ordering),
    Rule("no pronouns", "nobody says I, we or you", KVM_X86, (195, 195), has_pronouns),
    Rule("name()", "functions are written with (): name()", KVM_X86, (237, 241), functions_have_no_parentheses),
    Rule("numbers", "a gain comes with numbers", PATCHES, (64, 66), claims_a_gain_without_a_number),
    Rule("sources", "a number comes with how it was measured", PATCHES, (64, 66), gives_a_number_from_nowhere),
    Rule("costs", "a gain comes with its costs", PATCHES, (66, 70), names_no_cost),
    Rule("one problem", "one problem per patch", PATCHES, (81, 83), does_more_than_one_thing),
    Rule("self-contained", "the text stands without links and earlier versions", PATCHES, (85, 92), leans_on_what_is_elsewhere),
    Rule("citations", "a commit is cited by twelve digits and its title", PATCHES, (99, 113), cites_a_commit_badly),
    Rule("wrapped", "the text is wrapped at 75 columns", PATCHES, (622, 623), lines_are_too_long),
)
"""The documented rules that can be checked, as Linux 6.12.117 has them."""


# --- one patch, two texts ---------------------------------------------------------------------------------------------

SUBJECT = "KVM: pfncache: check the need for invalidation under read lock first"

CONTEXT_FIRST = Changelog(SUBJECT, """\
A write lock on a cache gets in the way of its users if they use it much,
and all they need is a read lock. So in the MMU notifier's callback take
read locks to look for a match, and take a write lock only to invalidate,
after looking once more.""")
"""What the changelog of version 12 of the patch said, in our words: the reason, then the change."""

CHANGE_FIRST = Changelog(SUBJECT, """\
When an invalidation event comes, hold the read lock of each cache to look
whether the event overlaps its page, and take the write lock only if the
cache has to be invalidated. To look first, without the write lock, keeps
unrelated events from contending for the lock, which helps most where a
cache is used all the time and events rarely hit it.""")
"""What the changelog in the tree says, in our words: the change, then the reason and when it counts."""

FOR_UNRELATED_EVENTS = partial(names_no_condition, words=r"unrelated|non-overlapping|(?:not|n't) (?:overlap|concern|touch|hit|hold|cover)|"
                               r"outside|elsewhere|no overlap|other (?:pages|ranges|addresses)|miss(?:es)?\b")
"""Whether a text about the patch says that it is for unrelated events."""
