apply = ['a', 'b', 'c', 'd', 'f']
