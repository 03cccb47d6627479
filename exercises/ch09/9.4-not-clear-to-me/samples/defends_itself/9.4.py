REPLY = """> Not clear to me.
It is obvious that nothing is to be done when the list is empty, so of course the lock is not needed there. I will reword it to "skip the walk over the
caches if the list is empty" instead, if you insist on it."""
