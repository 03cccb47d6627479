SEED = 1
schedule = 'v3 o10 v1'
reason = 'b'
