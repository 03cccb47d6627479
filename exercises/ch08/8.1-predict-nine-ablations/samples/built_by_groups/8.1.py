EXPECTED = {name: kind for kind, names in {"wasteful": ("first", "right"), "deadlock": ("drop",), "holds": ("again",),
                                           "violated": ("read", "left", "write", "announce", "count")}.items() for name in names}
