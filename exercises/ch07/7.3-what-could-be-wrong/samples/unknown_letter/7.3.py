apply = ['a', 'c', 'd', 'x']
