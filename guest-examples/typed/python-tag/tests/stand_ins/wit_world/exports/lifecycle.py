class Description:
    pass
