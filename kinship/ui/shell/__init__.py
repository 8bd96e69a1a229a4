"""What all pages share: the frame, the family in use, work in progress, figures, words."""
