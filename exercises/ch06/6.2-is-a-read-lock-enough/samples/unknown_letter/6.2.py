schedule = 'x3 o5'
reason = 'b'
