"""The kernel functions beyond the scenarios: the host's books, memslots, and the two rules for locks."""
import xml.etree.ElementTree as ElementTree

import pytest

from pfncache_edu import MUTANTS, explore, kernel, properties, read_lock, read_unlock, run, scenarios, spin_lock, spin_unlock
from pfncache_edu.kvm import before_the_patch, host_mm, host_pages, memslots, mmu_notifier, pfncache, structs, v6_1
from pfncache_edu.locks import mutex, mutex_lock, mutex_unlock, rwlock_t, spinlock_t, write_lock, write_unlock
from pfncache_edu.program import Program, Thread
from pfncache_edu.render.compare import pairs, side_by_side, side_by_side_html
from pfncache_edu.steps import Struct, field

PAGE = 0x7000
SLOT = structs.kvm_memory_slot(0, 1, PAGE)


class World:
    """A VM with one memslot of one page, a host that keeps books, and a cache that nobody has activated."""

    def __init__(self):
        self.mm = structs.mm_struct("mm", {PAGE: "A"}, keeps_books=True)
        self.kvm = structs.kvm("kvm", mm=self.mm, memslots=structs.kvm_memslots(1, (SLOT,)))
        self.gpc = structs.gfn_to_pfn_cache("gpc", kvm=self.kvm)

    def program(self, livepatch=None, **threads) -> Program:
        rules = (properties.mappings_are_dropped_once, properties.no_mapping_leaks(self.gpc, self.mm, ("A", "B")),
                 properties.valid_cache_maps_current_page(self.gpc, self.mm, PAGE))
        return properties.with_lock_rules(Program(
            "test", tuple(Thread(name, function, tuple(args)) for name, (function, *args) in threads.items()), rules, livepatch or {}))


@kernel
def use_and_give_up(gpc):
    yield from pfncache.kvm_gpc_activate(gpc, 0, 8)
    yield from pfncache.kvm_gpc_deactivate(gpc)


@kernel
def refresh(gpc):
    yield from pfncache.kvm_gpc_refresh(gpc, 8)


# --- the whole life of a cache ------------------------------------------------------------------------------------------

def test_a_cache_that_comes_and_goes_while_its_page_moves_keeps_every_rule():
    world = World()
    owner, notifier = (use_and_give_up, world.gpc), (host_mm.move_page, world.kvm, PAGE, "B")
    assert str(explore(world.program(owner=owner, notifier=notifier))) == "holds: 2,872 states, all of them"
    program = world.program(owner=owner, refresher=(refresh, world.gpc), notifier=notifier)
    assert str(explore(program)) == "holds: 8,024 states, all of them"


def test_a_mapping_that_is_dropped_twice_is_reported_with_who_did_it():
    @kernel
    def unmaps_twice(gpc, pfn, khva):
        for _ in range(2 if khva else 0):
            yield from host_pages.kunmap(gpc.kvm.mm, pfn, gpc.name)
    world = World()
    verdict = explore(world.program({pfncache.gpc_unmap: unmaps_twice}, owner=(use_and_give_up, world.gpc)))
    assert verdict.broken == "mappings_are_dropped_once"
    assert verdict.sentence.startswith("owner drops the mapping mm.maps[A] of gpc, which has none (kunmap, host_pages.py:")


def test_a_mapping_that_is_never_dropped_is_reported_with_whose_it_is():
    @kernel
    def forgets_to_unmap(gpc, pfn, khva):
        return
        yield
    world = World()
    verdict = explore(world.program({pfncache.gpc_unmap: forgets_to_unmap}, owner=(use_and_give_up, world.gpc)))
    assert verdict.broken == "no_mapping_leaks"
    assert verdict.sentence == "nobody works on gpc, whose khva is None, and it has 1 mappings of page A"


@pytest.mark.parametrize("entry, error", host_pages.NO_PAGE.items())
def test_a_lookup_that_fails_answers_its_error_and_takes_no_reference(entry, error):
    world = World()

    @kernel
    def looks_up(kvm):
        yield kvm.mm.pte[PAGE].set(entry)
        assert (yield from host_pages.hva_to_pfn(kvm, PAGE)) == error
    trace = run(world.program(owner=(looks_up, world.kvm)))
    assert not any("refs" in cell.name for event in trace for cell in event.step.cells)


