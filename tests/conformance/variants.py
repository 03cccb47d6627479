"""Wrong variants: our 6.12 functions with one line changed, each named by what it omits or does instead.

    python tests/conformance/variants.py            which recordings notice each variant: writes variants.tsv anew
    python tests/conformance/variants.py NAME …     the same for these variants alone

A variant is made from the source: the line `old` of a function becomes `new`. If the line stands there more than once, `nth`
says which one is meant. The comparison is the one of the conformance tests, without the lock rules: a variant counts as
noticed if an answer, a field, a count or a call differs, or if it breaks down.
"""
from __future__ import annotations

import re
import sys
import types
from dataclasses import dataclass
from pathlib import Path

from pfncache_edu.conformance import replay
from pfncache_edu.conformance.compare import Count, Divergence, conforms
from pfncache_edu.conformance.recordings import Recording, shipped
from pfncache_edu.kvm import memslots, mmu_notifier, pfncache
from pfncache_edu.steps import KernelFunction

TABLE = Path(__file__).with_name("variants.tsv")
MODULES = (pfncache, mmu_notifier, memslots)


@dataclass(frozen=True)
class Variant:
    name: str
    function: str
    old: str
    new: str
    nth: int = 1
    unnoticed: str = ""                # why no recording can notice it

    def livepatch(self) -> dict[KernelFunction, KernelFunction]:
        """The functions of the variant's module, instead of the real ones; of those that import a plain function, too."""
        module = next(m for m in MODULES if getattr(getattr(m, self.function, None), "__module__", "") == m.__name__)
        original, changed = getattr(module, self.function), copied(module, self.source(Path(module.__file__).read_text()))
        if isinstance(original, KernelFunction):
            return replacements(module, changed)
        patch = {}
        for user in MODULES:
            if getattr(user, self.function, None) is original:
                copy = copied(user, Path(user.__file__).read_text())
                setattr(copy, self.function, getattr(changed, self.function))
                patch.update(replacements(user, copy))
        return patch

    def source(self, text: str) -> str:
        """The module's text with the one line changed."""
        lines = text.split("\n")
        start = next(n for n, line in enumerate(lines) if line.startswith(f"def {self.function}("))
        end = next((n for n in range(start + 1, len(lines)) if re.match(r"\S", lines[n]) and lines[n] != ")"), len(lines))
        places = [n for n in range(start, end) if lines[n].strip() == self.old]
        if len(places) < self.nth:
            raise LookupError(f"{self.name}: {self.function}() has no line `{self.old}`")
        line = lines[places[self.nth - 1]]
        lines[places[self.nth - 1]] = line[:len(line) - len(line.lstrip())] + self.new
        return "\n".join(lines)


def copied(module: types.ModuleType, text: str) -> types.ModuleType:
    """A module of its own, made of the text, that stands for the module."""
    copy = types.ModuleType(module.__name__)
    copy.__file__, copy.__package__ = module.__file__, module.__package__
    exec(compile(text, module.__file__, "exec"), copy.__dict__)
    for name, function in own(module).items():
        if function in replay.PROBES:                              # these must still announce themselves
            setattr(copy, name, function)
    return copy


def own(module: types.ModuleType) -> dict[str, KernelFunction]:
    return {name: f for name, f in vars(module).items() if isinstance(f, KernelFunction) and f.__module__ == module.__name__}


def replacements(module: types.ModuleType, copy: types.ModuleType) -> dict[KernelFunction, KernelFunction]:
    return {original: getattr(copy, name) for name, original in own(module).items() if original not in replay.PROBES}


HIT = "if ((yield gpc.valid) and not is_error_noslot_pfn((yield gpc.pfn))"
IN_RANGE = "and start <= (yield gpc.uhva) < end):"
VARIANTS: list[Variant] = []


def of(function: str, *variants: tuple) -> None:
    VARIANTS.extend(Variant(name, function, old, new, *more) for name, old, new, *more in variants)


