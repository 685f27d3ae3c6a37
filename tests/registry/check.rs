//! Every edit of a row by who can write to the database, and cannot sign: `check` tells each, of the right document, and nothing else.

use std::sync::Arc;

use antin::{
    core::{algorithm::DigestAlgorithm, cms::document_reference::DocumentReference, crypto, x509::Certificate},
    registry::{
        DocumentState, Format, Intent, Issued, Level, Packaging, Registry, StatusChange,
        exchange::{Checked, check},
    },
    signing::{
        CadesRequest, CadesSigner, IssuingKey,
        key::{RsaPadding, SoftwareKey},
        pades::{PadesOrder, Prepared},
    },
};

use super::{Place, change, document_id, intent, issued, on_both};
use crate::kit::{
    CONTENT, postgres as server,
    tree::{NOW, tree},
};

on_both!(each_edit_of_a_row_is_told, edits_of_the_tables_are_told, what_a_clock_may_do_is_no_fault);

const PAPER: &[u8] = include_bytes!("../../testvectors/documents/judicial-certificate.pdf");

fn signer() -> (CadesSigner, Arc<Certificate>) {
    let signer = &tree().signer;
    let pem = signer.key.private_key_to_pem_pkcs8().expect("PEM");
    let key = SoftwareKey::from_pem(&pem, RsaPadding::Pss, &signer.certificate).expect("its key");
    (CadesSigner::new("health", key, Arc::clone(&signer.certificate), &[]), Arc::clone(&signer.certificate))
}

/// As the service does it, at [`NOW`].
async fn sign(registry: &dyn Registry, number: u128, format: Format) {
    let (key, certificate) = signer();
    let is_pdf = format == Format::Pades;
    let content = if is_pdf { PAPER } else { CONTENT };
    let asked = Intent {
        document_digest: crypto::sha256(content),
        level_requested: Level::Basic,
        format,
        packaging: if is_pdf { Packaging::Enveloping } else { Packaging::Detached },
        begun_at: NOW,
        ..intent(number, &format!("key-{number}"))
    };
    registry.begin(asked).await.expect("begun");
    let reference = DocumentReference::new("health-book", &document_id(number).to_string(), None).expect("short");
    let request = |digest| CadesRequest {
        digest: (DigestAlgorithm::Sha256, digest),
        content: None,
        signing_time: NOW,
        document: Some(&reference),
    };
    let signature = if is_pdf {
        let prepared = Prepared::signature(PAPER, &PadesOrder::default(), NOW, 8000).expect("a PDF");
        let digest = prepared.digest(PAPER, DigestAlgorithm::Sha256);
        let message = key.sign_in_pdf(&request(&digest)).expect("signed");
        prepared.fill(&message).expect("room")
    } else {
        key.sign_cades(&request(&crypto::sha256(CONTENT))).expect("signed")
    };
    let signer_certificate_sha256 = *certificate.fingerprint();
    let result = Issued { signature, signed_at: NOW, signer_certificate_sha256, ..issued(number) };
    registry.complete(document_id(number), result).await.expect("complete");
}

async fn checked(place: &Place) -> (Checked, Vec<String>) {
    let mut told = Vec::new();
    let tell = |id: Option<_>, fault: &antin::registry::exchange::Fault| {
        assert!(!fault.remedy().is_empty());
        let id = id.map_or("store".to_owned(), |id: antin::registry::DocumentId| id.to_string());
        told.push(format!("{} {fault}", id.trim_start_matches('0')));
    };
    let checked = check(&mut *place.reader().await, tell).await.expect("read");
    assert_eq!(checked.faults, told.len() as u64);
    (checked, told)
}

/// By who writes to the tables: `@` stands before a table, `<id>` and `<zeros>` for octets.
fn edit(place: &Place, sql: &str) {
    let (before, begin, end) = match place {
        Place::Sqlite { .. } => ("", "X'", "'"),
        Place::Postgres { .. } => ("antin.", "'\\x", "'::BYTEA"),
    };
    let sql = sql.replace('@', before).replace('<', begin).replace('>', end);
    match place {
        Place::Sqlite { path, .. } => {
            let file = rusqlite::Connection::open(path).expect("a file");
            file.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON").expect("off");
            file.execute_batch(&sql).expect(&sql);
        }
        Place::Postgres { url } => {
            server::shared().psql(url.rsplit('/').next().expect("a name"), &sql);
        }
    }
}

