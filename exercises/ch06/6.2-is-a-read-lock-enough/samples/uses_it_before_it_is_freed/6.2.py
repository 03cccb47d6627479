schedule = 'v4 o7 v1'
reason = 'b'
