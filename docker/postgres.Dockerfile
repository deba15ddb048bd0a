# PostgreSQL with pgaudit, which writes who read what.
FROM postgres:18.1-bookworm
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends postgresql-18-pgaudit \
    && rm -rf /var/lib/apt/lists/*
