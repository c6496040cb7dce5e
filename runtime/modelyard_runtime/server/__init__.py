"""``modelyard-server``: process 1 of the Triton image. Starts Triton, proves its answers, and ends it in bounded time.

Standard library and numpy only.
"""