async fn each_edit_of_a_row_is_told(place: Place) {
    let zeros = "00".repeat(32);
    let far = i64::MAX;
    // What is set in `document` of this one (or what is done), and what is told of it.
    let of_document = |set: &str| format!("UPDATE @document SET {set} WHERE id = <#>");
    let of_signature = |set: &str| format!("UPDATE @signature SET {set} WHERE document_id = <#>");
    let history = |state: &str, rows: &str| {
        let columns = "(document_id, position, state, superseded_by, client, changed_at, reason)";
        format!(
            "UPDATE @document SET state = '{state}' WHERE id = <#>; INSERT INTO @status_change {columns} VALUES {rows}"
        )
    };
    let now = NOW.unix();
    let cases: Vec<(Format, String, &str)> = vec![
        (Format::Cades, of_document("kind = 'referral'"), "signature 1 is of document"),
        (Format::Cades, of_document("signed_at = signed_at + 5"), "signature 1 was made at"),
        (Format::Cades, of_document("signed_at = 0, begun_at = 0"), "signature 1 was made at"),
        (
            Format::Cades,
            of_document(&format!("signer_certificate_sha256 = <{zeros}>")),
            "no signer of signature 1 has the certificate",
        ),
        (Format::Cades, of_document(&format!("document_digest = <{zeros}>")), "signature 1 is of another content"),
        (Format::Cades, of_document("format = 'pades'"), "signature 1 is no update of a PDF"),
        (Format::Cades, of_signature("level = 'B-T'"), "signature 1 is recorded as B-T, and is B-B"),
        (Format::Cades, of_signature("level = 'B-LTA'"), "signature 1 is recorded as B-LTA, and is B-B"),
        (
            Format::Cades,
            of_signature(
                "cms = (SELECT o.cms FROM @signature o WHERE o.document_id = <000000000000000000000000000003e8>)",
            ),
            "signature 1 is of document",
        ),
        (Format::Cades, of_signature("cms = <broken>"), "the value of a signature in signature 1"),
        (Format::Cades, of_signature("level = 'B-XX'"), "its record cannot be read"),
        (Format::Cades, of_document("begun_at = signed_at + 1"), "it was signed before it was begun"),
        (Format::Cades, of_document("level_requested = 'B-LT'"), "B-LT was ordered, B-B is reached"),
        (Format::Cades, history("withdrawn", &format!("(<#>, 7, 'withdrawn', NULL, 'x', {now}, 'r')")), "not numbered"),
        (
            Format::Cades,
            history(
                "withdrawn",
                &format!(
                    "(<#>, 1, 'suspended', NULL, 'x', {now} + 5000, 'r'), (<#>, 2, 'withdrawn', NULL, 'x', {now} + 50, 'r')"
                ),
            ),
            "change 2 of its standing is earlier",
        ),
        (
            Format::Cades,
            history("withdrawn", &format!("(<#>, 1, 'withdrawn', NULL, 'x', {now} - 5000, 'r')")),
            "change 1 of its standing is earlier",
        ),
        (
            Format::Cades,
            history("superseded", &format!("(<#>, 1, 'superseded', <#>, 'x', {now}, 'r')")),
            "its successor is itself",
        ),
        (
            Format::Cades,
            format!("INSERT INTO @raising (document_id, since, due_at, attempts) VALUES (<#>, 1, {far}, 0)"),
            "dueAt is a time that no calendar has",
        ),
        (
            Format::Cades,
            "INSERT INTO @raising (document_id, since, due_at, attempts) VALUES (<#>, 1, 1, -5)".to_owned(),
            "its record cannot be read",
        ),
        (Format::Pades, of_document("kind = 'referral'"), "signature 1 is of document"),
        (Format::Pades, of_document("signed_at = signed_at + 5"), "signature 1 was made at"),
        (
            Format::Pades,
            of_document(&format!("signer_certificate_sha256 = <{zeros}>")),
            "no signer of signature 1 has the certificate",
        ),
        (Format::Pades, of_document("format = 'cades'"), "signature 1 is no CMS SignedData"),
        (Format::Pades, of_signature("level = 'B-T'"), "signature 1 is recorded as B-T, and is B-B"),
        (Format::Pades, of_signature("cms = <broken>"), "the value of a signature in signature 1"),
    ];
    let registry = place.open().await;
    let mut broken = Vec::new();
    for (number, (format, ..)) in (1..).zip(&cases) {
        sign(&*registry, number, *format).await;
        let signature = registry.document(document_id(number)).await.expect("read").expect("issued").issued.signature;
        broken.push(hex::encode(with_another_value(signature, *format)));
    }
    sign(&*registry, 1000, Format::Cades).await;
    registry
        .set_status(document_id(1000), StatusChange { at: NOW, ..change(DocumentState::Used, 0) })
        .await
        .expect("used");
    let healthy = checked(&place).await;
    assert_eq!((healthy.0.issued, healthy.1), (cases.len() as u64 + 1, Vec::<String>::new()));
    for ((number, (_, sql, _)), broken) in (1_u128..).zip(&cases).zip(&broken) {
        edit(&place, &sql.replace('#', &document_id(number).to_string()).replace("broken", broken));
    }
    let (_, told) = checked(&place).await;
    for (number, (_, sql, words)) in (1_u128..).zip(&cases) {
        let id = format!("{number:x} ");
        // An edit that breaks the database's own rules is told by it too.
        let of_it: Vec<_> = told.iter().filter(|line| line.starts_with(&id)).collect();
        assert!(of_it.len() == 1 && of_it[0].contains(words), "{sql}: {of_it:?} in {told:#?}");
    }
    assert_eq!(told.iter().filter(|line| !line.starts_with("store")).count(), cases.len(), "{told:#?}");
}

