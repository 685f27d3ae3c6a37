//! Floods: HTTP/2 frames without end, more connections than there are places, clients that hang up or do not read.
//! Each is closed or bounded, and others are answered meanwhile and afterwards.

use std::{
    iter::repeat_n,
    net::SocketAddr,
    time::{Duration, Instant},
};

use antin::pki::Member;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::client::TlsStream;

use super::{
    CONTENT, Service, base64,
    client::{Answer, Request, connect_offering, plain},
};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Frame types (RFC 9113 §6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// Others are answered within this time, on a machine that is busy with tests.
const OTHERS_WAIT: Duration = Duration::from_secs(5);
/// A flood goes on for so long at most.
const FLOOD_LASTS: Duration = Duration::from_secs(5);
/// Memory that may come and go with tests running beside these, bytes.
const MEMORY_MAY_GROW: usize = 200 << 20;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// `POST /v1/verify` of `application/json`, in HPACK without its table of earlier fields (RFC 7541 §6.2.2).
fn header_block() -> Vec<u8> {
    let mut block = vec![0x83, 0x87];
    let media_type = [0x0f, 0x10]; // index 31, content-type
    for (name, value) in [(&[0x01][..], "localhost"), (&[0x04], "/v1/verify"), (&media_type, "application/json")] {
        block.extend_from_slice(name);
        block.push(u8::try_from(value.len()).expect("short"));
        block.extend_from_slice(value.as_bytes());
    }
    block
}

async fn speaking_http2(service: &Service) -> TlsStream<TcpStream> {
    let root = Member::Root.certificate_path(&service.pki());
    let identity = Some(service.identity(Member::Agency));
    let stream = connect_offering(service.mutual_tls(), &root, identity, &["h2"]).await.expect("a connection");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    stream
}

/// What became of a flood.
#[derive(Debug, Default)]
struct Flooded {
    /// The connection ended before all was sent.
    cut_off: bool,
    /// Error code of GOAWAY.
    goaway: Option<u32>,
    resets: usize,
    answers: usize,
    acknowledged: usize,
}

/// Sends the preface and these pieces, reads what comes.
async fn flood(stream: TlsStream<TcpStream>, pieces: impl Iterator<Item = Vec<u8>>) -> Flooded {
    let (reading, mut writing) = tokio::io::split(stream);
    let reader = tokio::spawn(read_frames(reading));
    let opening = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    let sending = async {
        writing.write_all(&opening).await?;
        for piece in pieces {
            writing.write_all(&piece).await?;
        }
        writing.flush().await
    };
    let sent = timeout(FLOOD_LASTS, sending).await;
    let stopped = reader.is_finished();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let ended = reader.is_finished();
    drop(writing.shutdown().await);
    let mut flooded = timeout(FLOOD_LASTS, reader).await.expect("closed in time").expect("frames");
    flooded.cut_off = stopped || ended || matches!(sent, Ok(Err(_)));
    flooded
}

async fn read_frames(mut stream: impl AsyncRead + Unpin) -> Flooded {
    let mut seen = Flooded::default();
    let mut head = [0; 9];
    let mut payload = Vec::new();
    while stream.read_exact(&mut head).await.is_ok() {
        payload.resize(u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize, 0);
        if stream.read_exact(&mut payload).await.is_err() {
            break;
        }
        match head[3] {
            HEADERS => seen.answers += 1,
            RST_STREAM => seen.resets += 1,
            SETTINGS | PING if head[4] == 1 => seen.acknowledged += 1,
            GOAWAY => seen.goaway = payload.get(4..8).map(|code| u32::from_be_bytes(code.try_into().expect("four"))),
            _ => {}
        }
    }
    seen
}

/// Memory of this process, in which the service runs, bytes.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a size");
    let kibibytes: usize = line.split_whitespace().nth(1).expect("a number").parse().expect("a number");
    kibibytes * 1024
}

