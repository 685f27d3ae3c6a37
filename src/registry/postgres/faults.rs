//! What is wrong with a registry in a database beside its records. The pages of its files are the server's affair.

use deadpool_postgres::Client;

use super::{fault::Fault, migrate::MIGRATIONS, octets};
use crate::registry::{
    DocumentId,
    exchange::{self, MOST_STORE_FAULTS, OF_DOCUMENTS},
};

type Found = Vec<(Option<DocumentId>, exchange::Fault)>;

pub(super) async fn store_faults(client: &Client) -> Result<Found, Fault> {
    let differences = schema(client).await?;
    let has_tables = !differences.iter().any(|(is_table, _)| *is_table);
    let mut found: Found = differences
        .into_iter()
        .map(|(_, what)| (None, exchange::Fault::Schema(what)))
        .take(MOST_STORE_FAULTS)
        .collect();
    if !has_tables {
        return Ok(found);
    }
    for table in OF_DOCUMENTS.into_iter().chain(["log_entry"]) {
        let lost = format!(
            "SELECT DISTINCT t.document_id FROM antin.{table} t WHERE NOT EXISTS \
             (SELECT 1 FROM antin.document d WHERE d.id = t.document_id) LIMIT {MOST_STORE_FAULTS}"
        );
        for row in client.query(&lost, &[]).await? {
            let id = hex::encode(row.try_get::<_, &[u8]>(0).map_err(Fault::Damaged)?);
            found.push((None, exchange::Fault::Orphan { table, id }));
        }
    }
    let gaps = format!(
        "SELECT document_id FROM antin.status_change GROUP BY document_id \
         HAVING MIN(position) <> 1 OR MAX(position) <> COUNT(*) LIMIT {MOST_STORE_FAULTS}"
    );
    for row in client.query(&gaps, &[]).await? {
        found.push((Some(DocumentId::from_bytes(octets(&row, 0)?)), exchange::Fault::Positions));
    }
    Ok(found)
}

/// What a migration says, without its comments.
fn statements() -> String {
    let lines = MIGRATIONS.iter().flat_map(|migration| migration.lines());
    lines.map(|line| line.split("--").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The names that follow these words.
fn names(statements: &str, words: &str) -> Vec<String> {
    let name = |rest: &str| rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    statements.split(words).skip(1).map(name).collect()
}

/// Tables, indices and constraints that the migrations make and that are not there, indices and triggers that they do not make; and
/// whether it is a table.
async fn schema(client: &Client) -> Result<Vec<(bool, String)>, Fault> {
    let statements = statements();
    let listed = async |query: &str| {
        let rows = client.query(query, &[]).await?;
        rows.iter().map(|row| row.try_get::<_, String>(0).map_err(Fault::Damaged)).collect::<Result<Vec<_>, Fault>>()
    };
    let mut found = Vec::new();
    let tables = "SELECT table_name::TEXT FROM information_schema.tables WHERE table_schema = 'antin'";
    let tables = listed(tables).await?;
    let wanted = names(&statements, "CREATE TABLE IF NOT EXISTS antin.");
    found.extend(
        wanted.iter().filter(|name| !tables.contains(name)).map(|name| (true, format!("table {name} is missing"))),
    );
    let constraints = "SELECT c.conname::TEXT FROM pg_catalog.pg_constraint c \
                       JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace WHERE n.nspname = 'antin'";
    let of_constraints = listed(&format!("{constraints} AND c.contype IN ('p', 'u')")).await?;
    let indices = listed("SELECT indexname::TEXT FROM pg_catalog.pg_indexes WHERE schemaname = 'antin'").await?;
    let wanted = names(&statements, " INDEX IF NOT EXISTS ");
    let missing = wanted.iter().filter(|name| !indices.contains(name));
    found.extend(missing.map(|name| (false, format!("index {name} is missing"))));
    let foreign = indices.iter().filter(|name| !wanted.contains(name) && !of_constraints.contains(name));
    found.extend(foreign.map(|name| (false, format!("index {name:?} is not ours"))));
    for (kind, words, name) in [
        ("f", "REFERENCES ", "references between tables"),
        ("c", "CHECK (", "rules of columns"),
        ("u", "UNIQUE (", "rules that something is there once"),
        ("p", "PRIMARY KEY", "primary keys"),
    ] {
        let made = statements.matches(words).count();
        // The table of migrations has its own.
        let of_ours =
            format!("{constraints} AND c.contype = '{kind}' AND c.convalidated AND c.conname <> 'migration_pkey'");
        let there = listed(&of_ours).await?.len();
        if there < made {
            found.push((false, format!("{} of {made} {name} are missing", made - there)));
        }
    }
    let triggers =
        "SELECT DISTINCT trigger_name::TEXT FROM information_schema.triggers WHERE event_object_schema = 'antin'";
    found.extend(listed(triggers).await?.iter().map(|name| (false, format!("trigger {name:?} is not ours"))));
    let rules = "SELECT rulename::TEXT FROM pg_catalog.pg_rules WHERE schemaname = 'antin'";
    found.extend(listed(rules).await?.iter().map(|name| (false, format!("rule {name:?} is not ours"))));
    Ok(found)
}
