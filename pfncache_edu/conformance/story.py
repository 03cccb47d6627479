"""A recording as a story: operation by operation, what happened, what changed, and which locks were taken.

It is told from the replay, so it is what our functions do; the comparison has already said that the kernel's did the same.
"""
from __future__ import annotations

import textwrap

from .compare import answer, cache_fields, lock_counts
from .recordings import Recording
from .replay import Running, World

WIDTH = 118
WORDS = """\
A *cache* keeps one page of a guest's memory at hand for the kernel. The host may move or take that page at any time; it
announces that with an *invalidation* of a range of addresses, and every cache must let go of a page in the range before the
host goes on. Whoever uses or changes a cache takes its lock: for *read*, which any number can have at once, or for *write*,
which only one can have, and which keeps everybody else out. So a write lock makes others wait, and a read lock does not keep
other readers out.
"""
POINTS = {
    "hva_to_pfn.enter": "is about to look the page up", "hva_to_pfn.exit": "has looked the page up, and does not use it yet",
    "map.exit": "has given the page a kernel address", "unmap.enter": "is about to give a kernel address back",
    "refresh_lock": "is about to take refresh_lock", "gpc_read_lock": "is about to take a cache's lock for read",
    "gpc_write_lock": "is about to take a cache's lock for write", "gpc_read_unlock": "has just dropped a cache's read lock",
    "gpc_write_unlock": "has just dropped a cache's write lock", "gpc_list_lock": "is about to lock the list of caches",
    "gpc_list_unlock": "has just unlocked the list of caches", "mmu_unlock": "has just dropped mmu_lock",
    "synchronize_srcu": "has published new memslots, whose generation is still marked as being updated",
    "flush_shadow_memslot": "has marked the memslot as invalid, and not yet removed it"}
ERRORS = {"-EINVAL": "it refuses that", "-EFAULT": "there is no page to be had", "-EIO": "something is badly wrong",
          "-EEXIST": "the guest addresses are taken"}
WAITS = {"refresh_lock": "somebody else works on the cache", "gpc_lock_write": "somebody uses the cache",
         "gpc_lock_read": "somebody changes the cache", "gpc_lock": "somebody holds the list of caches",
         "slots_lock": "another memslot update runs", "mn_active_invalidate_count": "an invalidation is open",
         "srcu": "somebody still reads the old memslots",
         "retry_spin": "an invalidation is open, and what it looks up now may be wrong at once"}


