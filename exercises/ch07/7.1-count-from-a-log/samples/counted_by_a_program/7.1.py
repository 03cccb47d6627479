caches, events = 3, 8
hits = 3
counts = dict(write_61=caches * events, nothing_61=caches * events - hits, read_612=caches * events, write_612=hits)
