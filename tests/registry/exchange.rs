//! A registry written out and read in again, from either store into either.

use std::{io::BufReader, time::Duration};

use antin::{
    config::PostgresSettings,
    core::lookup::{LookupDigest, LookupKeyId},
    registry::{
        Again, Append, Begun, DocumentState, Format, Intent, Issued, Level, LogHead, LookupEntry, Packaging, Raised,
        StatusChange, StatusPlace,
        exchange::{Counts, ExchangeError, LineFault, Reader, Writer, export, import},
        postgres::{Occupied, PostgresReader, PostgresWriter},
        sqlite::{SqliteReader, SqliteWriter},
    },
};

use super::{Place, STARTED, change, document_id, intent, issue, issued, on_both};

on_both!(
    what_is_written_out_is_read_in_and_is_the_same,
    a_changed_file_is_refused_with_its_line_and_nothing_is_imported,
    a_registry_that_is_not_empty_takes_nothing,
    many_records_are_read_page_by_page,
);

impl Place {
    pub(super) async fn reader(&self) -> Box<dyn Reader> {
        match self {
            Self::Sqlite { path, .. } => Box::new(SqliteReader::open(path).expect("a registry")),
            Self::Postgres { url } => {
                Box::new(PostgresReader::open(&PostgresSettings::new(url)).await.expect("a registry"))
            }
        }
    }

    async fn writer(&self) -> Option<Box<dyn Writer>> {
        match self {
            Self::Sqlite { path, .. } => {
                SqliteWriter::open(path, STARTED).expect("a registry").map(|writer| Box::new(writer) as Box<dyn Writer>)
            }
            Self::Postgres { url } => {
                match PostgresWriter::open(&PostgresSettings::new(url)).await.expect("a registry") {
                    Ok(writer) => Some(Box::new(writer)),
                    Err(Occupied::Documents | Occupied::Service) => None,
                }
            }
        }
    }

    async fn lines(&self) -> (String, Counts) {
        let mut out = Vec::new();
        let counts = export(&mut *self.reader().await, &mut out).await.expect("written");
        (String::from_utf8(out).expect("text"), counts)
    }

    async fn take(&self, lines: &str) -> Result<Counts, ExchangeError> {
        let writer = self.writer().await.expect("an empty registry");
        import(&mut BufReader::new(lines.as_bytes()), writer).await
    }
}

/// Everything that can be recorded; gives the place to a reader.
async fn fill(place: &Place) {
    let registry = place.open().await;
    for number in 1..=6 {
        issue(&*registry, number).await;
    }
    let raised =
        |from_version, level, proves_until| Raised { from_version, level, signature: vec![7; 9], proves_until };
    registry.raise(document_id(2), raised(1, Level::Timestamped, None)).await.expect("raised");
    let pdf = Intent { format: Format::Pades, packaging: Packaging::Enveloping, ..intent(7, "pdf") };
    registry.begin(pdf).await.expect("begun");
    let lookup = [9, 4, 7].map(|octet| LookupEntry { digest: LookupDigest([octet; 32]), key: LookupKeyId([octet; 8]) });
    let large =
        Issued { signature: vec![0x25; 300_000], level_reached: Level::LongTerm, lookup: lookup.to_vec(), ..issued(7) };
    registry.complete(document_id(7), large).await.expect("complete");
    let status_place = Some(StatusPlace { list: 3, index: 9 });
    let archival = Intent { level_requested: Level::Archival, status_place, ..intent(8, "archival") };
    registry.begin(archival).await.expect("begun");
    registry.complete(document_id(8), issued(8)).await.expect("complete");
    let until = Some(STARTED.plus_seconds(9_000));
    registry.raise(document_id(8), raised(1, Level::Archival, until)).await.expect("raised");
    registry.put_off(document_id(3), Again::At(STARTED.plus_seconds(77))).await.expect("noted");
    registry.put_off(document_id(4), Again::Never).await.expect("noted");
    // Its successor comes after it.
    let replaced = StatusChange { superseded_by: Some(document_id(6)), ..change(DocumentState::Superseded, 5) };
    registry.set_status(document_id(5), replaced).await.expect("changed");
    registry.set_status(document_id(5), change(DocumentState::Withdrawn, 6)).await.expect("changed");
    assert_eq!(registry.begin(intent(9, "lost")).await.expect("begun"), Begun::Fresh);
    registry.mark_unknown(document_id(9)).await.expect("marked");
    // Three in the issuance log, of which one waits.
    let queue = registry.issuance_queue();
    let salted = [1, 2, 3].map(|number| (document_id(number), [number as u8; 32])).to_vec();
    queue.enlist(salted, STARTED).await.expect("enlisted");
    let lead = queue.lead(Duration::from_secs(9)).await.expect("asked").expect("the lead");
    let append = Append { lead, documents: vec![document_id(3), document_id(1)], root: [6; 32] };
    assert!(queue.append(append).await.expect("appended"));
    place.close(registry).await;
}

