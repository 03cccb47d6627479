from pfncache_edu import kernel, read_lock, read_trylock, read_unlock, write_lock, write_trylock, write_unlock

step = 3
fault = 'b'


@kernel
def fill_if_empty(gpc):
    while True:
        yield read_lock(gpc.lock)
        valid = yield gpc.valid
        yield read_unlock(gpc.lock)
        if valid:
            return
        if (yield write_trylock(gpc.lock)):
            if not (yield gpc.valid):
                yield gpc.valid.set(True)
            yield write_unlock(gpc.lock)
            return
