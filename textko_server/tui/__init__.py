"""The screens: a Textual program that is a client of the admin API and of nothing else."""
