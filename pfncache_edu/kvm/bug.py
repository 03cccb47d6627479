"""Conditions that must never be: include/asm-generic/bug.h, and KVM_BUG_ON() of include/linux/kvm_host.h."""
from __future__ import annotations

from ..steps import Step, Steps, Verb, kernel

WARN = Verb("WARN", "warns that {argument}", lambda _: (None,))


@kernel
def WARN_ON_ONCE(condition: bool, words: str) -> Steps[bool]:
    """Complain if the condition is true, and answer it. Here it complains each time, there once after boot."""
    if condition:
        yield Step(WARN, (), words)
    return condition


@kernel
def KVM_BUG_ON(condition: bool, words: str) -> Steps[bool]:
    """As WARN_ON_ONCE(); the real one also stops the virtual machine, which nobody here would notice."""
    return (yield from WARN_ON_ONCE(condition, words))
