"""Plots as SVG: what a plot says is proof, so its scales are ours, small and tested."""
