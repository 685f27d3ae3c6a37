//! Status lists of 40 million documents, 1 in 100 of them not in force: built, compressed, signed, read again, looked up, loaded from a
//! registry, changed
//! (`docs/performance.md`).

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use antin::clock;
use antin::core::evidence_file;
use antin::core::status_list::token::Claims;
use antin::core::status_list::{StatusList, StatusListToken, UnverifiedToken};
use antin::core::x509::Certificate;
use antin::pki::{self, InitOptions};
use antin::registry::sqlite::SqliteRegistry;
use antin::registry::{LIST_ENTRIES, Registry as _};
use antin::service::status_lists;
use antin::signing::CadesSigner;
use antin::signing::key::{RsaPadding, SoftwareKey};
use rusqlite::{Connection, params};

const DOCUMENTS: usize = 40_000_000;
const CHANGED: usize = DOCUMENTS / 100;
const LOOKUPS: usize = 10_000_000;
const DOWNLOAD_WANTED: usize = 1_000_000;
const MEMORY_WANTED: usize = 16_000_000;
const LOOKUPS_WANTED: f64 = 1e6;

/// xorshift64*: the same numbers every time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}

fn main() {
    println!(
        "{} ({DOCUMENTS} documents, {CHANGED} of them not in force, lists of {LIST_ENTRIES})",
        openssl::version::version()
    );
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    pki::init(&path("pki"), &InitOptions::default(), clock::now()).expect("a PKI");
    pki::add_signer(&path("pki"), &path("lists"), "Lists", "http://127.0.0.1:8080", clock::now()).expect("a key");
    let read = |name: &str| fs::read(path(name)).expect(name);
    let certificate = |name: &str| Arc::new(evidence_file::certificates(&read(name)).expect("a certificate").remove(0));
    let own: Arc<Certificate> = certificate("lists.crt");
    let key = SoftwareKey::from_pem(&read("lists.key"), RsaPadding::Pss, &own).expect("a key");
    let signer = CadesSigner::new("lists", key, Arc::clone(&own), &[certificate("pki/ca.crt")]);

    let entries = LIST_ENTRIES as usize;
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let begun = Instant::now();
    let mut lists: Vec<StatusList> = (0..DOCUMENTS.div_ceil(entries)).map(|_| StatusList::new(entries)).collect();
    let mut left = CHANGED;
    while left > 0 {
        let (document, status) = (numbers.below(DOCUMENTS), 1 + numbers.below(3) as u8);
        let list = &mut lists[document / entries];
        if list.get(document % entries) == Some(0) {
            list.set(document % entries, status);
            left -= 1;
        }
    }
    tell("built in memory", begun.elapsed());
    let begun = Instant::now();
    let compressed: Vec<Vec<u8>> = lists.iter().map(StatusList::compress).collect();
    tell("compressed", begun.elapsed());
    let begun = Instant::now();
    let sign =
        |(number, list): (usize, &Vec<u8>)| status_lists::sign(&signer, &claims(&uri(number), list)).expect("signed");
    let tokens: Vec<(Vec<u8>, Vec<u8>)> = compressed.iter().enumerate().map(sign).collect();
    tell("signed, as CWT and as JWT", begun.elapsed());

    let sum = |octets: &mut dyn Iterator<Item = usize>| octets.sum::<usize>();
    let cwt = sum(&mut tokens.iter().map(|(cwt, _)| cwt.len()));
    let jwt = sum(&mut tokens.iter().map(|(_, jwt)| jwt.len()));
    let bits = sum(&mut lists.iter().map(StatusList::size));
    let kept = bits + sum(&mut compressed.iter().map(Vec::len)) + cwt + jwt;
    println!("{} lists: {bits} octets of bits; as CWT {cwt} (wanted: {DOWNLOAD_WANTED}), as JWT {jwt}", lists.len());
    println!("in memory where they are published: {kept} octets (wanted: {MEMORY_WANTED})");

    let signers = [own];
    let begun = Instant::now();
    let loaded: Vec<StatusListToken> = tokens
        .iter()
        .map(|(cwt, _)| {
            UnverifiedToken::decode(cwt).and_then(|token| token.verify(&signers, clock::now())).expect("a token")
        })
        .collect();
    tell("CWTs decoded, verified, decompressed", begun.elapsed());
    let begun = Instant::now();
    for (_, jwt) in &tokens {
        black_box(
            UnverifiedToken::decode(jwt).and_then(|token| token.verify(&signers, clock::now())).expect("a token"),
        );
    }
    tell("JWTs likewise", begun.elapsed());
    assert!(loaded.iter().zip(&lists).all(|(token, list)| token.list == *list));

    let places: Vec<usize> = (0..1 << 20).map(|_| numbers.below(DOCUMENTS)).collect();
    let begun = Instant::now();
    let mut found = [0_usize; 4];
    for lookup in 0..LOOKUPS {
        let document = places[lookup % places.len()];
        let status = loaded[document / entries].list.get(document % entries).expect("a status");
        found[usize::from(status)] += 1;
    }
    let rate = LOOKUPS as f64 / begun.elapsed().as_secs_f64();
    println!("{rate:>12.0} lookups a second (wanted: {LOOKUPS_WANTED}); found {found:?}");

    load(&path("registry.db"), &lists);

    let begun = Instant::now();
    lists[7].set(77, 1);
    let list = lists[7].compress();
    black_box(status_lists::sign(&signer, &claims(&uri(7), &list)).expect("signed"));
    tell("one document changed, its list compressed and signed in both forms", begun.elapsed());
    assert!(cwt <= DOWNLOAD_WANTED && kept <= MEMORY_WANTED && rate >= LOOKUPS_WANTED);
}

