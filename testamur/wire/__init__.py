"""The public JSON shapes. What the world calls a thing is decided here; inside, the words of the domain are used."""
