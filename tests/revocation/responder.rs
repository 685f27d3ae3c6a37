//! A small HTTP server that answers as it is told, also wrongly.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use antin::config::revocation::{AllowedHost, CrlSource};

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
}

pub struct Responder {
    pub port: u16,
    answer: Arc<Mutex<Answer>>,
    asked: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
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
            answer: Arc::new(Mutex::new(answer)),
            asked: Arc::default(),
            stop: Arc::default(),
        };
        let (answer, asked, stop) =
            (Arc::clone(&responder.answer), Arc::clone(&responder.asked), Arc::clone(&responder.stop));
        thread::spawn(move || {
            for connection in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                asked.fetch_add(1, Ordering::SeqCst);
                let (answer, stop) = (answer.lock().expect("an answer").clone(), Arc::clone(&stop));
                // A client that hangs up early ends the answer.
                thread::spawn(move || connection.and_then(|connection| respond(connection, &answer, &stop)));
            }
        });
        responder
    }

    pub fn tell(&self, answer: Answer) {
        *self.answer.lock().expect("an answer") = answer;
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

fn respond(mut connection: TcpStream, answer: &Answer, stop: &AtomicBool) -> std::io::Result<()> {
    if matches!(answer, Answer::Babble) {
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
    let head = |connection: &mut TcpStream, status: u16, more: &str| {
        write!(connection, "HTTP/1.1 {status} Said\r\nConnection: close\r\n{more}\r\n")
    };
    let length = |body: &[u8]| format!("Content-Length: {}\r\n", body.len());
    match answer {
        Answer::Body(body) => {
            head(&mut connection, 200, &length(body))?;
            connection.write_all(body)
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
