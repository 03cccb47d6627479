schedule = 'v3 o4 v1 o1 o1 o1 o1 v'
reason = 'b'