# --- memslots -----------------------------------------------------------------------------------------------------------

def test_a_memslot_update_waits_until_no_invalidation_is_open_and_everybody_gets_through():
    world = World()
    update = (memslots.kvm_set_memory_region, world.kvm, SLOT._replace(flags=structs.KVM_MEM_LOG_DIRTY_PAGES))

    program = world.program(updater=update, notifier=(scenarios.invalidate, world.kvm, PAGE, PAGE + structs.PAGE_SIZE))
    assert explore(program).holds

    @kernel
    def forgets(kvm):
        return
        yield
    verdict = explore(world.program({memslots.rcuwait_wake_up: forgets}, updater=update,
                                    notifier=(scenarios.invalidate, world.kvm, PAGE, PAGE + structs.PAGE_SIZE)))
    assert verdict.outcome == "deadlock" and "updater waits for kvm.mn_memslots_update_rcuwait" in verdict.sentence


@pytest.mark.parametrize("change, generation, slots", [
    (structs.kvm_memory_slot(1, 1, 0x9000, id=1), 2, 2), (SLOT._replace(npages=0), 3, 0), (SLOT._replace(base_gfn=5), 3, 1),
    (SLOT._replace(flags=structs.KVM_MEM_LOG_DIRTY_PAGES), 2, 1), (SLOT, 1, 1), (SLOT._replace(flags=structs.KVM_MEM_READONLY), 1, 1),
], ids=["create", "delete", "move", "flags only", "no change", "refused"])
def test_a_change_of_the_memslots_advances_the_generation(change, generation, slots):
    world = World()
    machine = run(world.program(updater=(memslots.kvm_set_memory_region, world.kvm, change)))
    published = [new for event in machine for cell, _, new in event.changed if cell == "kvm.memslots"]
    last = published[-1] if published else world.kvm.memslots.initial
    assert (last.generation, len(last.slots)) == (generation, slots)
    assert all(before.generation & structs.KVM_MEMSLOT_GEN_UPDATE_IN_PROGRESS for before in published[:-1:2])


# --- the lock discipline --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["page_moves_during_use", "page_moves_during_refresh", "page_moves_under_two_users",
                                  "one_of_two_pages_moves", "unrelated_range"])
def test_every_scenario_keeps_the_lock_rules_and_they_add_no_state(name):
    order = properties.LockOrder()
    program = getattr(scenarios, name)()
    assert str(explore(properties.with_lock_rules(program, order))) == str(explore(program))
    before = getattr(scenarios, name)({pfncache.gfn_to_pfn_cache_invalidate_start: v6_1.gfn_to_pfn_cache_invalidate_start})
    assert explore(properties.with_lock_rules(before, order)).holds


def test_a_field_that_is_changed_under_the_read_lock_is_reported_with_both_names():
    mutant = MUTANTS["clears_under_the_read_lock"]
    verdict = explore(properties.with_lock_rules(scenarios.page_moves_during_use(mutant.livepatch)))
    assert verdict.broken == "fields_are_touched_under_their_lock"
    assert verdict.sentence.startswith("notifier changes gpc.valid while it holds gpc.lock only for read "
                                       "(clears_under_the_read_lock, mutants.py:")


def test_a_field_that_is_read_without_its_lock_is_reported_with_both_names():
    mutant = MUTANTS["looks_without_a_lock"]
    verdict = explore(properties.with_lock_rules(scenarios.page_moves_during_use(mutant.livepatch)))
    assert verdict.sentence.startswith("notifier reads gpc.valid without gpc.lock (overlaps, mutants.py:")


def test_every_exception_names_a_function_and_has_a_reason():
    known = {name for module in (pfncache, v6_1, memslots, mmu_notifier) for name in vars(module)}
    for struct in (structs.kvm, structs.gfn_to_pfn_cache, v6_1.gfn_to_pfn_cache):
        for declared in struct.fields().values():
            for function, reason in (declared.unguarded or {}).items():
                assert function in known and len(reason) > 20, (struct, declared.name, function)


class two_locks(Struct):
    outer = mutex()
    inner = spinlock_t()
    third = rwlock_t()
    sum = field(0, under=inner)