class Story:
    """Hears what a replay does and writes it down in `lines`."""

    def __init__(self, recording: Recording):
        self.recording, self.version = recording, recording.version
        self.lines: list[str] = []
        self.depth = 0
        self.before: dict[object, list[dict]] = {}
        self.unconcerned = self.kept_out = 0
        self.found: dict[object, dict[int, str]] = {}        # an invalidation -> each cache -> hit, empty or elsewhere

    def __call__(self, moment: str, world: World, running: Running, data: dict) -> None:
        if moment == "begins":
            self.before[running.id] = self.caches(world)
            self.found[running.id] = self.looks_at(world, running)
            self.say(f"{running.id}. {self.headline(running)}")
            self.depth += 1
        elif moment == "point":
            self.say(f"While it {POINTS[data['at']]}:")
        elif moment == "resumed":
            self.say(f"Now operation {running.id} goes on.")
            self.depth += 1
            self.ending(world, running)
        elif moment in ("nested", "top"):
            self.ending(world, running)

    def say(self, sentence: str) -> None:
        indent = "    " * self.depth
        self.lines.append(textwrap.fill(sentence, WIDTH, initial_indent=indent, subsequent_indent=indent + "  "))

    def caches(self, world: World) -> list[dict]:
        return [cache_fields(world, gpc) for gpc in world.caches]

    # --- how an operation begins ---

    def headline(self, running: Running) -> str:
        a = dict(running.args)
        cache = f"cache {a.get('c')}"
        tell = {
            "init": lambda: f"{cache} is set up",
            "activate": lambda: f"{cache} is to hold the page at guest address {a['gpa']:#x}",
            "activate_hva": lambda: f"{cache} is to hold the page at user address {a['uhva']:#x}",
            "refresh": lambda: f"{cache} is to be made usable again" + (f" for guest address {a['gpa']:#x}" if "gpa" in a else ""),
            "check": lambda: f"May {cache} be used, {a['len']} bytes of it?",
            "unmap": lambda: f"{cache} is to forget its page",
            "deactivate": lambda: f"{cache} is given up",
            "inv_start": lambda: f"The host is about to change the user addresses {a['start']:#x} to {a['end']:#x}",
            "inv_end": lambda: f"The host has changed {a['start']:#x} to {a['end']:#x}",
            "set_memory_region": lambda: (f"Memslot {a['slot']}: guest addresses from {a['gpa']:#x}, {a['npages']} pages, are at user "
                                          f"address {a['uhva']:#x}" if a["npages"] else f"Memslot {a['slot']} is deleted"),
            "zap_gfn_range": lambda: "KVM drops mappings of the guest on its own account",
            "set_pte": lambda: f"At user address {a['uhva']:#x} there is now {self.page(a['pte'])}"
                               + (f", and at the {a['count'] - 1} after it the next ones" if a.get("count", 1) > 1 else ""),
            "set_memremap_fail": lambda: f"Page {a['pfn']:#x} can {'not ' if a['fail'] else ''}be mapped from now on",
            "set_in_guest": lambda: f"vCPU {a['vcpu']} {'runs' if a['value'] else 'leaves'} guest code",
            "read_lock": lambda: f"A vCPU begins to use {cache}",
            "read_unlock": lambda: f"The vCPU stops using {cache}"}
        sentence = tell[running.name]()
        return f"{sentence[0].upper() + sentence[1:]}  [{running.name}]"

    @staticmethod
    def page(pte) -> str:
        return f"no page ({pte})" if isinstance(pte, str) else f"page {pte:#x}"

    # --- how it ends ---

    def ending(self, world: World, running: Running) -> None:
        for sentence in (*self.visits(world, running), *self.changes(world, running), *self.locks(world, running)):
            self.say(sentence)
        if running.done:
            given = answer(running)
            if running.name == "check":
                self.say("Yes." if given else "No.")
            elif isinstance(given, str):
                self.say(f"Answer: {given}, {ERRORS[given]}.")
        else:
            self.say(f"It has to wait: {WAITS[running.on.split(':')[0]]}.")
        for words in running.warned:
            self.say(f"The kernel warns: {words}")
        self.before[running.id] = self.caches(world)
        self.depth -= 1

    def looks_at(self, world: World, running: Running) -> dict[int, str]:
        """For an invalidation: the caches on the list, and whether their page is in the range, and usable."""
        if running.name != "inv_start":
            return {}
        a, found = running.args, {}
        for gpc in world.value(world.kvm.gpc_list):
            inside = a["start"] <= world.value(gpc.uhva) < a["end"]
            found[world.number[gpc]] = ("hit" if world.value(gpc.valid) else "empty") if inside else "elsewhere"
        return found

    def visits(self, world: World, running: Running):
        """What an invalidation did with each cache, and why."""
        taken, found = lock_counts(world, running), self.found.pop(running.id, {})
        if not running.done:
            self.found[running.id] = found
        seen = {n: how for n, how in sorted(found.items()) if taken["read"][n] or taken["write"][n]}
        for n in (n for n, how in seen.items() if how == "hit"):
            if not taken["write"][n]:
                yield (f"Cache {n} holds a page in the range: a look under the read lock showed that. It must go, so the write lock "
                       "is needed.")
            elif self.version == "6.1":
                yield f"Cache {n} holds a page in the range: under its write lock the page is withdrawn."
            else:
                yield (f"Cache {n} holds a page in the range: a look under the read lock showed that. Then it took the write lock, "
                       "looked again, and withdrew the page.")
        for n in (n for n, how in seen.items() if how == "empty"):
            yield f"Cache {n} is for an address in the range, but may not be used now anyway: there is nothing to withdraw."
        missed = [n for n, how in seen.items() if how == "elsewhere"]
        writes = sum(taken["write"][n] for n in missed)
        if missed and running.done:
            self.unconcerned += len(missed)
            self.kept_out += writes
        if missed and writes:
            yield (f"{these(missed)} no page in the range. Linux 6.1 finds that out only under the write lock, one for each "
                   "cache: for that moment everybody else was kept out of it, for nothing.")
        elif missed:
            yield (f"{these(missed)} no page in the range. Linux 6.12 looks under the read lock first, and that look was "
                   "enough: no write lock, and nobody who uses the cache had to wait.")

    def changes(self, world: World, running: Running):
        for n, (was, now) in enumerate(zip(self.before.pop(running.id), self.caches(world))):
            if was["valid"] != now["valid"]:
                yield f"Cache {n} may {'now' if now['valid'] else 'no longer'} be used."
            if was["active"] != now["active"]:
                yield f"Cache {n} is {'on the list that invalidations visit' if now['active'] else 'off the list'}."
            if was["pfn"] != now["pfn"] and isinstance(now["pfn"], int) and now["pfn"]:
                yield f"Cache {n} holds page {now['pfn']:#x}" + (f" instead of page {was['pfn']:#x}." if isinstance(was["pfn"], int)
                                                                  and was["pfn"] else ".")
            elif was["pfn"] != now["pfn"] and isinstance(was["pfn"], int) and was["pfn"]:
                yield f"Cache {n} holds no page any more."
            if was["gen"] != now["gen"]:
                yield f"Cache {n} was translated with generation {now['gen']} of the memslots."
        lookups = sum(call[0] == "hva_to_pfn" for call in running.calls)
        if lookups > 1:
            yield f"It looked the page up {lookups} times: an invalidation came in between, so what it had found could not be trusted."

    def locks(self, world: World, running: Running):
        taken = lock_counts(world, running)
        parts = [f"cache {n}'s for {mode}{times(count)}" for n in range(len(world.caches))
                 for mode in ("read", "write") if (count := taken[mode][n])]
        parts += [f"cache {n}'s refresh_lock{times(count)}" for n, count in enumerate(taken["refresh"]) if count]
        parts += [f"{lock}{times(taken[lock])}" for lock in ("gpc_lock", "mn_invalidate_lock", "mmu_lock") if taken[lock]]
        if parts:
            yield f"Locks: {', '.join(parts)}."

    # --- all of it ---

    def __str__(self):
        title = self.recording.title or "a random sequence of operations"
        head = f"{self.recording.name}, Linux {self.version}\n{title[0].upper() + title[1:]}.\n\n{WORDS}"
        return head + "\n" + "\n".join(self.lines) + self.moral() + "\n"

    def moral(self) -> str:
        """What the invalidations did to caches that were not concerned: the point of the patch."""
        if not self.unconcerned:
            return ""
        times_looked = f"{self.unconcerned} {'time' if self.unconcerned == 1 else 'times'}"
        locks = f"{self.kept_out} write {'lock' if self.kept_out == 1 else 'locks'}" if self.kept_out else "no write lock"
        why = ("one for each look, because Linux 6.1 takes the write lock first and looks then. Whoever used that cache had to get out "
               "of the way, and nothing came of it." if self.version == "6.1" else
               "Linux 6.12 looks under the read lock first, and takes the write lock only if the page must really go. Whoever used "
               "that cache did not notice.")
        return "\n\n" + textwrap.fill(f"In all, an invalidation looked {times_looked} at a cache that it did not concern, and took "
                                      f"{locks} for it: {why}", WIDTH)


def these(caches: list[int]) -> str:
    """[0, 1, 2] as the beginning of a sentence: "Caches 0, 1 and 2 hold"."""
    if len(caches) == 1:
        return f"Cache {caches[0]} holds"
    return f"Caches {', '.join(map(str, caches[:-1]))} and {caches[-1]} hold"


def times(count: int) -> str:
    return "" if count == 1 else f" {count} times"
