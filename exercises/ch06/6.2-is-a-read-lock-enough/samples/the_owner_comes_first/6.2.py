schedule = 'o4 v4 o4 v1'
reason = 'b'
