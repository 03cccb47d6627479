CLAIMS = dict(a=False, b=False, c=True)
ARGUMENT = """1. The second check happens with the write lock held. 2. Everything that could make the cache valid again takes the same
lock and then asks for the count, which is up. 3. So the second check never finds a page that the first one did not. It stays because the
next person who changes the retry test will not think of this function, and because it is cheap."""
