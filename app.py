"""The dashboard's router: what surrounds every page, then the page that the address asks for."""

from kinship.ui.shell.frame import frame

frame().run()
