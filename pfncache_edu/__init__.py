"""Inside pfncache: how KVM keeps a guest page at hand, and how it lets go of it in time.

This package is the code behind the book. The kernel's functions are written once, as Python generators that yield
each access to shared state; everything else runs them, shows them, breaks them or grades a student's version of them.

A tour, to type along:

>>> from pfncache_edu import explore, run, story, scenarios, MUTANTS
>>> situation = scenarios.page_moves_during_use()        # vcpu0 uses a cache, the host moves its page
>>> explore(situation)                                   # every schedule, or the shortest one that breaks it
holds: 627 states, all of them

The patch this book is about takes the read lock first and the write lock only on a hit. What if it cleared `valid`
right there, under the read lock?

>>> wrong = MUTANTS["clears_under_the_read_lock"]
>>> verdict = explore(scenarios.page_moves_during_use(wrong.livepatch))
>>> verdict.outcome, verdict.schedule
('violated', 'v2 n14 v2')
>>> verdict.sentence
"vcpu0 writes to page A, which was freed: the guest's page is B"

`v2 n14 v2` reads: vcpu0 runs 2 steps, the notifier 14, vcpu0 2 more. `print(story(verdict))` tells it step by step,
`print(diagram(verdict))` draws it with a column per CPU, and `run(verdict.program, "v2 n14")` runs any schedule you like.

Look at the code under study and compare it with the C: `pfncache_edu.kvm.pfncache` is virt/kvm/pfncache.c of Linux
6.12, function for function. Write your own variant of one of its functions and let it be judged:

>>> from pfncache_edu import kernel, write_lock_irq, write_unlock_irq
>>> from pfncache_edu.kvm.pfncache import gfn_to_pfn_cache_invalidate_start
>>> @kernel
... def withdraws_everything(kvm, start, end):
...     for gpc in (yield kvm.gpc_list):
...         yield write_lock_irq(gpc.lock)
...         yield gpc.valid.set(False)
...         yield write_unlock_irq(gpc.lock)
>>> explore(scenarios.page_moves_during_use({gfn_to_pfn_cache_invalidate_start: withdraws_everything}))
holds: 570 states, all of them

Safe, then. Is it any good? A range that has nothing to do with the cache should not take its lock for write:

>>> from pfncache_edu import properties
>>> def polite(world):
...     return (properties.takes_no_write_lock("notifier", world.caches[0]),)
>>> situation = scenarios.unrelated_range({gfn_to_pfn_cache_invalidate_start: withdraws_everything}, properties=polite)
>>> explore(situation).broken
'unrelated_invalidation_takes_no_write_lock'

The rooms of the house: steps and locks (the vocabulary), kvm (the code under study), interpreters (ways to run it),
scenarios, properties and mutants (where they meet), render (words and pictures), widgets, grading.
"""
from importlib import import_module

__version__ = "0.1.0"

# Each name is imported when it is first asked for: a search needs a third of what it would take to import them all.
_WHERE = {
    "": "mutants properties scenarios",
    "interpreters.evidence": "evidence random_runs",
    "interpreters.explorer": "explore",
    "interpreters.sequential": "run",
    "interpreters.stepper": "Stepper",
    "locks": "mutex_lock mutex_unlock read_lock read_lock_irq read_trylock read_unlock read_unlock_irq spin_lock spin_unlock "
             "write_lock write_lock_irq write_trylock write_unlock write_unlock_irq",
    "mutants": "MUTANTS",
    "program": "Invariant Program Thread Watch",
    "render.diagram": "diagram=two_cpu_text picture=two_cpu_svg",
    "render.words": "story",
    "steps": "Mistake Steps Violation kernel smp_rmb smp_wmb",
    "verdict": "Verdict",
}
_HOME = {name: (module, meant or name) for module, names in _WHERE.items() for name, _, meant in (n.partition("=") for n in names.split())}
__all__ = ["check", *sorted(_HOME)]


def __getattr__(name: str):
    """A name of the tour, from the module that has it."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, meant = _HOME[name]
    globals()[name] = getattr(import_module(f".{module}", __name__), meant) if module else import_module(f".{name}", __name__)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def check(exercise: str, answer=None, **options):
    """Grade your answer to an exercise: `check("8.2")` takes the function you defined in your notebook.

    See `pfncache_edu.grading.check` for what it returns and for `hint=1`.
    """
    from .grading import check as grade

    return grade(exercise, answer, **options)
