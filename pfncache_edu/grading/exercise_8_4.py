"""Exercise 8.4, Transfer: the same idea for an album, many pages under one lock.

An album belongs to nobody in Linux: it is there so that the idea of the patch must be found again in another place. Its
pages are never looked up again, so there is no count to lean on. One lock for all pages makes two things new: an event may hit
several of them, and whoever takes the lock for write stops the users of all.
"""
from __future__ import annotations

from ..kvm.host_mm import write_guest
from ..kvm.structs import PAGE_SIZE, khva_t, mm_struct
from ..locks import read_lock_irq, read_unlock_irq, rwlock_t, write_lock_irq, write_unlock_irq
from ..program import Invariant, Program, Thread, Watch
from ..properties import guest_writes_reach_the_guest, takes_for_write
from ..scenarios import ELSEWHERE, FIRST_PAGE, Livepatch
from ..steps import STORE, Steps, Struct, Violation, field, fixed, kernel
from .answers import kernel_function
from .exercise import Exercise, Gate, Property
from .trial import Situation

NOTIFIER = "notifier"
LOCK_RULES = frozenset({"no_deadlock", "locks_are_released", "only_the_holder_unlocks"})
SAFETY = frozenset({"guest_writes_reach_the_guest", "valid_page_is_the_current_one"})
FIND, WITHDRAW = "find overlap", "withdraw and drain"


class picture(Struct):
    """A page in an album; the album's lock guards `valid`."""
    uhva = fixed()
    khva = fixed()
    valid = field(True)


class album(Struct):
    """Many pages under one lock."""
    pages = fixed()
    mm = fixed()
    lock = rwlock_t()


@kernel
def invalidate_album(album: album, start: int, end: int) -> Steps[None]:
    """Withdraw every page of the album in [start, end): when this returns, nobody uses one of them. The write lock comes first."""
    yield write_lock_irq(album.lock)
    for page in album.pages:
        if (yield page.valid) and start <= page.uhva < end:
            yield page.valid.set(False)
    yield write_unlock_irq(album.lock)


@kernel
def use_page(album: album, page: picture) -> Steps[None]:
    """Write to a page of the album, if it is valid."""
    yield read_lock_irq(album.lock)
    if (yield page.valid):
        yield write_guest(album.mm, page.khva)
    yield read_unlock_irq(album.lock)


@kernel
def pages_move(album: album, start: int, end: int, new: tuple) -> Steps[None]:
    """The host moves what lies in the range: first the album is told, then the page table changes."""
    yield from invalidate_album(album, start, end)
    for uhva, page in new:
        yield album.mm.pte[uhva].set(page)


def made(pages: int) -> album:
    """An album of so many pages: A, C, E, …"""
    names = {FIRST_PAGE + n * PAGE_SIZE: "ACEG"[n] for n in range(pages)}
    mm = mm_struct("mm", names)
    return album("album", mm=mm, pages=tuple(picture(f"page{n}", uhva=uhva, khva=khva_t(name)) for n, (uhva, name) in enumerate(names.items())))


# --- what is watched ----------------------------------------------------------------------------------------------------

def valid_page_is_the_current_one(album: album, page: picture) -> Invariant:
    def wrong(lock, valid, current):
        if lock != "write" and valid and current != page.khva.pfn:
            return f"{page.name} is valid and maps page {page.khva.pfn}, but the page at {page.uhva:#x} is {current}"
    return Invariant("valid_page_is_the_current_one", (album.lock, page.valid, album.mm.pte[page.uhva]), wrong)


def withdraws_just(pages: tuple[picture, ...], wanted: frozenset[str]) -> Watch:
    """When the hook is done, the pages in the range are withdrawn, and no other one."""
    def after(gone, thread, step, old, result):
        named = [page.name for page in pages if step.verb is STORE and step.cells[0] is page.valid]
        return gone | set(named) if named and step.argument is False else gone

    def at_end(gone, thread):
        if thread == NOTIFIER and gone != wanted:
            rest, more = sorted(wanted - gone), sorted(gone - wanted)
            raise Violation("withdraws_just", f"the hook is done, and {rest[0]} is still valid" if rest else f"{more[0]} is withdrawn, which is not in the range")
    return Watch("withdraws_just", after, start=frozenset(), at_end=at_end, about=(NOTIFIER,))