of("gfn_to_pfn_cache_invalidate_start",
   ("withdraws_invalid_caches_too", HIT, "if (not is_error_noslot_pfn((yield gpc.pfn))"),
   ("ignores_that_there_is_no_page", HIT, "if ((yield gpc.valid)", 1,
    "a valid cache always has a page: `valid` is set only together with `pfn`, and every error clears both"),
   ("misses_the_first_byte_of_the_range", IN_RANGE, "and start < (yield gpc.uhva) < end):"),
   ("takes_the_end_for_a_part_of_the_range", IN_RANGE, "and start <= (yield gpc.uhva) <= end):"),
   ("ignores_where_the_range_starts", IN_RANGE, "and (yield gpc.uhva) < end):"),
   ("ignores_where_the_range_ends", IN_RANGE, "and start <= (yield gpc.uhva)):"),
   ("second_check_ignores_valid", HIT, "if (not is_error_noslot_pfn((yield gpc.pfn))", 2,
    "it clears `valid`, which is clear already"),
   ("second_check_ignores_the_range", IN_RANGE, "and True):", 2,
    "between the two checks a cache can move to another page only by a refresh, and none succeeds while this "
    "invalidation is open: then `valid` is clear already"),
   ("second_check_misses_the_first_byte", IN_RANGE, "and start < (yield gpc.uhva) < end):", 2),
   ("never_withdraws", "yield gpc.valid.set(False)", "pass"),
   ("stops_after_the_first_hit", "continue", "break"),
   ("visits_only_the_newest_cache", "for gpc in (yield kvm.gpc_list):", "for gpc in (yield kvm.gpc_list)[:1]:"),
   ("visits_the_oldest_cache_first", "for gpc in (yield kvm.gpc_list):", "for gpc in (yield kvm.gpc_list)[::-1]:"),
   ("drops_the_list_lock_never", "yield spin_unlock(kvm.gpc_lock)", "pass"))

of("kvm_gpc_is_valid_len",
   ("measures_from_the_guest_address_always", "offset = offset_in_page(uhva) if kvm_is_error_gpa(gpa) else offset_in_page(gpa)",
    "offset = offset_in_page(gpa)"),
   ("measures_from_the_user_address_always", "offset = offset_in_page(uhva) if kvm_is_error_gpa(gpa) else offset_in_page(gpa)",
    "offset = offset_in_page(uhva)"),
   ("refuses_the_last_byte_of_the_page", "return (offset + length) & ULONG_MAX <= PAGE_SIZE",
    "return (offset + length) & ULONG_MAX < PAGE_SIZE"),
   ("computes_without_overflow", "return (offset + length) & ULONG_MAX <= PAGE_SIZE", "return offset + length <= PAGE_SIZE"),
   ("forgets_the_offset", "return (offset + length) & ULONG_MAX <= PAGE_SIZE", "return length <= PAGE_SIZE"))

of("kvm_gpc_check",
   ("forgets_that_it_may_be_inactive", "if not (yield gpc.active):", "if False:", 1,
    "an inactive cache is never valid in 6.12, so the last test says the same"),
   ("tests_the_generation_of_hva_caches", "if not kvm_is_error_gpa((yield gpc.gpa)) and (yield gpc.generation) != slots.generation:",
    "if (yield gpc.generation) != slots.generation:"),
   ("forgets_the_generation", "if not kvm_is_error_gpa((yield gpc.gpa)) and (yield gpc.generation) != slots.generation:", "if False:"),
   ("accepts_an_old_generation", "if not kvm_is_error_gpa((yield gpc.gpa)) and (yield gpc.generation) != slots.generation:",
    "if not kvm_is_error_gpa((yield gpc.gpa)) and (yield gpc.generation) > slots.generation:"),
   ("forgets_the_error_address", "if kvm_is_error_hva((yield gpc.uhva)):", "if False:", 1,
    "a cache without a user address is never valid, so the last test says the same"),
   ("forgets_the_length", "if not kvm_gpc_is_valid_len((yield gpc.gpa), (yield gpc.uhva), length):", "if False:"),
   ("forgets_valid", "return (yield gpc.valid)", "return True"))

