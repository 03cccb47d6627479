CHANGELOG = """\
KVM: pfncache: Check the need for invalidation under read lock first

Look under the read lock of a cache whether an invalidation event overlaps
its page, and take the write lock only if it does. An unrelated event then
excludes nobody. Users hold the lock for read, so they no longer queue behind
such an event. An event that does hit costs one lock call more than before.
"""
