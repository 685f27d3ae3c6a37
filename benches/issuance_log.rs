//! The issuance log's folder: what an entry and a checkpoint cost, an audit, and a proof among forty million (`docs/performance.md`).

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use antin::core::log::{Entry, Hash, KeyKind, LogFault, Opening, TileKind, TileName, TileSource, TileTree, merkle};
use antin::core::time::Time;
use antin::issuance_log::{self, Folder, NoteSigner, Publisher};

const ORIGIN: &str = "localhost/bench";
const ENTRIES: u64 = 100_000;
/// Documents of a second at the peak: four checkpoints a second.
const TOGETHER: u64 = 383 / 4;
const LARGE: u64 = 40_000_000;
const PROOFS: u64 = 1_000;

fn main() -> ExitCode {
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench issuance_log: {error}");
            ExitCode::FAILURE
        }
    }
}

fn entry(number: u64) -> Entry {
    let mut document_id = [0; 16];
    document_id[8..].copy_from_slice(&number.to_be_bytes());
    let opening = Opening {
        document_id,
        kind: "referral".to_owned(),
        document_digest: [5; 32],
        signer_certificate_sha256: [3; 32],
        signed_at: Time::from_unix(1_780_000_000),
        salt: [9; 32],
    };
    opening.entry()
}

fn measure() -> Result<(), Box<dyn Error>> {
    let place = tempfile::tempdir()?;
    let (pem, _) = issuance_log::generate(ORIGIN, KeyKind::Note)?;
    let key = NoteSigner::from_pem(ORIGIN, KeyKind::Note, &pem)?;
    let mut publisher = Publisher::open(place.path(), &key)?;
    let (began, mut checkpoints, mut longest) = (Instant::now(), 0_u32, Duration::ZERO);
    while publisher.size() < ENTRIES {
        let one = Instant::now();
        let from = publisher.size();
        let entries: Vec<Entry> = (from..ENTRIES.min(from + TOGETHER)).map(entry).collect();
        publisher.add(&entries)?;
        publisher.publish(&key)?;
        checkpoints += 1;
        longest = longest.max(one.elapsed());
    }
    let took = began.elapsed();
    println!(
        "{ENTRIES} entries in {checkpoints} synced checkpoints: {:.1} s, {:.1} µs an entry, {:.1} ms a checkpoint, the longest {:.1} ms",
        took.as_secs_f64(),
        took.as_secs_f64() * 1e6 / ENTRIES as f64,
        took.as_secs_f64() * 1e3 / f64::from(checkpoints),
        longest.as_secs_f64() * 1e3
    );
    drop(publisher);
    let began = Instant::now();
    issuance_log::audit(&Folder::new(place.path()), key.verifier(), &[])?;
    let took = began.elapsed().as_secs_f64();
    println!("audit of {ENTRIES} entries: {:.0} ms, {:.0} entries a second", took * 1e3, ENTRIES as f64 / took);
    let began = Instant::now();
    drop(Publisher::open(place.path(), &key)?);
    println!("start over {ENTRIES} entries: {:.1} ms", began.elapsed().as_secs_f64() * 1e3);
    measure_proofs()
}

/// Every entry is the same, so that every tile of a row is; those that are read are written first.
struct Uniform<'a> {
    rows: &'a [Hash],
    folder: &'a Path,
}

impl TileSource for Uniform<'_> {
    type Error = LogFault;

    fn tile(&mut self, name: &TileName) -> Result<Vec<u8>, LogFault> {
        let absent = || LogFault::Form { of: "tile", rule: "be one that can be written" };
        let TileKind::Hashes(row) = name.kind else { return Err(absent()) };
        let octets = self.rows[usize::from(row)].repeat(name.width.into());
        let path = self.folder.join(name.to_string());
        path.parent().ok_or_else(absent).and_then(|folder| fs::create_dir_all(folder).map_err(|_| absent()))?;
        fs::write(path, &octets).map_err(|_| absent())?;
        Ok(octets)
    }
}

fn measure_proofs() -> Result<(), Box<dyn Error>> {
    let place = tempfile::tempdir()?;
    let mut rows = vec![entry(1).leaf_hash()];
    while rows.len() < 5 {
        let below = [rows[rows.len() - 1]; 256];
        rows.push(merkle::complete_root(&below).ok_or("no complete tree")?);
    }
    let places: Vec<u64> = (0..PROOFS).map(|number| number * (LARGE / PROOFS) + number * 7).collect();
    for index in &places {
        TileTree::new(Uniform { rows: &rows, folder: place.path() }, LARGE).inclusion(*index)?;
    }
    let (mut times, mut most) = (Vec::new(), 0);
    for index in &places {
        let began = Instant::now();
        let mut tree = TileTree::new(Folder::new(place.path()), LARGE);
        tree.inclusion(*index)?;
        times.push(began.elapsed());
        most = most.max(tree.tiles_read());
    }
    times.sort_unstable();
    let of = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("proof of one among {LARGE}: p50 {:.3} ms, p99 {:.3} ms, at most {most} tiles read", of(0.5), of(0.99));
    Ok(())
}
