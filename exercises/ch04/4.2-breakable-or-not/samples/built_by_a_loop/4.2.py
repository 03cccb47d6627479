breakable = {letter: "not breakable" if letter in "AC" else "breakable" for letter in "ABCD"}
