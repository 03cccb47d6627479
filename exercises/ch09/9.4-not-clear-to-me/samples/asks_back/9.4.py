REPLY = """You are right, the sentence has neither of the two. Would this be clearer? "If a VM has no active cache, skip the walk and its lock, gpc_lock: the
event has nothing to withdraw. Whether there is one is read without the lock." If the last half needs a reason of its own, I can add it."""
