from pfncache_edu import kernel, read_lock_irq, read_unlock_irq, write_lock_irq, write_unlock_irq


@kernel
def invalidate_album(album, start, end):
    hits = tuple(page for page in album.pages if start <= page.uhva < end)
    if hits:
        yield write_lock_irq(album.lock)
        yield write_unlock_irq(album.lock)
        yield read_lock_irq(album.lock)
        for page in hits:
            yield page.valid.set(False)
        yield read_unlock_irq(album.lock)
