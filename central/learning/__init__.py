"""What decisions teach: how right each camera is, which are in shadow, what may only be warned of, labelled scenes."""