/// The last octet of the signature's value is another.
fn with_another_value(mut signature: Vec<u8>, format: Format) -> Vec<u8> {
    match format {
        Format::Cades | Format::Raw => *signature.last_mut().expect("octets") ^= 1,
        Format::Pades => {
            let begin = memchr::memmem::find(&signature, b"/Contents <").expect("contents") + 11;
            let end = begin + memchr::memchr(b'>', &signature[begin..]).expect("its end");
            // Behind the message stand zeros.
            let last = signature[begin..end].iter().rposition(|digit| *digit != b'0').expect("digits") + begin;
            signature[last] = if signature[last] == b'1' { b'2' } else { b'1' };
        }
    }
    signature
}

async fn edits_of_the_tables_are_told(place: Place) {
    let registry = place.open().await;
    sign(&*registry, 1, Format::Cades).await;
    assert_eq!(checked(&place).await.1, Vec::<String>::new());
    if matches!(place, Place::Postgres { .. }) {
        edit(&place, "ALTER TABLE @signature DROP CONSTRAINT signature_document_id_fkey");
        edit(&place, "CREATE FUNCTION nothing() RETURNS TRIGGER LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'");
        edit(&place, "CREATE TRIGGER deleting BEFORE INSERT ON @document FOR EACH ROW EXECUTE FUNCTION nothing()");
    } else {
        edit(&place, "CREATE TRIGGER deleting AFTER INSERT ON document BEGIN DELETE FROM document; END");
        edit(&place, "UPDATE document SET state = 'other', run = 77");
    }
    edit(
        &place,
        "INSERT INTO @signature (document_id, version, level, cms) VALUES (<000000000000000000000000000000aa>, 1, 'B-B', <00>)",
    );
    edit(&place, "DROP INDEX @document_by_digest");
    edit(&place, "CREATE INDEX of_somebody ON @document (client)");
    let (_, told) = checked(&place).await;
    let mut expected = vec![
        "trigger \"deleting\" is not ours",
        "table signature has rows of 000000000000000000000000000000aa, which is no document here",
        "index document_by_digest is missing",
        "index \"of_somebody\" is not ours",
    ];
    match place {
        Place::Sqlite { .. } => {
            expected.extend([
                "the database finds in its own file: 1 documents are of a start that is not there",
                "its record cannot be read",
            ]);
        }
        Place::Postgres { .. } => expected.push("1 of 6 references between tables are missing"),
    }
    for words in &expected {
        assert!(told.iter().any(|line| line.contains(words)), "{words}: {told:#?}");
    }
    assert_eq!(told.len(), expected.len(), "{told:#?}");
}

#[tokio::test]
async fn what_sqlite_finds_in_its_file_is_told() {
    let place = Place::sqlite();
    let registry = place.open().await;
    sign(&*registry, 1, Format::Cades).await;
    drop(registry);
    // Two indices in each other's place.
    let of_both = "name IN ('document_begun', 'document_by_digest')";
    edit(
        &place,
        &format!(
            "PRAGMA writable_schema = ON; UPDATE sqlite_schema \
             SET rootpage = (SELECT SUM(rootpage) FROM sqlite_schema WHERE {of_both}) - rootpage WHERE {of_both}"
        ),
    );
    let (_, told) = checked(&place).await;
    let found = |words: &str| told.iter().any(|line| line.contains("the database finds") && line.contains(words));
    assert!(found("row 1 missing from index document_by_digest"), "{told:#?}");
}

/// Nodes whose clocks differ a little.
async fn what_a_clock_may_do_is_no_fault(place: Place) {
    let registry = place.open().await;
    for number in 1..=3 {
        sign(&*registry, number, Format::Cades).await;
    }
    let at = |state, seconds| StatusChange { at: NOW.plus_seconds(seconds), ..change(state, 0) };
    registry.set_status(document_id(1), at(DocumentState::Suspended, -200)).await.expect("changed");
    registry.set_status(document_id(1), at(DocumentState::InForce, -400)).await.expect("changed");
    let replaced = StatusChange { superseded_by: Some(document_id(3)), ..at(DocumentState::Superseded, 0) };
    registry.set_status(document_id(2), replaced).await.expect("changed");
    assert_eq!(checked(&place).await.1, Vec::<String>::new());
}