def write_locks(album: album, times: int, *, needed: bool = False) -> Watch:
    """The hook takes the album's lock for write at most so many times; just so many if that is `needed`."""
    def after(count, thread, step, old, result):
        if thread != NOTIFIER or not takes_for_write(step, result, album):
            return count
        if count == times:
            raise Violation("write_locks", f"notifier takes {album.lock.name} for write "
                            + ("again" if times else "although no page of the album is in the range: the users of all its pages wait for nothing"))
        return count + 1

    def at_end(count, thread):
        if needed and thread == NOTIFIER and count < times:
            raise Violation("write_locks", "notifier withdraws without the write lock: nobody waits until the users are out")
    return Watch("write_locks", after, start=0, at_end=at_end, about=(NOTIFIER,))


def event(pages: int, start: int, end: int, hit: tuple[int, ...], *watches, users: tuple[int, ...] = (), safe: bool = False) -> Situation:
    """An event of [start, end) over an album of `pages`, of which it hits those; `users` use a page each."""
    def situation(livepatch: Livepatch) -> Program:
        book = made(pages)
        new = tuple((book.pages[n].uhva, "BDFH"[n]) for n in hit)
        threads = [Thread(f"vcpu{n}", use_page, (book, book.pages[page])) for n, page in enumerate(users)]
        threads.append(Thread(NOTIFIER, pages_move, (book, start, end, new)))
        watched = tuple(watch(book) for watch in watches)
        if safe:
            watched = (guest_writes_reach_the_guest, *(valid_page_is_the_current_one(book, page) for page in book.pages))
        return Program(f"album_of_{pages}({start:#x}, {end:#x})", tuple(threads), watched, livepatch, frozenset(),
                       f"An album of {pages} pages, and an event of {start:#x} to {end:#x}")
    return situation


def at(page: int) -> int:
    return FIRST_PAGE + page * PAGE_SIZE


def just(*hit: int):
    return lambda book: withdraws_just(book.pages, frozenset(f"page{n}" for n in hit))


def once(book: album) -> Watch:
    return write_locks(book, 1, needed=True)


def never(book: album) -> Watch:
    return write_locks(book, 0)


withdraws = Property(
    "withdraws_what_is_hit", 2, "after an event, the pages in its range are not valid, and all others are as they were", WITHDRAW,
    (event(3, at(0), at(1), (0,), just(0)), event(3, at(1), at(3), (1, 2), just(1, 2)), event(3, at(0), at(3), (0, 1, 2), just(0, 1, 2)),
     event(3, ELSEWHERE, ELSEWHERE + PAGE_SIZE, (), just())), frozenset({"withdraws_just"}))
spares = Property(
    "unrelated_range_takes_no_write_lock", 3, "an event that hits no page of the album never takes its lock for write", FIND,
    (event(2, ELSEWHERE, ELSEWHERE + PAGE_SIZE, (), never), event(2, at(0) - PAGE_SIZE, at(0), (), never), event(2, at(2), at(3), (), never)),
    frozenset({"write_locks"}))

EXERCISE = Exercise(
    "8.4", "The same idea, another place", (kernel_function(invalidate_album),),
    (Property("safe_with_two_users", 3, "whoever writes through khva writes to the guest's current page, in every order of two users and a page that moves", WITHDRAW,
              (event(2, at(0), at(1), (0,), users=(0, 1), safe=True), event(2, at(0), at(2), (0, 1), users=(0, 1), safe=True)), SAFETY),
     withdraws, spares,
     Property("one_write_lock_an_event", 2, "an event takes the album's lock for write once, however many pages it hits", WITHDRAW,
              (event(3, at(0), at(1), (0,), once), event(3, at(0), at(3), (0, 1, 2), once)), frozenset({"write_locks"})),),
    (Gate(withdraws, "a hook that does not withdraw just what is in the range does not do its work, so nothing else counts"),
     Gate(spares, "an event that hits no page still takes the write lock, which is what this is about, so nothing else counts yet")))
