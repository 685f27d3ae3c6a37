//! A small HTTP server that answers as it is told, path by path, also wrongly.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use antin::config::revocation::{AllowedHost, CrlSource};

/// From the body of a request to that of its answer.
pub type Maker = Arc<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

#[derive(Clone)]
pub enum Answer {
    Body(Vec<u8>),
    Status(u16),
    /// A redirect to the given URL.
    Redirect(String),
    /// The connection stays open and nothing is said.
    Silence,
    /// An octet now and then.
    Trickle,
    /// The connection ends before the announced length.
    Truncated(Vec<u8>),
    /// Octets without end, no length announced.
    Endless,
    /// Says that the body is compressed.
    Compressed(Vec<u8>),
    /// No HTTP at all.
    Garbage,
    /// Speaks before it is asked, and another language than any that is asked for.
    Babble,
    /// A body, after a while.
    Late(Vec<u8>, Duration),
    /// What is made of the request's body.
    Made(Maker),
}

pub struct Responder {
    pub port: u16,
    answers: Arc<Mutex<Answers>>,
    asked: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

struct Answers {
    usual: Answer,
    by_path: HashMap<String, Answer>,
    asked_by_path: HashMap<String, usize>,
}

impl Answers {
    fn to(&mut self, path: &str) -> Answer {
        *self.asked_by_path.entry(path.to_owned()).or_default() += 1;
        self.by_path.get(path).unwrap_or(&self.usual).clone()
    }
}

impl Responder {
    pub fn start(answer: Answer) -> Self {
        Self::listen(TcpListener::bind("127.0.0.1:0").expect("a free port"), answer)
    }

    /// At the port of one that is gone.
    pub fn start_at(port: u16, answer: Answer) -> Self {
        Self::listen(TcpListener::bind(("127.0.0.1", port)).expect("the port"), answer)
    }

    fn listen(listener: TcpListener, answer: Answer) -> Self {
        let responder = Self {
            port: listener.local_addr().expect("an address").port(),
            answers: Arc::new(Mutex::new(Answers {
                usual: answer,
                by_path: HashMap::new(),
                asked_by_path: HashMap::new(),
            })),
            asked: Arc::default(),
            stop: Arc::default(),
        };
        let (answers, asked, stop) =
            (Arc::clone(&responder.answers), Arc::clone(&responder.asked), Arc::clone(&responder.stop));
        thread::spawn(move || {
            for connection in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                asked.fetch_add(1, Ordering::SeqCst);
                let (answers, stop) = (Arc::clone(&answers), Arc::clone(&stop));
                // A client that hangs up early ends the answer.
                thread::spawn(move || connection.and_then(|connection| respond(connection, &answers, &stop)));
            }
        });
        responder
    }

    pub fn tell(&self, answer: Answer) {
        self.answers.lock().expect("answers").usual = answer;
    }

    /// The answer at one path, in place of the usual one.
    pub fn tell_at(&self, path: &str, answer: Answer) {
        self.answers.lock().expect("answers").by_path.insert(path.to_owned(), answer);
    }

    /// Requests for one path.
    pub fn asked_for(&self, path: &str) -> usize {
        self.answers.lock().expect("answers").asked_by_path.get(path).copied().unwrap_or_default()
    }

    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/ca.crl", self.port)
    }

    pub fn source(&self) -> CrlSource {
        CrlSource { urls: vec![self.url()], ..CrlSource::default() }
    }

    pub fn allowed(&self) -> AllowedHost {
        AllowedHost { host: "127.0.0.1".to_owned(), port: self.port, allow_private: true }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn respond(mut connection: TcpStream, answers: &Mutex<Answers>, stop: &AtomicBool) -> std::io::Result<()> {
    if matches!(answers.lock().expect("answers").usual, Answer::Babble) {
        return connection.write_all(b"220 mail.example.vn ESMTP ready\r\n$999999999\r\n*2147483647\r\n\0\0");
    }
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        if connection.read(&mut octet)? == 0 {
            return Ok(());
        }
        request.push(octet[0]);
    }
    let request = String::from_utf8_lossy(&request).to_lowercase();
    let path = request.split(' ').nth(1).unwrap_or_default();
    let length = request.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
    let mut question = vec![0; length];
    connection.read_exact(&mut question)?;
    let answer = answers.lock().expect("answers").to(path);
    let head = |connection: &mut TcpStream, status: u16, more: &str| {
        write!(connection, "HTTP/1.1 {status} Said\r\nConnection: close\r\n{more}\r\n")
    };
    let length = |body: &[u8]| format!("Content-Length: {}\r\n", body.len());
    match &answer {
        Answer::Body(body) => {
            head(&mut connection, 200, &length(body))?;
            connection.write_all(body)
        }
        Answer::Late(body, delay) => {
            thread::sleep(*delay);
            head(&mut connection, 200, &length(body))?;
            connection.write_all(body)
        }
        Answer::Made(make) => {
            let body = make(&question);
            // An answer is of the kind that was asked for (RFC 3161 §3.4, RFC 6960 Appendix A).
            let kind = request.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap_or_default();
            let kind = kind.replace("-query", "-reply").replace("-request", "-response");
            head(&mut connection, 200, &format!("{}Content-Type: {kind}\r\n", length(&body)))?;
            connection.write_all(&body)
        }
        Answer::Status(status) => head(&mut connection, *status, "Content-Length: 0\r\n"),
        Answer::Redirect(to) => head(&mut connection, 302, &format!("Location: {to}\r\nContent-Length: 0\r\n")),
        Answer::Truncated(body) => {
            head(&mut connection, 200, &length(body))?;
            connection.write_all(&body[..body.len() / 2])
        }
        Answer::Compressed(body) => {
            head(&mut connection, 200, &format!("Content-Encoding: gzip\r\n{}", length(body)))?;
            connection.write_all(body)
        }
        Answer::Babble => Ok(()),
        Answer::Garbage => connection.write_all(&[0xFF; 4096]),
        Answer::Silence => {
            while !stop.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(50));
            }
            Ok(())
        }
        Answer::Trickle => {
            head(&mut connection, 200, "Content-Length: 60000\r\n")?;
            while !stop.load(Ordering::SeqCst) {
                connection.write_all(b"0")?;
                thread::sleep(Duration::from_millis(50));
            }
            Ok(())
        }
        Answer::Endless => {
            head(&mut connection, 200, "")?;
            while !stop.load(Ordering::SeqCst) {
                connection.write_all(&[0x30; 4096])?;
            }
            Ok(())
        }
    }
}
