schedule = 'v2 o4 v1'
reason = 'b'