of("gpc_map", ("maps_device_memory_like_ram", "if pfn_valid(pfn):", "if True:"))
of("gpc_unmap",
   ("unmaps_without_a_page", "if is_error_noslot_pfn(pfn) or not khva:", "if not khva:", 1,
    "khva is NULL whenever there is no page: both are set and cleared together"),
   ("unmaps_without_an_address", "if is_error_noslot_pfn(pfn) or not khva:", "if is_error_noslot_pfn(pfn):", 1,
    "a page without an address exists only in 6.1, for caches that only a vCPU uses"),
   ("forgets_to_unmap_ram", "yield from kunmap(gpc.kvm.mm, pfn, gpc.name)", "pass"),
   ("forgets_to_unmap_device_memory", "yield from memunmap(gpc.kvm.mm, khva, gpc.name)", "pass"))

of("mmu_notifier_retry_cache",
   ("forgets_the_count", "if (yield kvm.mn_active_invalidate_count):", "if False:"),
   ("looks_at_in_progress_instead_of_the_count", "if (yield kvm.mn_active_invalidate_count):",
    "if (yield kvm.mmu_invalidate_in_progress):"),
   ("forgets_the_barrier", "yield smp_rmb()          # the count is read before the sequence", "pass", 1,
    "the recordings say nothing about memory ordering: barriers did nothing in the recorder, and do nothing here"),
   ("forgets_the_sequence", "return (yield kvm.mmu_invalidate_seq) != mmu_seq", "return False"),
   ("takes_the_sequence_for_growing", "return (yield kvm.mmu_invalidate_seq) != mmu_seq",
    "return (yield kvm.mmu_invalidate_seq) > mmu_seq", 1, "the sequence only grows, until it overflows after 2**64 invalidations"))

LOOKUP = "new_pfn = yield from hva_to_pfn(gpc.kvm, (yield gpc.uhva))"
PUT = "yield from kvm_release_pfn_clean(mm, new_pfn)"
of("hva_to_pfn_retry",
   ("forgets_to_align_the_old_address", "old_khva = khva_page((yield gpc.khva))", "old_khva = yield gpc.khva"),
   ("stays_valid_while_it_looks", "yield gpc.valid.set(False)", "pass"),
   ("never_samples_the_sequence", "mmu_seq = yield gpc.kvm.mmu_invalidate_seq", "mmu_seq = 0"),
   ("samples_the_sequence_after_unlocking", "yield write_unlock_irq(gpc.lock)",
    "yield write_unlock_irq(gpc.lock); mmu_seq = yield gpc.kvm.mmu_invalidate_seq"),
   ("samples_the_sequence_after_the_lookup", LOOKUP, LOOKUP + "; mmu_seq = yield gpc.kvm.mmu_invalidate_seq"),
   ("forgets_the_failed_attempt", "if new_pfn != KVM_PFN_ERR_FAULT:", "if False:"),
   ("drops_the_reused_mapping", "if new_khva != old_khva:", "if True:"),
   ("forgets_the_failed_attempts_mapping", "if new_khva != old_khva:", "if False:"),
   ("forgets_the_failed_attempts_reference", PUT, "pass", 1),
   ("never_offers_the_cpu", "yield cond_resched()", "pass"),
   ("looks_up_the_pages_first_byte", LOOKUP, "new_pfn = yield from hva_to_pfn(gpc.kvm, PAGE_ALIGN_DOWN((yield gpc.uhva)))"),
   ("knows_only_one_error", "if is_error_noslot_pfn(new_pfn):", "if new_pfn == KVM_PFN_ERR_FAULT:"),
   ("calls_a_failed_lookup_success", "return -EFAULT", "return 0", 1),
   ("calls_a_failed_lookup_invalid", "return -EFAULT", "return -EINVAL", 1),
   ("never_reuses_the_mapping", "if new_pfn == (yield gpc.pfn):", "if False:"),
   ("ignores_a_failed_mapping", "if not new_khva:", "if False:"),
   ("forgets_the_reference_when_mapping_fails", PUT, "pass", 2),
   ("calls_a_failed_mapping_success", "return -EFAULT", "return 0", 2),
   ("never_retries", "if not (yield from mmu_notifier_retry_cache(gpc.kvm, mmu_seq)):", "if True:"),
   ("forgets_to_become_valid", "yield gpc.valid.set(True)", "pass"),
   ("forgets_the_page", "yield gpc.pfn.set(new_pfn)", "pass"),
   ("forgets_the_address", "yield gpc.khva.set(khva_at(new_khva, offset_in_page((yield gpc.uhva))))", "pass"),
   ("forgets_the_offset_of_the_address", "yield gpc.khva.set(khva_at(new_khva, offset_in_page((yield gpc.uhva))))",
    "yield gpc.khva.set(new_khva)"),
   ("pins_the_page", PUT, "pass", 3))

