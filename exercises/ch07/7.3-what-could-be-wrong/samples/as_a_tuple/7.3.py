apply = ('a', 'c', 'd', 'f')
