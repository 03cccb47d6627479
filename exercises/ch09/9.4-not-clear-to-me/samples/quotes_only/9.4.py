REPLY = """> Skip the walk over the caches if there is no active one, as the lock
> would be taken for nothing.
>
> Not clear to me. Nothing for whom? And is it not taken to find out?"""
