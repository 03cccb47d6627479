"""The two-kernel lab: the patch before and after, on real Linux kernels in a software-emulated machine.

Debian 12 has a kernel from before the patch (6.1) and one from after it (6.12). The lab boots both in QEMU, lets a small
program (lab/lab.c) invalidate caches, and counts what the kernel's own tracer wrote down. Recordings of such boots come
with the package, so every count can be derived again without QEMU:

    from pfncache_edu.lab import recordings, analysis, tables, walk

    boots = recordings.shipped()                 # a tuple of Boot; boot.kernel is "6.1" or "6.12"
    analysis.lock_calls(boots[0])                # [LockCalls(variant, cause, related, …, read, write), …]
    analysis.runs(boots[0])                      # [Run(variant, reader, related, …, write_waits, read_waits), …]
    print(tables.lock_calls(boots))              # one table of both kernels: locks that the hook takes
    print(tables.waits(boots))                   # one table: who waited, by reader, with the spread over runs and boots
    print(tables.conclusions(boots))             # what follows, in sentences with the counts in them
    print(walk.as_text(walk.walk(boots[0])))     # a traced call of the hook, line by line, beside the steps of our function

A `variant` names what was measured: "6.1" and "6.12" are the stock kernels; "6.12 stock", "6.12 before" and "6.12 after"
are one kernel whose hook the module lab/swap_hook replaced at run time. Believe the counts; the times in the traces are an
emulator's. `pfncache lab show` prints the tables, `pfncache lab run` boots the kernels; lab/README.md tells the rest.
"""