of("__kvm_gpc_refresh",
   ("accepts_no_address_at_all", "if (yield from WARN_ON_ONCE(kvm_is_error_gpa(gpa) == kvm_is_error_hva(uhva),",
    "if (yield from WARN_ON_ONCE(False,"),
   ("forgets_to_unmap_the_old_page", "if to_unmap:", "if False:"))

TRANSLATES = "if ((yield gpc.gpa) != gpa or (yield gpc.generation) != slots.generation"
of("refresh_locked",
   ("refreshes_inactive_caches", "if not (yield gpc.active):", "if False:"),
   ("forgets_the_old_page", "old_pfn = (yield gpc.pfn) if gpc.kvm.mm.keeps_books else None      # only for gpc_unmap()",
    "old_pfn = KVM_PFN_ERR_FAULT"),
   ("forgets_to_align_the_old_user_address", "old_uhva = PAGE_ALIGN_DOWN((yield gpc.uhva))", "old_uhva = yield gpc.uhva"),
   ("keeps_the_guest_address_of_an_hva_cache", "yield gpc.gpa.set(INVALID_GPA)", "pass"),
   ("keeps_the_memslot_of_an_hva_cache", "yield gpc.memslot.set(None)", "pass"),
   ("keeps_the_user_address_of_an_hva_cache", "yield gpc.uhva.set(PAGE_ALIGN_DOWN(uhva))", "pass"),
   ("misses_that_an_hva_cache_moves", "hva_change = True", "pass", 1),
   ("forgets_the_offset_of_an_hva_cache", "page_offset = offset_in_page(uhva)", "page_offset = 0"),
   ("forgets_the_offset_of_a_gpa_cache", "page_offset = offset_in_page(gpa)", "page_offset = 0"),
   ("translates_though_nothing_changed", TRANSLATES, "if (True", 1,
    "the translation is a function of the guest address and of the memslots, and neither changed: it gives the same again"),
   ("misses_another_guest_address", TRANSLATES, "if ((yield gpc.generation) != slots.generation"),
   ("misses_another_generation", TRANSLATES, "if ((yield gpc.gpa) != gpa"),
   ("forgets_that_there_is_no_user_address_yet", "or kvm_is_error_hva((yield gpc.uhva))):", "or False):"),
   ("forgets_the_guest_address", "yield gpc.gpa.set(gpa)", "pass"),
   ("forgets_to_note_the_generation", "yield gpc.generation.set(slots.generation)", "pass"),
   ("keeps_the_old_memslot", "yield gpc.memslot.set(__gfn_to_memslot(slots, gfn))", "pass"),
   ("looks_up_an_error_address", "if kvm_is_error_hva((yield gpc.uhva)):", "if False:"),
   ("keeps_the_page_when_translation_fails", "return (yield from out(gpc, -EFAULT, old_pfn, old_khva))", "return -EFAULT, None"),
   ("misses_that_a_gpa_cache_moves", "hva_change = True", "pass", 2),
   ("adds_the_offset_again", "yield gpc.uhva.set(old_uhva)", "pass"),
   ("forgets_to_add_the_offset", "yield gpc.uhva.set((yield gpc.uhva) + page_offset)", "pass"),
   ("looks_up_only_what_is_invalid", "if not (yield gpc.valid) or hva_change:", "if not (yield gpc.valid):"),
   ("looks_up_only_what_moved", "if not (yield gpc.valid) or hva_change:", "if hva_change:"),
   ("always_looks_up", "if not (yield gpc.valid) or hva_change:", "if True:"),
   ("keeps_the_old_offset", "yield gpc.khva.set(khva_at(old_khva, page_offset))", "pass"))

