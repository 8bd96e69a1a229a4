"""The dashboard's router: what surrounds every page, then the page that the address asks for."""

from kinship.ui.frame import frame

frame().run()
