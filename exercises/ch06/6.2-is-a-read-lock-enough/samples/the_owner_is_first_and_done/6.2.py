schedule = 'o8 v5'
reason = 'b'
