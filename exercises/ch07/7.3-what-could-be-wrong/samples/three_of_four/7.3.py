apply = ['a', 'c', 'd']
