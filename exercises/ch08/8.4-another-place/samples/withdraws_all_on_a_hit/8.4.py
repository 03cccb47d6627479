from pfncache_edu import kernel, read_lock_irq, read_unlock_irq, write_lock_irq, write_unlock_irq


@kernel
def invalidate_album(album, start, end):
    yield read_lock_irq(album.lock)
    hit = False
    for page in album.pages:
        hit = hit or (start <= page.uhva < end and (yield page.valid))
    yield read_unlock_irq(album.lock)
    if hit:
        yield write_lock_irq(album.lock)
        for page in album.pages:
            yield page.valid.set(False)
        yield write_unlock_irq(album.lock)
