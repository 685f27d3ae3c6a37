//! The bare P-256 verification of the same OpenSSL, in a process of its own on the server's core.

use std::{
    hint::black_box,
    io::{self, BufRead, BufReader, Write},
    process::{ChildStdin, ChildStdout},
    time::Instant,
};

use antin::core::crypto;
use openssl::{ec::EcKey, ecdsa::EcdsaSig, nid::Nid};

use crate::{Failure, ROUND, Round, process::Kept};

/// The argument that makes this program the yardstick.
pub const YARDSTICK: &str = "yardstick";

/// The bare verification, on the server's core.
pub struct Yardstick {
    process: Kept,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Yardstick {
    pub fn start() -> Result<Self, Failure> {
        let mut process = Kept::start(&std::env::current_exe()?, &[YARDSTICK])?;
        let ask = process.0.stdin.take().ok_or("no standard input")?;
        let answers = BufReader::new(process.0.stdout.take().ok_or("no standard output")?);
        Ok(Self { process, ask, answers })
    }

    pub fn measure(&mut self) -> Result<Round, Failure> {
        let core_time = self.process.core_time()?;
        self.ask.write_all(b"measure\n")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        let used = self.process.core_time()? - core_time;
        let (count, seconds) = line.trim().split_once(' ').ok_or("the yardstick ended")?;
        let (count, seconds): (f64, f64) = (count.parse()?, seconds.parse()?);
        Ok(Round { rate: count / seconds, core_time: used.as_secs_f64() * 1e6 / count })
    }
}

/// The yardstick's side: one round for each line on standard input, answered by count and seconds.
pub fn measure_when_asked() -> Result<(), Failure> {
    let group = openssl::ec::EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    let private = EcKey::generate(&group)?;
    let public = EcKey::from_public_key(&group, private.public_key())?;
    let digest = crypto::sha256(&[0x5A; 1024]);
    let signature = EcdsaSig::sign(&digest, &private)?;
    for line in io::stdin().lines() {
        line?;
        let start = Instant::now();
        let mut count = 0;
        while start.elapsed() < ROUND {
            for _ in 0..8 {
                assert!(signature.verify(black_box(&digest), &public)?);
            }
            count += 8;
        }
        println!("{count} {}", start.elapsed().as_secs_f64());
    }
    Ok(())
}
