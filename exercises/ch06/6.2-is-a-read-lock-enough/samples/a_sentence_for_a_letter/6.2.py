schedule = 'v4 o8 v1'
reason = 'because nobody waits'
