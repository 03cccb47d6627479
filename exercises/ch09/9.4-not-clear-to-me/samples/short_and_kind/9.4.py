REPLY = """> Not clear to me. Nothing for whom?
Right, I left that to the reader. In v2 it will say: "Leave without gpc_lock if the list of caches is empty: an event has no cache to
withdraw then, and the list can be seen to be empty without the lock." """
