"""Turns at one lock, under three rules: who gets in when, and for whom the others wait."""
import itertools

import pytest

from pfncache_edu.turns import INTERRUPTS_PASS, QUEUED, READERS_FIRST, RULES, Request, take_turns, told

SLOW = Request("vcpu0", "read", 0, 5)
WRITER = Request("notifier", "write", 1, 2)
LATE = Request("vcpu1", "read", 2, 3)
HANDLER = Request("handler", "read", 3, 2, in_interrupt=True)
EVERYBODY = [SLOW, WRITER, LATE, HANDLER]


def waits(rule, requests=EVERYBODY):
    return {turn.request.who: turn.waits for turn in take_turns(requests, rule)}


@pytest.mark.parametrize("rule", RULES)
def test_readers_alone_never_wait(rule):
    assert set(waits(rule, [SLOW, LATE, HANDLER]).values()) == {0}


def test_a_writer_that_waits_turns_a_later_reader_away():
    _, notifier, late, _ = take_turns(EVERYBODY, QUEUED)
    assert (notifier.enters, notifier.behind, notifier.waiting) == (5, "vcpu0", False)
    assert (late.enters, late.behind, late.waiting) == (7, "notifier", True)


def test_where_readers_come_first_only_the_writer_waits():
    assert waits(READERS_FIRST) == {"vcpu0": 0, "notifier": 4, "vcpu1": 0, "handler": 0}


def test_a_reader_in_interrupt_context_passes_a_writer_that_waits_and_not_one_that_is_inside():
    assert waits(INTERRUPTS_PASS) == {"vcpu0": 0, "notifier": 4, "vcpu1": 5, "handler": 0}
    late = Request("handler", "read", 6, 2, in_interrupt=True)
    assert take_turns([SLOW, WRITER, LATE, late], INTERRUPTS_PASS)[3].behind == "notifier"


def test_without_interrupts_the_two_queued_rules_are_one():
    plain = [Request(r.who, r.mode, r.asks, r.stays) for r in EVERYBODY]
    assert waits(QUEUED, plain) == waits(INTERRUPTS_PASS, plain)


@pytest.mark.parametrize("rule", RULES)
def test_a_writer_is_always_alone_inside(rule):
    for asks in itertools.product(range(4), repeat=4):
        turns = take_turns([Request(r.who, r.mode, at, r.stays, r.in_interrupt) for r, at in zip(EVERYBODY, asks)], rule)
        writer = turns[1]
        assert all(t is writer or t.leaves <= writer.enters or writer.leaves <= t.enters for t in turns)


@pytest.mark.parametrize("rule", [QUEUED, INTERRUPTS_PASS])
def test_in_a_queue_no_later_request_of_a_process_delays_an_earlier_one(rule):
    for asks in itertools.product(range(4), repeat=3):
        requests = [Request(r.who, r.mode, at, r.stays) for r, at in zip([SLOW, WRITER, LATE], asks)]
        first = min(take_turns(requests, rule), key=lambda turn: turn.request.asks)
        assert first.waits == 0


def test_a_turn_is_told_in_a_sentence():
    turns = take_turns(EVERYBODY, QUEUED)
    assert told(turns[0]) == "vcpu0 asks at 0 to read and enters at once"
    assert told(turns[2]) == "vcpu1 asks at 2 to read, meets notifier, which waits itself, and enters at 7"


@pytest.mark.parametrize("wrong, remedy", [
    (lambda: Request("vcpu0", "reads", 0, 1), "\"read\" or \"write\""),
    (lambda: Request("vcpu0", "read", -1, 1), "a time is 0 or more"),
    (lambda: Request("vcpu0", "read", 0, 0), "longer than 0"),
    (lambda: Request("timer", "write", 0, 1, in_interrupt=True), "only readers"),
    (lambda: take_turns([SLOW], "fair"), "'queued'"),
    (lambda: take_turns([SLOW, SLOW]), "a name of its own"),
])
def test_a_wrong_request_is_answered_with_what_to_write_instead(wrong, remedy):
    with pytest.raises(ValueError, match=remedy):
        wrong()