of("out",
   ("stays_valid_after_a_failure", "yield gpc.valid.set(False)", "pass"),
   ("keeps_the_page_after_a_failure", "yield gpc.pfn.set(KVM_PFN_ERR_FAULT)", "pass"),
   ("keeps_the_address_after_a_failure", "yield gpc.khva.set(None)", "pass"),
   ("always_unmaps", "unmap_old = gpc.kvm.mm.keeps_books and old_pfn != (yield gpc.pfn)", "unmap_old = True"),
   ("never_unmaps", "unmap_old = gpc.kvm.mm.keeps_books and old_pfn != (yield gpc.pfn)", "unmap_old = False"))

of("kvm_gpc_refresh",
   ("refreshes_across_a_page", "if kvm_gpc_is_valid_len((yield gpc.gpa), (yield gpc.uhva), length):", "if True:"),
   ("gives_both_addresses", "uhva = (yield gpc.uhva) if kvm_is_error_gpa((yield gpc.gpa)) else KVM_HVA_ERR_BAD",
    "uhva = yield gpc.uhva"))

of("kvm_gpc_init",
   ("begins_with_page_0", "yield gpc.pfn.set(KVM_PFN_ERR_FAULT)", "pass"),
   ("begins_with_guest_address_0", "yield gpc.gpa.set(INVALID_GPA)", "pass"),
   ("begins_with_user_address_0", "yield gpc.uhva.set(KVM_HVA_ERR_BAD)", "pass"),
   ("begins_as_valid_as_it_was", "yield gpc.valid.set(False)", "pass", 1,
    "the memory is cleared before the first init, and an inactive cache is never valid"),
   ("begins_as_active_as_it_was", "yield gpc.active.set(False)", "pass", 1,
    "the memory is cleared before the first init, and nobody may init an active cache: it is on the list"))

of("__kvm_gpc_activate",
   ("activates_across_a_page", "if not kvm_gpc_is_valid_len(gpa, uhva, length):", "if False:"),
   ("forgets_refresh_lock", "yield mutex_unlock(gpc.refresh_lock)", "pass"))
of("activate_alone",
   ("lists_a_cache_twice", "if not (yield gpc.active):", "if True:"),
   ("forgets_the_bug_check", 'if (yield from KVM_BUG_ON((yield gpc.valid), "gpc->valid")):', "if False:", 1,
    "it asks for something that never happens: an inactive cache that is valid"),
   ("forgets_to_list_it", "yield kvm.gpc_list.set((gpc, *(yield kvm.gpc_list)))", "pass"),
   ("lists_it_last", "yield kvm.gpc_list.set((gpc, *(yield kvm.gpc_list)))", "yield kvm.gpc_list.set((*(yield kvm.gpc_list), gpc))"),
   ("forgets_to_become_active", "yield gpc.active.set(True)", "pass"),
   ("forgets_to_refresh", "return (yield from __kvm_gpc_refresh(gpc, gpa, uhva))", "return 0"))
of("kvm_gpc_activate",
   ("accepts_the_invalid_guest_address", 'if (yield from WARN_ON_ONCE(kvm_is_error_gpa(gpa), "kvm_is_error_gpa(gpa)")):', "if False:"))
of("kvm_gpc_activate_hva", ("accepts_kernel_addresses", "if not access_ok(uhva, length):", "if False:"))
of("kvm_gpc_deactivate",
   ("deactivates_inactive_caches", "if (yield gpc.active):", "if True:"),
   ("stays_active", "yield gpc.active.set(False)", "pass"),
   ("stays_valid", "yield gpc.valid.set(False)", "pass"),
   ("keeps_the_address", "yield gpc.khva.set(None)", "pass"),
   ("keeps_the_page", "yield gpc.pfn.set(KVM_PFN_ERR_FAULT)", "pass"),
   ("stays_on_the_list", "yield kvm.gpc_list.set(tuple(other for other in (yield kvm.gpc_list) if other is not gpc))", "pass"),
   ("forgets_to_unmap", "yield from gpc_unmap(gpc, old_pfn, old_khva)", "pass"))

of("kvm_mmu_notifier_invalidate_range_start",
   ("does_not_announce", "yield kvm.mn_active_invalidate_count.add(1)", "pass"),
   ("skips_the_caches", "yield from gfn_to_pfn_cache_invalidate_start(kvm, start, end)", "pass"),
   ("skips_the_memslots", "yield from kvm_handle_hva_range(kvm, start, end, kvm_mmu_invalidate_begin, kvm_mmu_unmap_gfn_range)",
    "pass"))
