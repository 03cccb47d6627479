schedule = 'v7 o8'
reason = 'b'
