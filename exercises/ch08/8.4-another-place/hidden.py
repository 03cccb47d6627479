"""What only the judge tests of exercise 8.4. It is in no student edition."""
from pfncache_edu.grading.exercise_8_4 import at, event, just, never, once
from pfncache_edu.grading.hidden import Hidden

END_OF_USER_ADDRESSES = 1 << 47


HIDDEN = (
    Hidden("withdraws_what_is_hit", (event(4, 0, END_OF_USER_ADDRESSES, (0, 1, 2, 3), just(0, 1, 2, 3)),), frozenset({"withdraws_just"}),
           "think of an event about all of the process"),
    Hidden("unrelated_range_takes_no_write_lock", (event(3, 0, at(0), (), never), event(3, at(3), END_OF_USER_ADDRESSES, (), never)),
           frozenset({"write_locks"}), "think of a range of many pages that has none of the album's"),
    Hidden("one_write_lock_an_event", (event(4, at(1), at(4), (1, 2, 3), once),), frozenset({"write_locks"}),
           "think of an event that hits some pages and not the first"),
)
