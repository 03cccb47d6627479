apply = ['f', 'd', 'c', 'a']
