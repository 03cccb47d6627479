from pfncache_edu import kernel, read_lock_irq, read_unlock_irq, write_lock_irq, write_unlock_irq


@kernel
def invalidate_album(album, start, end):
    yield read_lock_irq(album.lock)
    for page in album.pages:
        if (yield page.valid) and start <= page.uhva < end:
            yield page.valid.set(False)
    yield read_unlock_irq(album.lock)
