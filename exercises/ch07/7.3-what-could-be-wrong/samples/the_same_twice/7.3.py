apply = ['a', 'a', 'c', 'd']
