"""A build's report as people read it: Markdown, and an HTML page with plots; and the record of its lineage.

Pure functions of a ``BuildReport``: equal reports give equal bytes. What a report says comes out of a build that read
somebody's model, so no string of it is trusted: each is escaped where it is written.

::

    BuildReport -> contents.document_of -> Document -> html.page_of, markdown.text_of
"""
