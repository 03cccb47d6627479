/* one_cache.py by hand, in Promela: every statement or d_step here is one `yield` there.
 *
 * benchmarks/explorer.py appends a process for each thread of an instance, as in
 *     active proctype t0() { byte used, old, page; reader(); reader(); end: false }
 * A thread that is done stays, since Spin lets processes end only in the reverse order of their start. What a Python
 * function forgets when it returns is set to 0. No d_step stands right before a `fi`,
 * and no inline starts with a loop (hence the #define): Spin would count a place there twice.
 */
byte refresh_lock, gpc_lock, mn_lock;
short lock, mmu_lock;                           /* -1 a writer, n > 0: n readers */
bool valid;
byte pfn, khva, host = 1, count, seq;

inline acquire(m)       { d_step { m == 0 -> m = 1 } }      /* a mutex or a spinlock */
inline release(m)       { m = 0 }
inline read_lock(l)     { d_step { l >= 0 -> l++ } }
inline read_unlock(l)   { l-- }
inline write_lock(l)    { d_step { l == 0 -> l = -1 } }
inline write_unlock(l)  { l = 0 }

inline refresher() {
  acquire(refresh_lock);
  write_lock(lock);
  do
  :: valid -> break
  :: else ->
     do
     :: old = seq;
        write_unlock(lock);
        page = host;
        write_lock(lock);
        if
        :: count == 0 ->
           if
           :: seq == old -> break
           :: else
           fi
        :: else
        fi
     od;
     valid = true;
     pfn = page;
     d_step { khva = page; old = 0; page = 0 };
     break
  od;
  write_unlock(lock);
  release(refresh_lock)
}

#define reader() \
  do \
  :: read_lock(lock); \
     if \
     :: valid -> break \
     :: else \
     fi; \
     read_unlock(lock); \
     refresher() \
  od; \
  used = khva; \
  d_step { assert(used == host); used = 0 }; \
  read_unlock(lock)

inline invalidator() {
  acquire(mn_lock);
  count++;
  release(mn_lock);

  acquire(gpc_lock);
  read_lock(lock);
  if
  :: valid ->
     read_unlock(lock);
     write_lock(lock);
     if
     :: valid -> valid = false
     :: else
     fi;
     write_unlock(lock)
  :: else ->
     read_unlock(lock)
  fi;
  release(gpc_lock);

  host++;

  write_lock(mmu_lock);
  seq++;
  write_unlock(mmu_lock);

  acquire(mn_lock);
  count--;
  release(mn_lock)
}
