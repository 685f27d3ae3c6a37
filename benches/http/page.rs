//! Agencies that ask without a pause, beside people whose files the page checks without a pause: what the page costs the agencies.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{CONNECTIONS, Failure, PATIENCE, connection, connection::Connection, process::Server};

/// People at once.
const PEOPLE: usize = 16;
/// With and without them in turns.
const ROUNDS: usize = 10;
/// What agencies get beside the page, of what they get without it.
const WANTED: f64 = 0.85;

pub fn compare() -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let server = Server::own(directory.path())?;
    let pki = directory.path().join("pki");
    let request = connection::request(&pki, server.address)?;
    let file = upload(&pki, server.address)?;
    let mut connections = (0..CONNECTIONS).map(|_| Connection::open(server.address)).collect::<Result<Vec<_>, _>>()?;
    server.load(&mut connections, &request)?;
    let (mut alone, mut beside, mut checked) = (Vec::new(), Vec::new(), 0);
    let (mut alone_latencies, mut beside_latencies) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (round, latencies) = server.load(&mut connections, &request)?;
        alone.push(round.rate);
        alone_latencies.extend(latencies);
        let people = People::come(server.address, &file);
        // They are all at it.
        thread::sleep(Duration::from_millis(100));
        let before = people.checked.load(Ordering::Relaxed);
        let (round, latencies) = server.load(&mut connections, &request)?;
        checked += people.checked.load(Ordering::Relaxed) - before;
        people.leave()?;
        beside.push(round.rate);
        beside_latencies.extend(latencies);
    }
    let median = |rates: &mut Vec<f64>| {
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    };
    let p99 = |latencies: &mut Vec<Duration>| {
        latencies.sort_unstable();
        latencies[(latencies.len() - 1) * 99 / 100].as_micros()
    };
    let (alone, beside) = (median(&mut alone), median(&mut beside));
    println!(
        "beside {PEOPLE} people with files for the page: {beside:.0} documents/s, p99 {} µs; without them {alone:.0}/s, p99 {} µs; {checked} files checked meanwhile",
        p99(&mut beside_latencies),
        p99(&mut alone_latencies)
    );
    println!("ratio {:.2}  (wanted at least {WANTED:.2})", beside / alone);
    Ok(())
}

/// The form of the page with a signed document in it.
fn upload(pki: &Path, address: SocketAddr) -> Result<Vec<u8>, Failure> {
    let file = connection::signed(pki, true)?.1;
    let head = "--edge\r\nContent-Disposition: form-data; name=\"document\"; filename=\"a.p7m\"\r\n\r\n";
    let body = [head.as_bytes(), &file, b"\r\n--edge--\r\n"].concat();
    let head = format!(
        "POST /check HTTP/1.1\r\nHost: {address}\r\nContent-Type: multipart/form-data; boundary=edge\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    Ok([head.as_bytes(), &body].concat())
}

/// Each sends the form again as soon as it has the answer.
struct People {
    leaving: Arc<AtomicBool>,
    checked: Arc<AtomicU64>,
    all: Vec<thread::JoinHandle<Result<(), Failure>>>,
}

impl People {
    fn come(address: SocketAddr, form: &[u8]) -> Self {
        let (leaving, checked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let one = |_| {
            let (leaving, checked, form) = (Arc::clone(&leaving), Arc::clone(&checked), form.to_vec());
            thread::spawn(move || {
                let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                while !leaving.load(Ordering::Relaxed) {
                    stream.write_all(&form)?;
                    if answer(&mut stream)?.contains("class=\"answer accept\"") {
                        checked.fetch_add(1, Ordering::Relaxed);
                    }
                }
                Ok(())
            })
        };
        let all = (0..PEOPLE).map(one).collect();
        Self { leaving, checked, all }
    }

    fn leave(self) -> Result<(), Failure> {
        self.leaving.store(true, Ordering::Relaxed);
        for person in self.all {
            person.join().map_err(|_| "a person panicked")??;
        }
        Ok(())
    }
}

/// The page of an answer.
fn answer(stream: &mut TcpStream) -> Result<String, Failure> {
    let (mut received, mut piece) = (Vec::new(), [0; 16 * 1024]);
    loop {
        let count = stream.read(&mut piece)?;
        if count == 0 {
            return Err("the service closed a connection".into());
        }
        received.extend_from_slice(&piece[..count]);
        let Some(head) = received.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let lines = std::str::from_utf8(&received[..head])?.to_ascii_lowercase();
        let length = lines.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.ok_or("an answer without length")?.parse()?;
        if received.len() >= head + 4 + length {
            return Ok(String::from_utf8(received.split_off(head + 4))?);
        }
    }
}
