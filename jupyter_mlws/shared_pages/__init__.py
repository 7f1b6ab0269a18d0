"""Pages of runs, reports and notebooks that are shared by a link, or saved as one HTML file."""
