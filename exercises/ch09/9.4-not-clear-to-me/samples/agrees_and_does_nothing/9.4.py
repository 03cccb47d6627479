REPLY = """Thanks a lot for having a look at this, that is a very good point indeed! I am going to think about it and will come back to you soon."""