/// Asks on both listeners until dropped; never waits long.
async fn others_are_answered(service: &Service, question: &Value) {
    loop {
        let asked = Instant::now();
        assert_eq!(service.verify(question).await.status, 200);
        let request = Request::json("/v1/verify", question);
        assert_eq!(service.as_member(Member::IssuingSystem, request).await.status, 200);
        assert!(asked.elapsed() < OTHERS_WAIT, "{:?}", asked.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn flood_beside_others(service: &Service, question: &Value, pieces: impl Iterator<Item = Vec<u8>>) -> Flooded {
    let stream = speaking_http2(service).await;
    let flooded = tokio::select! {
        flooded = flood(stream, pieces) => flooded,
        () = others_are_answered(service, question) => unreachable!("asks for ever"),
    };
    let _ = timeout(Duration::from_millis(200), others_are_answered(service, question)).await;
    flooded
}

async fn question(service: &Service) -> Value {
    let (signature, _) = service.issue("key-1", "detached").await;
    json!({"document": base64(CONTENT), "signature": base64(&signature)})
}

#[tokio::test(flavor = "multi_thread")]
async fn h03_floods_of_frames_are_cut_off_and_others_answered() {
    let service = Service::with(|config| config.limits.body_seconds = 2).await;
    let question = question(&service).await;
    let before = resident();

    // A head that does not end, with fields and without.
    let begun = frame(HEADERS, 0, 1, &header_block());
    let field = [&[0x00, 0x01, b'x', 0x7f, 0xe1, 0x06][..], &[b'a'; 992]].concat(); // a value of 127 + 97 + 6 * 128
    for fields in [&field[..], &[]] {
        let continuations = frame(CONTINUATION, 0, 1, fields).repeat(100);
        let pieces = std::iter::once(begun.clone()).chain(repeat_n(continuations, 1_000));
        let flooded = flood_beside_others(&service, &question, pieces).await;
        assert!(flooded.cut_off, "{flooded:?}");
        assert_eq!(flooded.answers, 0, "{flooded:?}");
    }

    // A body of nothing, without end.
    let begun = frame(HEADERS, END_HEADERS, 1, &header_block());
    let nothing = frame(DATA, 0, 1, &[]).repeat(1_000);
    let pieces = std::iter::once(begun).chain(repeat_n(nothing, 1_000));
    let flooded = flood_beside_others(&service, &question, pieces).await;
    assert!(flooded.cut_off, "{flooded:?}");

    // Requests taken back at once.
    let pieces = (0..2_000_u32).map(|index| {
        let stream = 2 * index + 1;
        let cancel = frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
        [frame(HEADERS, END_HEADERS, stream, &header_block()), cancel].concat()
    });
    let flooded = flood_beside_others(&service, &question, pieces).await;
    assert!(flooded.cut_off, "{flooded:?}");

    // Frames that want an answer each.
    for wants_answer in [frame(SETTINGS, 0, 0, &[]), frame(PING, 0, 0, &[7; 8])] {
        flood_beside_others(&service, &question, repeat_n(wants_answer.repeat(1_000), 100)).await;
    }

    let after = resident();
    assert!(after < before + MEMORY_MAY_GROW, "{before} bytes before, {after} after");
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_wants_answers_and_does_not_read_them_is_cut_off() {
    let service = Service::with(|config| {
        config.limits.header_seconds = 1;
        config.limits.body_seconds = 1;
    })
    .await;
    let before = resident();
    let mut http2 = speaking_http2(&service).await;
    http2.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await.expect("sent");
    let mut http1 = TcpStream::connect(service.running.public).await.expect("a connection");
    let pings = frame(PING, 0, 0, &[7; 8]).repeat(1_000);
    let requests = b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n".repeat(100);
    let (http2, http1) = tokio::join!(
        timeout(Duration::from_secs(8), async { while http2.write_all(&pings).await.is_ok() {} }),
        timeout(Duration::from_secs(8), async { while http1.write_all(&requests).await.is_ok() {} }),
    );
    assert!(http2.is_ok(), "HTTP/2 goes on");
    assert!(http1.is_ok(), "HTTP/1.1 goes on");
    assert_eq!(service.public(Request::get("/healthz")).await.status, 200);
    assert!(resident() < before + MEMORY_MAY_GROW);
    service.running.shutdown().await;
}

/// Until the other side closes, however it does.
async fn outlast(mut stream: impl AsyncRead + Unpin) {
    let _ = stream.read_to_end(&mut Vec::new()).await;
}

async fn idle(address: SocketAddr) {
    outlast(TcpStream::connect(address).await.expect("a connection")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_give_their_places_to_others_and_are_closed() {
    let service = Service::with(|config| {
        config.limits.connections = 64;
        config.limits.header_seconds = 3;
        config.limits.handshake_seconds = 3;
    })
    .await;
    let question = question(&service).await;
    let root = Member::Root.certificate_path(&service.pki());
    let idle_tls = |protocol: &'static str| {
        let (identity, root, address) = (service.identity(Member::Agency), root.clone(), service.mutual_tls());
        async move {
            if let Ok(stream) = connect_offering(address, &root, Some(identity), &[protocol]).await {
                outlast(stream).await;
            }
        }
    };
    for protocol in ["http/1.1", "h2"] {
        let plain = join_all((0..200).map(|_| idle(service.running.public)));
        let tls = join_all((0..200).map(|_| idle_tls(protocol)));
        let late = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let started = Instant::now();
            assert_eq!(service.verify(&question).await.status, 200);
            // More than 64 came, and their time is not over.
            assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
            let request = Request::json("/v1/verify", &question);
            assert_eq!(service.as_member(Member::IssuingSystem, request).await.status, 200);
        };
        let all = async { tokio::join!(plain, tls, late) };
        timeout(Duration::from_secs(9), all).await.unwrap_or_else(|_| panic!("idle {protocol} connections stay"));
        let asked = Instant::now();
        assert_eq!(service.verify(&question).await.status, 200);
        assert!(asked.elapsed() < OTHERS_WAIT);
    }
    service.running.shutdown().await;
}

/// Newcomers get in soon, once all places are taken.
async fn others_find_places(service: &Service, question: &Value) {
    tokio::time::sleep(Duration::from_millis(300)).await;
    for _ in 0..4 {
        let answer = timeout(OTHERS_WAIT, service.verify(question)).await.expect("a place in time");
        assert_eq!(answer.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_never_end_keep_nobody_out() {
    let service = Service::with(|config| config.limits.connections = 32).await;
    let question = question(&service).await;
    let head = "POST /v1/verify HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n[";
    let begun = (0..100).map(|_| async {
        let mut stream = TcpStream::connect(service.running.public).await.expect("a connection");
        let _ = stream.write_all(head.as_bytes()).await;
        outlast(stream).await;
    });
    tokio::select! {
        _ = join_all(begun) => panic!("all gave way though there are places for some"),
        () = others_find_places(&service, &question) => {}
    }
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_bodies_that_go_on_arriving_keep_nobody_out() {
    let service = Service::with(|config| config.limits.connections = 32).await;
    let question = question(&service).await;
    let head = "POST /v1/verify HTTP/1.1\r\nHost: a\r\nContent-Type: text/html\r\nContent-Length: 1000\r\n\r\n";
    // Each comes again as soon as it was sent away.
    let dripping = (0..100).map(|_| async {
        loop {
            let mut stream = TcpStream::connect(service.running.public).await.expect("a connection");
            let _ = stream.write_all(head.as_bytes()).await;
            while stream.write_all(b"[").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    });
    tokio::select! {
        _ = join_all(dripping) => unreachable!("they never end"),
        () = others_find_places(&service, &question) => {}
    }
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dripping_body_ends_in_408_on_both_versions() {
    let service = Service::with(|config| config.limits.body_seconds = 1).await;
    let started = Instant::now();
    // One octet at a time: what is slow is the whole, not the single octet.
    let mut stream = TcpStream::connect(service.running.public).await.expect("a connection");
    let head = "POST /v1/verify HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let (mut reading, mut writing) = stream.split();
    let mut answer = Vec::new();
    let dripping = async {
        while writing.write_all(b"[").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        std::future::pending().await
    };
    tokio::select! {
        read = reading.read_to_end(&mut answer) => drop(read),
        () = dripping => {}
    }
    assert_eq!(Answer::read(&answer).code(), "body-timeout");

    let begun = [frame(HEADERS, END_HEADERS, 1, &header_block()), frame(DATA, 0, 1, b"[")].concat();
    let mut stream = speaking_http2(&service).await;
    stream.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[]), &begun].concat()).await.expect("sent");
    let mut answer = Vec::new();
    let _ = timeout(Duration::from_secs(3), stream.read_to_end(&mut answer)).await;
    assert!(String::from_utf8_lossy(&answer).contains("\"body-timeout\""), "{answer:?}");
    assert!(started.elapsed() < Duration::from_secs(9), "{:?}", started.elapsed());
    // Whole requests on HTTP/2 are answered.
    let whole = [frame(HEADERS, END_HEADERS, 1, &header_block()), frame(DATA, END_STREAM, 1, b"{}")].concat();
    let flooded = flood(speaking_http2(&service).await, std::iter::once(whole)).await;
    assert_eq!((flooded.answers, flooded.cut_off), (1, false), "{flooded:?}");
    service.running.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_goes_on_counting_when_its_client_hangs_up() {
    let service = Service::with(|config| config.limits.concurrency = 1).await;
    let address = service.running.public;
    let mut pdf = b"%PDF-1.7\n".to_vec();
    pdf.extend(b"1 0 obj << /T#79pe /S#69g /Contents <00> >> endobj xref trailer startxref 0 ".repeat(200_000));
    let head = format!(
        "POST /v1/verify HTTP/1.1\r\nHost: a\r\nContent-Type: application/pdf\r\nContent-Length: {}\r\n\r\n",
        pdf.len()
    );
    let asked_again = || plain(address, Request::post("/v1/verify", "application/pdf", "x"));
    let mut sent_away = false;
    // What asks again may itself stand in the way of the first, and a busy machine may see the hang-up before the body, so it is
    // tried more than once.
    for _ in 0..12 {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(head.as_bytes()).await.expect("sent");
        stream.write_all(&pdf).await.expect("sent");
        drop(stream);
        for _ in 0..50 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            sent_away |= asked_again().await.status == 503;
        }
        if sent_away {
            break;
        }
    }
    assert!(sent_away, "a judgement without a client has no place of its own");
    while asked_again().await.status == 503 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(asked_again().await.status, 422);
    service.running.shutdown().await;
}
