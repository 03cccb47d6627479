"""Changelogs: what a check finds is there, and what is right is left alone."""
import pytest

from pfncache_edu import changelog
from pfncache_edu.changelog import CHANGE_FIRST, CONTEXT_FIRST, FOR_UNRELATED_EVENTS, KVM_X86, PATCHES, RULES, Changelog, changelog_of, findings

GOOD = changelog_of("""\
KVM: pfncache: Take the read lock before the write lock

Look under the read lock of a cache in gfn_to_pfn_cache_invalidate_start()
whether an event overlaps its page; take the write lock only if it does.
An unrelated event took 4 write locks of 4 caches and takes 0 now (counted
in a model). One that hits costs a lock call more.

See what commit 93984f19e7bc ("KVM: Fully serialize gfn=>pfn cache refresh
via mutex") did for refresh.

Signed-off-by: A. Author <a@example.org>
---
v2: we count the locks.
""")


def broken(text):
    return [finding.rule.name for finding in findings(changelog_of(text))]


def body(sentence):
    return f"KVM: x86: Take the lock later\n\nTake the lock later if it is free. {sentence}"


def test_a_text_that_keeps_every_rule_has_no_finding():
    assert findings(GOOD) == []


def test_what_stands_below_the_line_is_not_in_the_changelog():
    assert "v2" not in GOOD.body and "Signed-off-by" in GOOD.body and "Signed-off-by" not in GOOD.text


def test_the_subject_of_a_mail_loses_its_tag():
    assert changelog_of("Subject: [PATCH v12 18/20] KVM: x86: Look first\n\nLook.").subject == "KVM: x86: Look first"


@pytest.mark.parametrize("text, rule", [
    ("kvm: x86: Take the lock\n\nTake it.", "prefix"),
    ("pfncache: Take the lock\n\nTake it.", "prefix"),
    ("KVM: x86: take the lock\n\nTake it.", "capital, no full stop"),
    ("KVM: x86: Take the lock.\n\nTake it.", "capital, no full stop"),
    ("KVM: x86: Take the lock " + "of the cache " * 5 + "\n\nTake it.", "length"),
    ("KVM: x86: Take the lock\n\nThe lock is free. Take it.", "change first"),
    (body("This patch makes it better."), "imperative"),
    ("KVM: x86: Fixed the lock\n\nTake the lock.", "imperative"),
    (body("Added a test."), "imperative"),
    (body("We also look."), "no pronouns"),
    (body("Call kvm_gpc_check first."), "name()"),
    (body("It is much faster."), "numbers"),
    (body("It is much faster."), "costs"),
    (body("It takes 12 % of the time, at the price of a lock."), "sources"),
    (body("While at it, rename the field."), "one problem"),
    (body("See the cover letter."), "self-contained"),
    (body("Changes since v3 are small."), "self-contained"),
    (body("It came with commit 9fa336e."), "citations"),
    (body("It came with commit 9fa336e343b2."), "citations"),
    (body("x " * 60), "wrapped"),
])
def test_each_rule_finds_what_breaks_it(text, rule):
    assert rule in broken(text)


@pytest.mark.parametrize("sentence", [
    "It waits 10 us.", "Both use it.", "The user is spared.", "A cache holds a page.", "Call kvm_gpc_check() first.",
    "It came with commit 9fa336e343b2 (\"KVM: pfncache: check the need for invalidation under read lock first\").",
])
def test_what_only_looks_wrong_is_left_alone(sentence):
    assert not {"no pronouns", "name()", "citations", "imperative"} & set(broken(body(sentence)))


@pytest.mark.parametrize("first", ["Look under the lock.", "When an event comes, look first.", "Only take the lock on a hit.",
                                   "In the hook, hold the lock for read and take it for write on a hit.", "Don't lock."])
def test_an_order_may_follow_its_circumstances(first):
    assert not changelog.orders_nothing_at_first(Changelog("", first))


def test_every_rule_names_its_place_and_finds_something_to_say():
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.source in (PATCHES, KVM_X86) and 0 < rule.lines[0] <= rule.lines[1] and rule.check.__doc__


def test_our_two_texts_are_as_long_as_the_originals():
    """52 and 64 words: what is said about the length of the one in the tree is true of ours."""
    assert (CONTEXT_FIRST.words, CHANGE_FIRST.words) == (52, 64)


def test_only_the_text_in_the_tree_leads_with_the_change_and_names_the_condition():
    assert [rule.name for rule in RULES if bool(rule.check(CONTEXT_FIRST)) != bool(rule.check(CHANGE_FIRST))] == ["change first"]
    assert FOR_UNRELATED_EVENTS(CONTEXT_FIRST) and not FOR_UNRELATED_EVENTS(CHANGE_FIRST)


def test_the_text_in_the_tree_is_not_finished_either():
    assert [finding.rule.name for finding in findings(CHANGE_FIRST)] == ["capital, no full stop", "numbers", "costs"]
