"""What a pass knows and what it may do: frozen values between the shell and the planner.

The shell observes (``desired``, ``observed``), ``planner`` decides (``plan``), the shell carries the actions out in
order and writes one status; ``build`` is the same for a ModelBuild. They are made from the API server's JSON by
``views``. Time is data.
"""
