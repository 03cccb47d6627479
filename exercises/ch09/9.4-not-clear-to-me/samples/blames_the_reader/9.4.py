REPLY = """Actually, you misread the sentence: it says that the lock is taken for nothing, and the walk over the caches is skipped. I suggest to read it again, then it
should be clear to everybody who knows what the walk is good for."""