@kernel
def inside(locks):
    yield mutex_lock(locks.outer)
    yield spin_lock(locks.inner)
    yield locks.sum.add(1)
    yield spin_unlock(locks.inner)
    yield mutex_unlock(locks.outer)


@kernel
def the_other_way_round(locks):
    yield spin_lock(locks.inner)
    yield mutex_lock(locks.outer)
    yield mutex_unlock(locks.outer)
    yield spin_unlock(locks.inner)


def alone(function, order, *args):
    return run(properties.with_lock_rules(Program("alone", (Thread("a", function, args or (two_locks("locks"),)),)), order))


def test_an_order_that_contradicts_an_earlier_run_is_reported_with_both_places():
    order = properties.LockOrder()
    assert alone(inside, order)[-1].wrong is None
    assert alone(the_other_way_round, properties.LockOrder())[-1].wrong is None
    wrong = alone(the_other_way_round, order)[-1].wrong
    assert "a takes locks.outer while it holds locks.inner (the_other_way_round, test_kernel_functions.py:" in wrong
    assert "earlier, two_locks.inner was taken inside two_locks.outer (inside, test_kernel_functions.py:" in wrong


def test_a_ring_of_three_orders_is_reported_too():
    order = properties.LockOrder()
    alone(inside, order)

    @kernel
    def third_inside_inner(locks):
        yield spin_lock(locks.inner)
        yield read_lock(locks.third)
        yield read_unlock(locks.third)
        yield spin_unlock(locks.inner)

    @kernel
    def outer_inside_third(locks):
        yield write_lock(locks.third)
        yield mutex_lock(locks.outer)
        yield mutex_unlock(locks.outer)
        yield write_unlock(locks.third)
    assert alone(third_inside_inner, order)[-1].wrong is None
    assert "and two_locks.third was taken inside two_locks.inner" in alone(outer_inside_third, order)[-1].wrong


def test_two_locks_of_one_class_may_not_nest():
    @kernel
    def nests(one, other):
        yield spin_lock(one.inner)
        yield spin_lock(other.inner)
        yield spin_unlock(other.inner)
        yield spin_unlock(one.inner)
    wrong = alone(nests, properties.LockOrder(), two_locks("one"), two_locks("other"))[-1].wrong
    assert "takes other.inner while it holds one.inner, which is of the same class" in wrong


def test_on_a_cache_that_no_vcpu_uses_the_hook_of_6_1_is_the_one_before_the_patch():
    hook = pfncache.gfn_to_pfn_cache_invalidate_start
    for name in ("page_moves_during_refresh", "one_of_two_pages_moves"):
        verdicts = {str(explore(getattr(scenarios, name)({hook: before.gfn_to_pfn_cache_invalidate_start})))
                    for before in (v6_1, before_the_patch)}
        assert len(verdicts) == 1 and verdicts.pop().startswith("holds")


# --- two versions side by side ----------------------------------------------------------------------------------------------

HOOKS = v6_1.gfn_to_pfn_cache_invalidate_start, pfncache.gfn_to_pfn_cache_invalidate_start


def test_the_two_hooks_stand_side_by_side_with_their_difference_marked():
    lines = side_by_side(*HOOKS).splitlines()
    assert lines[0].split() == ["v6_1.py:", "gfn_to_pfn_cache_invalidate_start()", "pfncache.py:", "gfn_to_pfn_cache_invalidate_start()"]
    changed = next(line for line in lines if "yield read_lock_irq(gpc.lock)" in line)
    assert changed.split() == ["yield", "write_lock_irq(gpc.lock)", "|", "yield", "read_lock_irq(gpc.lock)"]
    same = next(line for line in lines if "yield spin_lock(kvm.gpc_lock)" in line)
    assert same.split() == ["yield", "spin_lock(kvm.gpc_lock)"] * 2


def test_the_table_is_well_formed_and_marks_only_the_words_that_differ():
    table = ElementTree.fromstring(side_by_side_html(*HOOKS))
    assert "write_lock_irq" in [e.text for e in table.iter("del")] and "read_lock_irq" in [e.text for e in table.iter("ins")]


def test_lines_that_belong_together_are_paired():
    assert [(p.left, p.right, p.mark) for p in pairs(["a", "b", "c"], ["a", "x", "c", "d"])] == [
        ("a", "a", " "), ("b", "x", "|"), ("c", "c", " "), ("", "d", "+")]
