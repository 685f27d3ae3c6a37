//! An issuance log as pymerkle and Python's cryptography read it: the same roots, the same proofs, the same signature.

use antin::core::log::{Hash, TileTree, merkle};
use antin::issuance_log::Folder;
use serde_json::Value;

use super::{python_with_pyhanko, run};
use crate::issuance_log::{entry, grow, key};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracles/merkle_oracle.py");
const SIZES: [u64; 9] = [1, 2, 3, 7, 64, 255, 256, 300, 512];

fn hashes(value: &Value) -> Vec<Hash> {
    let hash = |value: &Value| hex::decode(value.as_str().expect("hex")).expect("hex").try_into().expect("32 octets");
    value.as_array().expect("hashes").iter().map(hash).collect()
}

#[test]
fn pymerkle_makes_our_roots_and_proofs() {
    let Some(python) = python_with_pyhanko() else { return };
    for size in [1_u64, 2, 5, 256, 257, 700] {
        let place = tempfile::tempdir().expect("a folder");
        let key = key();
        grow(place.path(), &key, size, 100);
        let sizes: Vec<u64> = SIZES.into_iter().filter(|older| *older < size).collect();
        let line = key.verifier().to_string();
        let mut arguments = vec![SCRIPT.to_owned(), place.path().display().to_string(), line];
        arguments.extend(sizes.iter().map(u64::to_string));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = run(&python, &arguments);
        let told: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        assert_eq!((&told["signed"], &told["size"]), (&Value::Bool(true), &Value::from(size)));
        assert_eq!(told["roots"][size.to_string()], told["root"], "their tree is the one signed");
        let mut tree = TileTree::new(Folder::new(place.path()), size);
        let root = tree.root().expect("tiles");
        assert_eq!(told["root"], hex::encode(root));
        for index in 0..size {
            let path = tree.inclusion(index).expect("tiles");
            // Theirs begins with the leaf itself.
            let theirs = hashes(&told["inclusion"][index as usize]);
            assert_eq!((theirs[0], &theirs[1..]), (entry(index).leaf_hash(), &path[..]), "{index} of {size}");
        }
        for older in sizes {
            let before = tree.root_of(older).expect("tiles");
            assert_eq!(told["roots"][older.to_string()], hex::encode(before), "{older} of {size}");
            // Their consistency proofs have a form of their own; ours connects the two roots that they made.
            let path = tree.consistency(older).expect("tiles");
            assert_eq!(merkle::verify_consistency((older, &before), (size, &root), &path), Ok(()));
        }
    }
}
