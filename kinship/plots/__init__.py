"""One module a picture: its numbers first, as a frozen info object, then the plotly figure."""
