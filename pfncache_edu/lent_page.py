"""A page that is lent out and taken back: the smallest program in which a write lock is needed although one bool is stored.

    explore(page_is_taken_back())                                 holds
    explore(page_is_taken_back({take_back: mine}, users=2))       with a function of yours in the place of take_back()
    explore(page_is_not_lent({take_back: mine}))                  asks that nobody has to wait for nothing

A user checks `valid` under the read lock and uses the page. The owner takes the page back and frees it then.
"""
from __future__ import annotations

from .locks import read_lock, read_unlock, rwlock_t, write_lock, write_unlock
from .program import Program, Thread, Watch
from .steps import LOAD, KernelFunction, Step, Steps, Struct, Verb, Violation, field, kernel


class note(Struct):
    """What the users know of the page: whether they may use it."""
    lock = rwlock_t()
    # lock must be held to use this, for write or for read:
    valid = field(True)
    # the page itself: nobody may use it when it is freed
    freed = field(False)


USE = Verb("use", "uses the page", lambda _, freed: (freed, freed))


def use_page(gpc: note) -> Step:
    """The step that uses the page."""
    return Step(USE, (gpc.freed,))


@kernel
def use_lent_page(gpc: note) -> Steps[None]:
    """What a user does: take the read lock - check - use - release."""
    yield read_lock(gpc.lock)
    if (yield gpc.valid):
        yield use_page(gpc)
    yield read_unlock(gpc.lock)


@kernel
def take_back(gpc: note) -> Steps[None]:
    """Withdraw and drain: when this returns, the page is not valid and nobody uses it."""
    yield write_lock(gpc.lock)
    yield gpc.valid.set(False)
    yield write_unlock(gpc.lock)


@kernel
def own_page(gpc: note) -> Steps[None]:
    """What the owner does: take the page back, and free it."""
    yield from take_back(gpc)
    yield gpc.freed.set(True)


def _use(_, thread: str, step: Step, old: tuple, result) -> None:
    if step.verb is USE and result:
        raise Violation("nobody_uses_a_freed_page", f"{thread} uses the page, which is freed")


nobody_uses_a_freed_page = Watch("nobody_uses_a_freed_page", _use, meaning="nobody uses the page once it is freed")


def _frees_what_is_withdrawn(valid: bool, thread: str, step: Step, old: tuple, result) -> bool:
    if step.cells and step.cells[0].name == "gpc.valid" and step.verb is not LOAD:
        return step.argument
    if step.cells and step.cells[0].name == "gpc.freed" and step.verb is not USE and valid:
        raise Violation("only_a_withdrawn_page_is_freed", f"{thread} frees the page, and gpc is still valid")
    return valid


only_a_withdrawn_page_is_freed = Watch("only_a_withdrawn_page_is_freed", _frees_what_is_withdrawn, start=True, about=("owner",),
                                       meaning="when the page is freed, its note is not valid")


def page_is_taken_back(livepatch: dict[KernelFunction, KernelFunction] | None = None, *, users: int = 1, fair_locks: bool = True) -> Program:
    """The owner takes the page back and frees it while somebody uses it."""
    gpc = note("gpc")
    return Program("page_is_taken_back", (*(Thread(f"vcpu{n}", use_lent_page, (gpc,)) for n in range(users)), Thread("owner", own_page, (gpc,))),
                   (nobody_uses_a_freed_page, only_a_withdrawn_page_is_freed), livepatch or {},
                   title=f"The owner takes the page back while {'a user is' if users == 1 else f'{users} users are'} there", fair_locks=fair_locks)


def _takes_for_write(_, thread: str, step: Step, old: tuple, result) -> None:
    if thread == "owner" and step.verb.takes == "write" and (result or not step.verb.tries):
        raise Violation("nobody_waits_for_nothing", f"owner takes {step.cells[0].name} for write, and every user has to wait for nothing")


nobody_waits_for_nothing = Watch("nobody_waits_for_nothing", _takes_for_write, about=("owner",),
                                 meaning="for a page that is not lent, the owner takes no write lock")


def page_is_not_lent(livepatch: dict[KernelFunction, KernelFunction] | None = None) -> Program:
    """The owner takes a page back that is not lent out, while a user looks at its note."""
    gpc = note("gpc", valid=False)
    return Program("page_is_not_lent", (Thread("vcpu0", use_lent_page, (gpc,)), Thread("owner", own_page, (gpc,))),
                   (nobody_uses_a_freed_page, nobody_waits_for_nothing), livepatch or {},
                   title="The owner takes back a page that is not lent out", fair_locks=True)
