//! A wire to Redis that can hold back what a node sends, as a node does that falls asleep between two steps.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Gate {
    Open,
    /// Holds what contains the marked words.
    Armed,
    Holding,
}

pub struct Proxy {
    pub port: u16,
    gate: Arc<(Mutex<Gate>, Condvar)>,
}

impl Proxy {
    /// To the server at `port`; holds the first message that contains `words`.
    pub fn start(port: u16, words: &'static [u8]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let own = listener.local_addr().expect("an address").port();
        let gate = Arc::new((Mutex::new(Gate::Armed), Condvar::new()));
        let shared = Arc::clone(&gate);
        // Ends with the test's process.
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, gate) = (client.expect("a client"), Arc::clone(&shared));
                thread::spawn(move || {
                    let server = TcpStream::connect(("127.0.0.1", port)).expect("the server");
                    let (from, to) = (server.try_clone().expect("a stream"), client.try_clone().expect("a stream"));
                    thread::spawn(move || copy(from, to, |_| ()));
                    copy(client, server, |octets| pass(&gate, octets, words));
                });
            }
        });
        Self { port: own, gate }
    }

    pub fn is_holding(&self) -> bool {
        *self.gate.0.lock().expect("a gate") == Gate::Holding
    }

    /// Lets everything through, what was held first.
    pub fn release(&self) {
        *self.gate.0.lock().expect("a gate") = Gate::Open;
        self.gate.1.notify_all();
    }
}

/// Returns when the octets may go on.
fn pass(gate: &(Mutex<Gate>, Condvar), octets: &[u8], words: &[u8]) {
    let mut state = gate.0.lock().expect("a gate");
    if *state == Gate::Armed && octets.windows(words.len()).any(|window| window == words) {
        *state = Gate::Holding;
        let _open = gate.1.wait_while(state, |state| *state == Gate::Holding).expect("a gate");
    }
}

/// Until one side ends.
fn copy(mut from: TcpStream, mut to: TcpStream, before: impl Fn(&[u8])) {
    let mut octets = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut octets) {
        before(&octets[..length]);
        if to.write_all(&octets[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
