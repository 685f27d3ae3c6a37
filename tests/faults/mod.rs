//! The fault table: what fails, with the real things, and what became of the verdicts meanwhile. `make faults` prints it. Those of OCSP servers stand
//! in `tests/http/faults.rs`, for a question makes the service ask them.

pub mod capture;
mod minute;
mod redis;
mod sources;
pub mod trial;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use self::trial::{Fault, Row};

/// Trials at one time: each has two nodes, a Redis and a server of its own.
const AT_ONCE: usize = 4;

#[test]
fn no_fault_makes_a_wrong_pass_and_all_are_over_within_ten_seconds() {
    let faults: Vec<Fault> = redis::faults().into_iter().chain(sources::faults()).collect();
    let rows: Vec<Mutex<Option<Row>>> = faults.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(fault) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let row = trial::run(fault);
                    let place = faults.iter().position(|other| other.name == fault.name).expect("its own place");
                    *rows[place].lock().expect("a row") = Some(row);
                }
            });
        }
    });
    let rows: Vec<Row> =
        rows.into_iter().map(|row| row.into_inner().expect("a row").expect("every trial ran")).collect();
    println!("{}", trial::table(&rows));
    assert_eq!(rows.len(), faults.len());
    for row in &rows {
        assert!(row.faultless(), "{row:?}");
    }
}
