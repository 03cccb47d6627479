from pfncache_edu.lock_words import lock_for_read, lock_for_write, unlock_for_read, unlock_for_write
