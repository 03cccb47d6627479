REPLY = "How about a new wording for the walk over the caches. " + "There is a lot to be said about locks and about lists and about caches. " * 14
