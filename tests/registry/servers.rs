//! Deaths and silence of the PostgreSQL server.
