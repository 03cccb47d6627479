CLAIMS = {"c": True, "b": False, "a": False}
ARGUMENT = ("Is it safe to look only once? Yes. To look again buys precision: if somebody had withdrawn the cache in between, we would not store again. "
            "Nobody can have made it valid with another page, because mn_active_invalidate_count is raised before we come, and a refresh under way retries. "
            "Its price is three loads. Its worth is that a reader need not know all this.")