async fn what_is_written_out_is_read_in_and_is_the_same(place: Place) {
    fill(&place).await;
    let (lines, counts) = place.lines().await;
    let wanted = Counts { documents: 9, signatures: 10, changes: 2, raising: 5, renewals: 1, logged: 3, lookups: 3 };
    assert_eq!(counts, wanted);
    assert_eq!(lines.lines().count(), 11);
    for other in [Place::sqlite(), Place::postgres()] {
        assert_eq!(other.take(&lines).await.expect("imported"), counts);
        assert_eq!(other.lines().await.0, lines);
        // The registry goes on where the other ended.
        let registry = other.open().await;
        let queue = registry.issuance_queue();
        assert_eq!(queue.log_head().await.expect("read"), LogHead { size: 2, root: None });
        let places: Vec<_> = queue.sequenced(0, 9).await.expect("read").iter().map(|one| one.document_id).collect();
        assert_eq!(places, [document_id(3), document_id(1)]);
        assert_eq!(queue.waiting(9).await.expect("read").len(), 1);
        let found = registry.look_up(vec![LookupDigest([4; 32])]).await.expect("read");
        assert_eq!(found, [document_id(7)]);
        assert!(matches!(registry.begin(intent(20, "key-1")).await, Ok(Begun::Replay(_))));
        let unknown = Begun::StateUnknown { document_id: document_id(9) };
        assert_eq!(registry.begin(intent(20, "lost")).await.expect("begun"), unknown);
        let unknown: Vec<_> = other.reader().await.unknown(None).await.expect("read");
        assert_eq!(unknown.iter().map(|intent| intent.document_id).collect::<Vec<_>>(), [document_id(9)]);
        issue(&*registry, 20).await;
    }
    // What was begun is nobody's elsewhere.
    let registry = place.open().await;
    registry.begin(intent(30, "begun")).await.expect("begun");
    let (lines, _) = place.lines().await;
    assert!(lines.contains("\"progress\":\"begun\""), "the service may run: {lines}");
    let other = Place::sqlite();
    other.take(&lines).await.expect("imported");
    let begun = other.open().await.begin(intent(31, "begun")).await.expect("begun");
    assert_eq!(begun, Begun::StateUnknown { document_id: document_id(30) });
}

