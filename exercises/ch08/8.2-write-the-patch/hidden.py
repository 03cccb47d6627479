"""What only the judge tests of exercise 8.2. It is in no student edition."""
from pfncache_edu.grading.exercise_8_2 import event_alone, event_during_use, locks_for_write_once, spares, withdraws
from pfncache_edu.grading.hidden import Hidden
from pfncache_edu.scenarios import FIRST_PAGE, PAGE_SIZE

END_OF_USER_ADDRESSES = 1 << 47


def once(gpc):
    return locks_for_write_once(gpc, needed=True)


HIDDEN = (
    Hidden("relevant_range_takes_one_write_lock",
           (event_alone(once, 0, END_OF_USER_ADDRESSES), event_alone(withdraws, FIRST_PAGE + PAGE_SIZE - 1, END_OF_USER_ADDRESSES)),
           frozenset({"locks_for_write_once", "withdraws"}), "think of an event about all of the process"),
    Hidden("far_range_takes_no_write_lock",
           (event_during_use(spares, FIRST_PAGE + PAGE_SIZE, END_OF_USER_ADDRESSES), event_alone(spares, 0, FIRST_PAGE)),
           frozenset({"spares"}), "think of a range of many pages that has every page but this one"),
)
