//! Ten thousand changes to the files of a log, to older checkpoints and to proofs: each is found.

use std::fs;
use std::path::{Path, PathBuf};

use antin::core::log::{Checkpoint, Edge, Hash, LogProof, TileKind, TileName, TileSource, TileTree, merkle};
use antin::issuance_log::{AuditError, Folder, Publisher, audit, checked, entries};

use super::{ORIGIN, entry, grow, key};
use crate::kit::random::Random;

const SIZE: u64 = 300;

/// The files that the tree of `SIZE` entries stands on.
fn files(folder: &Path) -> Vec<PathBuf> {
    let names =
        ["checkpoint", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44"];
    names.iter().map(|name| folder.join(name)).collect()
}

/// Another content for a file.
fn change(octets: &[u8], random: &mut Random) -> Vec<u8> {
    let mut other = octets.to_vec();
    let at = random.below(octets.len());
    match random.below(5) {
        0 => other[at] ^= 1 << random.below(8),
        1 => other.truncate(at),
        2 => drop(other.remove(at)),
        3 => other.insert(at, random.below(256) as u8),
        // Two hashes, or what lies where they would, change places.
        _ => {
            let width = 32.min(octets.len() / 2);
            let (first, second) = (at.min(octets.len() - 2 * width), octets.len() - width);
            other[first..first + width].copy_from_slice(&octets[second..]);
            other[second..].copy_from_slice(&octets[first..first + width]);
        }
    }
    other
}

#[test]
fn ten_thousand_changes_are_all_found() {
    let place = tempfile::tempdir().expect("a folder");
    let key = key();
    let checkpoints = grow(place.path(), &key, SIZE, 60);
    let folder = Folder::new(place.path());
    let whole = audit(&folder, key.verifier(), &checkpoints).expect("whole");
    assert_eq!((whole.checkpoint.size, whole.files), (SIZE, 5));
    let mut random = Random::of("tampering with an issuance log");
    let files = files(place.path());
    let (mut found, mut of_files, mut of_checkpoints, mut of_proofs) = (0, 0, 0, 0);
    while of_files < 4_000 {
        let path = random.pick(&files);
        let octets = fs::read(path).expect("a file");
        let other = change(&octets, &mut random);
        if other == octets {
            continue;
        }
        of_files += 1;
        fs::write(path, &other).expect("written");
        found += usize::from(audit(&folder, key.verifier(), &[]).is_err());
        fs::write(path, &octets).expect("written");
    }
    // Checkpoints that were kept elsewhere, and were changed there: only the signature tells.
    while of_checkpoints < 3_000 {
        let (name, octets) = random.pick(&checkpoints);
        let other = change(octets, &mut random);
        if other == *octets {
            continue;
        }
        of_checkpoints += 1;
        found += usize::from(Checkpoint::open(&other, key.verifier()).is_err());
        if of_checkpoints % 100 == 0 {
            assert!(audit(&folder, key.verifier(), &[(name.clone(), other)]).is_err());
        }
    }
    let proof = |index: u64, number: u64| {
        let path = TileTree::new(folder.clone(), SIZE).inclusion(index).expect("tiles");
        let checkpoint = String::from_utf8(folder.checkpoint().expect("a checkpoint")).expect("text");
        let extra = antin::core::log::Opening { document_id: [0; 16], ..opening(number) };
        LogProof { extra: Some(extra.to_json().into_bytes()), index, path, checkpoint }
    };
    while of_proofs < 3_000 {
        let index = random.below(SIZE as usize) as u64;
        let own = LogProof { extra: Some(opening(index).to_json().into_bytes()), ..proof(index, index) };
        let octets = own.to_string().into_bytes();
        if of_proofs % 100 == 0 {
            assert!(own.verify(key.verifier()).is_ok(), "{index}");
        }
        let other = change(&octets, &mut random);
        if other == octets {
            continue;
        }
        of_proofs += 1;
        let outcome = LogProof::parse(&other).and_then(|proof| proof.verify(key.verifier()));
        found += usize::from(outcome.is_err());
    }
    assert_eq!(found, of_files + of_checkpoints + of_proofs);
    assert_eq!(found, 10_000);
    assert!(audit(&folder, key.verifier(), &checkpoints).is_ok(), "all was put back");
}

/// Tiles of before, which whoever holds a checkpoint of that time still reads.
#[test]
fn what_was_published_before_is_audited_too() {
    let place = tempfile::tempdir().expect("a folder");
    let key = key();
    grow(place.path(), &key, 20, 5);
    let folder = Folder::new(place.path());
    let whole = audit(&folder, key.verifier(), &[]).expect("whole");
    assert_eq!(whole.files, 8, "two of each size");
    for width in [5, 10, 15] {
        for kind in ["0", "entries"] {
            let path = place.path().join(format!("tile/{kind}/000.p/{width}"));
            let octets = fs::read(&path).expect("a file");
            let mut other = octets.clone();
            *other.last_mut().expect("octets") ^= 1;
            for other in [other, octets[..octets.len() - 1].to_vec(), [&octets[..], b"x"].concat(), Vec::new()] {
                fs::write(&path, other).expect("written");
                let error = audit(&folder, key.verifier(), &[]).expect_err("changed").to_string();
                assert!(error.starts_with(&format!("tile/{kind}/000.p/{width}: ")), "{error}");
            }
            fs::write(&path, octets).expect("written");
        }
    }
    // Nothing of the newest tree is lost with them.
    fs::remove_file(place.path().join("tile/0/000.p/5")).expect("removed");
    assert_eq!(audit(&folder, key.verifier(), &[]).expect("whole").files, 7);
}

/// A tile is held to the root before it is given out: in every row, full or not, of now or of before.
#[test]
fn what_somebody_else_wrote_is_not_given_out() {
    let mut random = Random::of("tiles that are given out");
    for (size, step) in [(20, 5), (65_536, 65_536), (66_100, 33_050)] {
        let place = tempfile::tempdir().expect("a folder");
        let key = key();
        grow(place.path(), &key, size, step);
        let folder = Folder::new(place.path());
        let (checkpoint, _) =
            Checkpoint::open(&folder.checkpoint().expect("a checkpoint"), key.verifier()).expect("signed");
        let tree = checked::Signed { size, root: checkpoint.root };
        let mut names = Vec::new();
        for kind in [TileKind::Hashes(0), TileKind::Hashes(1), TileKind::Hashes(2), TileKind::Entries] {
            let last = (0..).map_while(|index| TileName::in_tree(kind, index, size)).last();
            for own in last.into_iter().flat_map(|last| [0, 7, 255, last.index].map(|index| (index, last.index))) {
                let Some(name) = TileName::in_tree(kind, own.0.min(own.1), size) else { continue };
                names.push(name);
                let widths = folder.partial_widths(&name).expect("read");
                names.extend(widths.into_iter().map(|width| TileName { width, ..name }));
            }
        }
        names.sort_unstable();
        names.dedup();
        assert!(names.len() >= 8, "{names:?}");
        for name in names {
            let path = place.path().join(name.to_string());
            let octets = fs::read(&path).expect("a tile");
            assert_eq!(checked::tile(&folder, &name, tree).expect("whole"), octets, "{name} of {size}");
            for _ in 0..20 {
                let other = change(&octets, &mut random);
                fs::write(&path, &other).expect("written");
                let given = checked::tile(&folder, &name, tree);
                assert!(given.is_err() || other == octets, "{name} of {size}");
            }
            fs::write(&path, &octets).expect("written");
            let other = checked::Signed { root: [7; 32], ..tree };
            assert!(checked::tile(&folder, &name, other).is_err(), "{name}: of another tree");
        }
        let none = TileName { kind: TileKind::Hashes(3), index: 0, width: 1 };
        assert!(checked::tile(&folder, &none, tree).is_err());
    }
}

/// What [`entry`] opens.
fn opening(number: u64) -> antin::core::log::Opening {
    let mut document_id = [0; 16];
    document_id[8..].copy_from_slice(&number.to_be_bytes());
    let own = antin::core::log::Opening {
        document_id,
        kind: "referral".to_owned(),
        document_digest: [5; 32],
        signer_certificate_sha256: [(number % 3) as u8; 32],
        signed_at: antin::core::time::Time::from_unix(1_780_000_000 + number as i64),
        salt: [9; 32],
    };
    assert_eq!(own.entry(), entry(number));
    own
}

/// A log that its own key signs anew, with another history: nothing but an older checkpoint tells.
#[test]
fn forks_and_rollbacks_by_the_log_itself_are_found() {
    let place = tempfile::tempdir().expect("a folder");
    let key = key();
    let (first, forked) = (place.path().join("first"), place.path().join("forked"));
    let checkpoints = grow(&first, &key, SIZE, 50);
    let mut publisher = Publisher::open(&forked, &key).expect("it opens");
    // Entry 120 is left out; all else is there.
    let others: Vec<_> = (0..SIZE + 40).filter(|number| *number != 120).map(entry).collect();
    publisher.add(&others).expect("added");
    publisher.publish(&key).expect("published");
    drop(publisher);
    let forked = Folder::new(&forked);
    assert!(audit(&forked, key.verifier(), &[]).is_ok(), "it is a log, signed");
    for (name, octets) in &checkpoints {
        let size = Checkpoint::open(octets, key.verifier()).expect("a checkpoint").0.size;
        let outcome = audit(&forked, key.verifier(), &[(name.clone(), octets.clone())]);
        if size <= 120 {
            assert!(outcome.is_ok(), "{name}: both histories begin alike");
        } else {
            let error = outcome.expect_err(name).to_string();
            assert!(error.contains("history was changed"), "{error}");
        }
    }
    // An end that was taken away, with the checkpoint that was right then.
    let (name, newest) = checkpoints.last().expect("some");
    fs::write(first.join("checkpoint"), &checkpoints[2].1).expect("written");
    let folder = Folder::new(&first);
    assert!(audit(&folder, key.verifier(), &[]).is_ok(), "tiles beyond it are no harm");
    let error = audit(&folder, key.verifier(), &[(name.clone(), newest.clone())]).expect_err("a rollback").to_string();
    assert!(error.contains("its end was taken away"), "{error}");
    // Of another key, and under another name.
    let other = super::key();
    assert!(matches!(audit(&folder, other.verifier(), &[]), Err(AuditError::Changed { .. })));
}

/// Every file that is missing is missed.
#[test]
fn no_file_can_be_left_out() {
    let place = tempfile::tempdir().expect("a folder");
    let key = key();
    grow(place.path(), &key, SIZE, SIZE);
    let folder = Folder::new(place.path());
    for path in files(place.path()) {
        let octets = fs::read(&path).expect("a file");
        fs::remove_file(&path).expect("removed");
        let outcome = audit(&folder, key.verifier(), &[]);
        assert!(matches!(outcome, Err(AuditError::Missing { .. })), "{}: {outcome:?}", path.display());
        fs::write(&path, octets).expect("written");
    }
    assert!(audit(&folder, key.verifier(), &[]).is_ok());
}

/// What the folder holds is what the tree is, at each size that a log can have at its edges.
#[test]
fn a_log_goes_on_where_it_ended() {
    let place = tempfile::tempdir().expect("a folder");
    let key = key();
    let (mut edge, mut roots): (Edge, Vec<Hash>) = (Edge::default(), vec![merkle::empty_root()]);
    for number in 0..600 {
        drop(edge.push(entry(number).leaf_hash()));
        roots.push(edge.root());
    }
    for size in [1, 2, 255, 256, 257, 300, 511, 512, 513, 600] {
        // Opened anew each time.
        grow(place.path(), &key, size, 7);
        let audited = audit(&Folder::new(place.path()), key.verifier(), &[]).expect("whole");
        assert_eq!((audited.checkpoint.size, audited.checkpoint.root), (size, roots[size as usize]));
    }
    let mut own = 0;
    entries(&Folder::new(place.path()), 250, 600, |position, found| {
        assert_eq!(*found, entry(position));
        own += u32::from(found.signer_certificate_sha256 == [1; 32]);
    })
    .expect("entries");
    assert_eq!(own, 117);
    assert_eq!(Publisher::open(place.path(), &key).expect("it opens").published().origin, ORIGIN);
    let error = Publisher::open(place.path(), &super::key()).err().expect("another key").to_string();
    assert!(error.contains("was changed or is another one's"), "{error}");
    // A partial tile is there as long as the full one is not, and no longer.
    let partial: Vec<_> = fs::read_dir(place.path().join("tile/0")).expect("tiles").collect();
    let names: Vec<_> = partial.into_iter().map(|entry| entry.expect("a name").file_name()).collect();
    assert_eq!(names.iter().filter(|name| name.to_string_lossy().ends_with(".p")).count(), 1, "{names:?}");
}

/// The folder's beginning was changed while nobody looked: the service does not go on with it.
#[test]
fn a_broken_edge_is_not_gone_on_with() {
    let place = tempfile::tempdir().expect("a folder");
    let key = key();
    grow(place.path(), &key, SIZE, SIZE);
    for name in ["tile/0/001.p/44", "tile/1/000.p/1", "checkpoint"] {
        let path = place.path().join(name);
        let octets = fs::read(&path).expect("a file");
        let mut other = octets.clone();
        other[20] ^= 1;
        fs::write(&path, other).expect("written");
        assert!(Publisher::open(place.path(), &key).is_err(), "{name}");
        fs::write(&path, octets).expect("written");
    }
    let open = Publisher::open(place.path(), &key).expect("it opens");
    assert!(Publisher::open(place.path(), &key).is_err(), "one process at a time");
    drop(open);
}

/// A proof among as many documents as a country issues in a year reads a handful of files.
#[test]
fn a_proof_among_forty_million_reads_eight_tiles() {
    const SIZE: u64 = 40_000_000;
    let place = tempfile::tempdir().expect("a folder");
    // Every entry is the same, so that every tile of a row is; those that are read are written first.
    struct Uniform<'a> {
        rows: Vec<Hash>,
        folder: &'a Path,
    }
    impl TileSource for Uniform<'_> {
        type Error = antin::core::log::LogFault;

        fn tile(&mut self, name: &TileName) -> Result<Vec<u8>, Self::Error> {
            let TileKind::Hashes(row) = name.kind else { panic!("{name}") };
            let octets = self.rows[usize::from(row)].repeat(name.width.into());
            let path = self.folder.join(name.to_string());
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, &octets).expect("written");
            Ok(octets)
        }
    }
    let leaf = entry(1).leaf_hash();
    let mut rows = vec![leaf];
    while rows.len() < 5 {
        let below = [*rows.last().expect("one"); 256];
        rows.push(merkle::complete_root(&below).expect("a complete tree"));
    }
    let mut slowest = std::time::Duration::ZERO;
    for index in [0, 12_345_678, 39_999_999] {
        let mut tree = TileTree::new(Uniform { rows: rows.clone(), folder: place.path() }, SIZE);
        let (root, path) = (tree.root().expect("tiles"), tree.inclusion(index).expect("tiles"));
        let began = std::time::Instant::now();
        let mut from_files = TileTree::new(Folder::new(place.path()), SIZE);
        assert_eq!(from_files.inclusion(index).expect("files"), path);
        slowest = slowest.max(began.elapsed());
        assert!(from_files.tiles_read() <= 8, "{} tiles", from_files.tiles_read());
        assert_eq!(merkle::verify_inclusion(&leaf, index, SIZE, &path, &root), Ok(()));
    }
    println!("a proof among {SIZE}: {slowest:?}, unoptimised");
    assert!(slowest < std::time::Duration::from_millis(200), "{slowest:?}");
}