async fn a_changed_file_is_refused_with_its_line_and_nothing_is_imported(place: Place) {
    let other = Place::sqlite();
    fill(&other).await;
    let (whole, _) = other.lines().await;
    let lines: Vec<&str> = whole.lines().collect();
    let join = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let without = |at: usize| join(&[&lines[..at], &lines[at + 1..]].concat());
    let swapped = join(&[&lines[..2], &[lines[3], lines[2]], &lines[4..]].concat());
    let of_other_version = whole.replacen("\"version\":3", "\"version\":4", 1);
    let cases: [(&str, String, u64); 12] = [
        ("not the first line", without(0), 1),
        ("not the first line", of_other_version, 1),
        ("counts", without(4), 10),
        ("cut off", join(&lines[..10]), 11),
        ("line", whole.trim_end().to_owned(), 11),
        ("something follows", format!("{whole}\n"), 11),
        ("in the order of ids", swapped, 4),
        ("digest", whole.replacen("Cấp lại", "Cấp mới", 1), 11),
        ("levelRequested", whole.replacen("\"levelRequested\":\"B-T\"", "\"levelRequested\":\"B-X\"", 1), 2),
        ("unknown field", whole.replacen("\"signer\":", "\"sign\":", 1), 2),
        ("signature 3 stands where 2 belongs", whole.replacen("{\"version\":2,", "{\"version\":3,", 1), 3),
        ("its history ends with", whole.replacen("\"state\":\"in-force\"", "\"state\":\"used\"", 1), 2),
    ];
    for (words, text, number) in cases {
        let refused = place.take(&text).await.expect_err(words);
        assert!(matches!(refused, ExchangeError::Line { line, .. } if line == number), "{words}: {refused}");
        assert!(refused.to_string().contains(words), "{refused}");
        let (nothing, counts) = place.lines().await;
        assert_eq!((nothing.lines().count(), counts), (2, Counts::default()), "{words}");
    }
    // With a digest that fits, the successor is still missed.
    let alone = Place::sqlite();
    let registry = alone.open().await;
    for number in [5, 6] {
        issue(&*registry, number).await;
    }
    let replaced = StatusChange { superseded_by: Some(document_id(6)), ..change(DocumentState::Superseded, 5) };
    registry.set_status(document_id(5), replaced).await.expect("changed");
    drop(registry);
    let file = rusqlite::Connection::open(alone.address()).expect("a file");
    let cut = "PRAGMA foreign_keys = OFF; DELETE FROM signature WHERE document_id = X'00000000000000000000000000000006'; \
               DELETE FROM raising WHERE document_id = X'00000000000000000000000000000006'; \
               DELETE FROM document WHERE id = X'00000000000000000000000000000006'";
    file.execute_batch(cut).expect("cut");
    drop(file);
    let refused = place.take(&alone.lines().await.0).await.expect_err("a successor that is not there");
    let expected = LineFault::Successor(document_id(5));
    assert!(matches!(&refused, ExchangeError::Line { fault, .. } if *fault == expected), "{refused}");
    assert_eq!(place.lines().await.1, Counts::default());
    place.take(&whole).await.expect("the whole one");
}

async fn a_registry_that_is_not_empty_takes_nothing(place: Place) {
    let registry = place.open().await;
    if matches!(place, Place::Postgres { .. }) {
        assert!(place.writer().await.is_none(), "a service works on it");
    }
    issue(&*registry, 1).await;
    place.close(registry).await;
    assert!(place.writer().await.is_none());
}

async fn many_records_are_read_page_by_page(place: Place) {
    let registry = place.open().await;
    let mut issuing = tokio::task::JoinSet::new();
    for lane in 0..6_u128 {
        let registry = std::sync::Arc::clone(&registry);
        issuing.spawn(async move {
            for number in (lane..600).step_by(6) {
                issue(&*registry, number).await;
            }
        });
    }
    issuing.join_all().await;
    // Each page holds 16 MiB at most, but for one that is larger by itself.
    for number in 700..706 {
        registry.begin(intent(number, &format!("key-{number}"))).await.expect("begun");
        let large = Issued { signature: vec![0x30; 4 << 20], ..issued(number) };
        registry.complete(document_id(number), large).await.expect("complete");
    }
    let mut reader = place.reader().await;
    // What comes after the reader's first look is not there for it.
    let mut sizes = vec![reader.page(None).await.expect("read").len()];
    issue(&*registry, 9_000).await;
    let mut after = Some(document_id(255));
    loop {
        let page = reader.page(after).await.expect("read");
        let Some(last) = page.last() else { break };
        after = Some(last.intent.document_id);
        sizes.push(page.len());
    }
    assert_eq!(sizes, [256, 256, 91, 3]);
}
