def overlaps(start, end, first, length):
    return any(start <= address < end for address in range(first, first + length))
