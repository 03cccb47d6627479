REPLY = """As I wrote, there is no active cache then, and so the lock is taken for nothing, by the event. The list is empty, which one sees at once by looking
at it, so there is no need to take the lock for that."""