fn claims<'a>(subject: &'a str, compressed: &'a [u8]) -> Claims<'a> {
    let issued_at = clock::now();
    Claims {
        subject,
        issued_at,
        expires_at: issued_at.plus_seconds(600),
        time_to_live: 20,
        bits: 2,
        compressed,
        aggregation_uri: Some("https://papers.example.vn/status-lists"),
    }
}

fn uri(number: usize) -> String {
    format!("https://papers.example.vn/status-lists/{number}")
}

/// The registry of those that are not in force, and nothing else: those in force are in no index that is read.
fn load(path: &Path, lists: &[StatusList]) {
    drop(SqliteRegistry::open(path, clock::now()).expect("a registry"));
    let mut store = Connection::open(path).expect("its file");
    let transaction = store.transaction().expect("begun");
    let mut count = 0_u128;
    for (list, bits) in lists.iter().enumerate() {
        for index in 0..bits.entries() {
            let state = match bits.get(index) {
                Some(1) => "withdrawn",
                Some(2) => "suspended",
                Some(3) => "used",
                _ => continue,
            };
            count += 1;
            let id = count.to_be_bytes();
            let insert = "INSERT INTO document VALUES (?1, 'c', ?2, zeroblob(32), 'k', zeroblob(32), 's', 'B-B', 'cades', \
                          'detached', 'm', 0, 1, 'issued', 0, zeroblob(32), ?3, ?4, ?5)";
            let mut insert = transaction.prepare_cached(insert).expect("a statement");
            insert.execute(params![id, count.to_string(), state, list as i64, index as i64]).expect("inserted");
        }
    }
    transaction.commit().expect("committed");
    drop(store);
    let registry = SqliteRegistry::open(path, clock::now()).expect("a registry");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let begun = Instant::now();
    let mut loaded: Vec<StatusList> = lists.iter().map(|_| StatusList::new(LIST_ENTRIES as usize)).collect();
    let mut after = None;
    loop {
        let page = runtime.block_on(registry.listed(None, after, 8192)).expect("read");
        for one in &page {
            loaded[one.place.list as usize].set(one.place.index as usize, one.state.status());
        }
        let Some(last) = page.last() else { break };
        after = Some(last.place);
    }
    tell("loaded from the registry (SQLite)", begun.elapsed());
    assert!(loaded == lists);
}

fn tell(what: &str, took: Duration) {
    println!("{:>12.1} ms {what}", took.as_secs_f64() * 1e3);
}
