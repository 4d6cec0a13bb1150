"""What people and their tools read of a playtest: the page, its maps and videos, and files for other programs."""
