"""How Alembic runs the migrations: inside the transaction that `migrating.migrate` holds open."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], target_metadata=None)
with context.begin_transaction():
    context.run_migrations()