of("kvm_mmu_notifier_invalidate_range_end",
   ("never_ends", "left = yield kvm.mn_active_invalidate_count.add(-1)", "left = 1"),
   ("does_not_count_the_end", "yield from kvm_handle_hva_range(kvm, start, end, kvm_mmu_invalidate_end)", "pass"),
   ("forgets_to_wake_the_memslot_update", "yield from rcuwait_wake_up(kvm)", "pass"))
of("kvm_mmu_invalidate_end", ("keeps_the_sequence", "yield kvm.mmu_invalidate_seq.add(1)", "pass"))
of("kvm_handle_hva_range",
   ("counts_a_range_outside_all_memslots", "if not touched:", "if False:"))
of("kvm_mmu_invalidate_range_add",
   ("forgets_where_the_range_begins", "yield kvm.mmu_invalidate_range_start.set(start)", "pass"),
   ("never_widens_the_range", "yield kvm.mmu_invalidate_range_end.set(max((yield kvm.mmu_invalidate_range_end), end))", "pass"))
of("gfn_to_hva_memslot",
   ("translates_through_a_slot_that_is_being_deleted", "if slot is None or slot.flags & KVM_MEMSLOT_INVALID:", "if slot is None:"),
   ("translates_through_a_read_only_slot", "if slot.flags & KVM_MEM_READONLY:", "if False:"))
of("kvm_swap_active_memslots",
   ("publishes_inside_an_invalidation", "if not (yield kvm.mn_active_invalidate_count):", "if True:"),
   ("forgets_the_mark", "yield kvm.memslots.set(kvm_memslots(gen | KVM_MEMSLOT_GEN_UPDATE_IN_PROGRESS, inactive))",
    "yield kvm.memslots.set(kvm_memslots(gen, inactive))"),
   ("keeps_the_generation", "yield kvm.memslots.set(kvm_memslots(gen + 1, inactive))",
    "yield kvm.memslots.set(kvm_memslots(gen, inactive))"),
   ("does_not_wait_for_readers", "yield from synchronize_srcu(kvm)", "pass"))


# --- which recordings notice them ---------------------------------------------------------------------------------------------

def notice(recording: Recording, livepatch) -> str | None:
    """What a recording says against a variant: the field that differs, or how it broke down. None if it sees nothing."""
    count, limit = Count(), replay.MAX_STEPS
    replay.MAX_STEPS = 2_000                                       # a real operation takes a tenth of that
    try:
        if conforms(recording, count, livepatch, lock_rules=False):
            return None
    except Exception as error:                                     # the variant itself breaks down
        return f"breaks down: {type(error).__name__}"
    finally:
        replay.MAX_STEPS = limit
    error = count.divergences[0]
    return f"{error.what} differs" if isinstance(error, Divergence) else str(error).split(":")[0]


def row(variant: Variant, recordings: list[Recording]) -> str:
    """The variant's line of the table: how many recordings of each level notice it, the first one, and what it sees."""
    patch = variant.livepatch()
    noticed = [(r, seen) for r in recordings if (seen := notice(r, patch))]
    levels = [sum(r.level == level for r, _ in noticed) for level in range(4)]
    first, what = (noticed[0][0].name, noticed[0][1]) if noticed else ("-", f"nothing: {variant.unnoticed}")
    return "\t".join((variant.name, variant.function, str(len(noticed)), *map(str, levels), first, what))


HEAD = "\t".join(("variant", "function", "noticed by", "level 0", "level 1", "level 2", "level 3", "first", "what it sees"))


def of_6_12() -> list[Recording]:
    return [r for r in shipped() if r.version == "6.12"]


def main(names: list[str]) -> None:
    recordings = of_6_12()
    known = {line.split("\t")[0]: line for line in TABLE.read_text().splitlines()[1:]} if names else {}
    for variant in VARIANTS:
        if not names or variant.name in names:
            known[variant.name] = row(variant, recordings)
            print(known[variant.name], flush=True)
    TABLE.write_text("\n".join((HEAD, *(known[variant.name] for variant in VARIANTS))) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
