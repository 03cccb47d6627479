from pfncache_edu import kernel, read_lock, read_trylock, read_unlock, write_lock, write_trylock, write_unlock

step = None
fault = None


@kernel
def fill_if_empty(gpc):
    if False:
        yield
