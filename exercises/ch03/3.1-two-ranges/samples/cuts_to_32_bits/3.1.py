def overlaps(start, end, first, length):
    start, end, first = start & 0xffffffff, end & 0xffffffff, first & 0xffffffff
    return max(start, first) < min(end, first + length)
