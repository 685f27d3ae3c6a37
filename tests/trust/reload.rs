//! A running `antin serve` takes new trust without a restart, all of it or nothing.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use antin::trust::manifest::FILE_NAME;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{add, antin, fingerprint, from_now, said, sign_list, with_pki};

/// Longer than any change takes to be seen.
const PATIENCE: Duration = Duration::from_secs(20);
const UNTRUSTED: &str = "anchor-kind-not-allowed";

/// A process; ended with the value.
struct Serving {
    process: Child,
    public: SocketAddr,
    internal: SocketAddr,
    log: Arc<Mutex<String>>,
    document: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Settings over the PKI beside them; `trust` stands in `[trust]`.
fn settings(directory: &Path, trust: &str) -> SocketAddr {
    let internal = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free address");
    let text = format!(
        "[public]\naddress = \"127.0.0.1:0\"\n[mutual-tls]\nenabled = false\n\
         [internal]\nenabled = true\naddress = \"{internal}\"\n[trust]\n{trust}\n\
         [revocation]\nsources = [\n\
         {{ file = \"pki/crl/root.crl\", issuer-file = \"pki/root.crt\" }},\n\
         {{ file = \"pki/crl/ca.crl\", issuer-file = \"pki/ca.crt\" }},\n]\n"
    );
    fs::write(directory.join("antin.toml"), text).expect("written");
    internal
}

impl Serving {
    fn start(directory: &Path, trust: &str) -> Self {
        let internal = settings(directory, trust);
        Self::started(directory, internal, |_| ())
    }

    /// By the settings that are there; `meanwhile` happens before the service is ready.
    fn started(directory: &Path, internal: SocketAddr, meanwhile: impl FnOnce(&Child)) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_antin"))
            .args(["serve", "--config", "antin.toml"])
            .current_dir(directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let log = Arc::new(Mutex::new(String::new()));
        let (lines, kept) = (BufReader::new(process.stderr.take().expect("a log")), Arc::clone(&log));
        thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let mut kept = kept.lock().expect("no panic");
                kept.push_str(&line);
                kept.push('\n');
            }
        });
        meanwhile(&process);
        let mut ready = String::new();
        let output = process.stdout.take().expect("an output");
        BufReader::new(output).read_line(&mut ready).expect("a line");
        let public = ready.trim().strip_prefix("ready http://").and_then(|address| address.parse().ok());
        let public = public.unwrap_or_else(|| panic!("{ready:?}: {}", log.lock().expect("no panic")));
        let arguments = ["sign", "--key", "pki/signers/health.key", "--cert", "pki/signers/health.crt"];
        let more = ["--chain", "pki/ca.crt", "--kind", "health-book", "--id", "1", "--out", "book.p7m", "pki/root.crt"];
        let signed = antin(directory, &[&arguments[..], &more].concat());
        assert_eq!(said(&signed).0, 0, "{signed:?}");
        let document = STANDARD.encode(fs::read(directory.join("book.p7m")).expect("there"));
        Self { process, public, internal, log, document }
    }

    fn ask(address: SocketAddr, head: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(address).expect("a connection");
        let length = body.len();
        let request = format!("{head} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n");
        let request = format!("{request}Content-Type: application/json\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer.split_once("\r\n\r\n").expect("a body").1.to_owned()
    }

    /// The code of `reliance` about the one document.
    fn verdict(&self) -> String {
        let question = json!({ "document": self.document }).to_string();
        let answer: Value = serde_json::from_str(&Self::ask(self.public, "POST /v1/verify", &question)).expect("JSON");
        answer["reliance"]["code"].as_str().expect("a code").to_owned()
    }

    fn figure(&self, name: &str) -> Option<f64> {
        let figures = Self::ask(self.internal, "GET /metrics", "");
        let line = figures.lines().find(|line| line.starts_with(&format!("{name} ")))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    fn log(&self) -> String {
        self.log.lock().expect("no panic").clone()
    }

    fn wait(&self, what: &str, until: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !until(self) {
            assert!(started.elapsed() < PATIENCE, "{what}: {} {}", self.verdict(), self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn hang_up(&self) {
        hang_up(&self.process);
    }
}

fn hang_up(process: &Child) {
    let sent = Command::new("kill").args(["-HUP", &process.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
}

#[test]
fn a_hangup_during_the_start_is_answered_once_the_service_runs() {
    let directory = with_pki();
    let path = directory.path();
    let internal = settings(path, "anchors = [\"pki/root.crt\"]");
    // A source that takes the question and says nothing.
    let source = TcpListener::bind("127.0.0.1:0").expect("a free address");
    let address = source.local_addr().expect("an address");
    let hosts =
        format!("allowed-hosts = [{{ host = \"127.0.0.1\", port = {}, allow-private = true }}]", address.port());
    let file = path.join("antin.toml");
    let text = fs::read_to_string(&file).expect("settings");
    let sources =
        format!("start-timeout-seconds = 3\n{hosts}\nsources = [\n{{ urls = [\"http://{address}/x.crl\"] }},\n");
    fs::write(&file, text.replace("sources = [\n", &sources)).expect("written");
    let (connected, asked) = mpsc::channel();
    thread::spawn(move || connected.send(source.accept()));
    let mut connection = None;
    let service = Serving::started(path, internal, |process| {
        connection = Some(asked.recv_timeout(PATIENCE).expect("the start asks its source"));
        hang_up(process);
    });
    service.wait("the answer to SIGHUP", |service| service.log().contains("trust read again; nothing changed"));
}

#[test]
fn a_change_of_the_folder_counts_and_a_bad_one_leaves_the_old() {
    let directory = with_pki();
    let path = directory.path();
    assert_eq!((add(path, "pki/root.crt", &[]).0, add(path, "pki/ca.crt", &[]).0), (0, 0));
    let service = Serving::start(path, "directories = [\"trust\"]");
    service.wait("the first CRLs", |service| service.verdict() == "valid");

    let manifest = path.join("trust").join(FILE_NAME);
    let good = fs::read_to_string(&manifest).expect("a manifest");
    let (root, ca) = good
        .split_once("\n[[certificate]]\n")
        .and_then(|(heading, rest)| {
            let (root, ca) = rest.split_once("\n[[certificate]]\n")?;
            Some((format!("{heading}\n[[certificate]]\n{root}"), ca))
        })
        .expect("two entries");
    let limited = format!("{root}limits = {{ kinds = [\"judicial-certificate\"] }}\n\n[[certificate]]\n{ca}");
    fs::write(&manifest, &limited).expect("written");
    service.wait("the limit", |service| service.verdict() == UNTRUSTED);

    // A file that nobody pinned, with it the unlimited root: nothing of the change counts.
    fs::write(path.join("trust/x.crt"), "junk").expect("written");
    fs::write(&manifest, &good).expect("written");
    service.wait("the refusal", |service| service.log().contains("does not count; the old one stays in force"));
    assert_eq!(service.verdict(), UNTRUSTED);
    let refused = service.figure("antin_trust_refused_total").expect("counted");
    service.hang_up();
    service.wait("the answer to SIGHUP", |service| service.figure("antin_trust_refused_total") > Some(refused));
    assert_eq!(service.verdict(), UNTRUSTED);

    fs::remove_file(path.join("trust/x.crt")).expect("removed");
    service.wait("the good set", |service| service.verdict() == "valid");
    assert_eq!(service.figure("antin_trust_anchors"), Some(1.0));
    service.hang_up();
    service.wait("the answer to SIGHUP", |service| service.log().contains("trust read again; nothing changed"));
    assert_eq!(service.verdict(), "valid");
}

#[test]
fn a_signed_list_counts_when_it_is_there_and_an_older_one_never() {
    let directory = with_pki();
    let path = directory.path();
    let signer = "signers/judicial";
    assert_eq!(add(path, "pki/ca.crt", &[]).0, 0);
    assert_eq!(add(path, "pki/root.crt", &["--kind", "judicial-certificate"]).0, 0);
    assert_eq!(sign_list(path, signer, "1", from_now(3600), "one.p7m").0, 0);
    let manifest = path.join("trust").join(FILE_NAME);
    let text = fs::read_to_string(&manifest).expect("a manifest");
    fs::write(&manifest, text.replace("judicial-certificate", "health-book")).expect("written");
    // Long enough to be in force, short enough to see it end.
    let end = from_now(8);
    assert_eq!(sign_list(path, signer, "2", end, "two.p7m").0, 0);
    assert_eq!(sign_list(path, "signers/health", "3", from_now(3600), "forged.p7m").0, 0);

    fs::copy(path.join("one.p7m"), path.join("list.p7m")).expect("copied");
    let sha256 = fingerprint(&path.join("pki/signers/judicial.crt"));
    let trust = format!("list = {{ file = \"list.p7m\", signer-sha256 = \"{sha256}\" }}");
    let service = Serving::start(path, &trust);
    service.wait("the first list", |service| service.verdict() == UNTRUSTED);
    let put = |file: &str| {
        fs::copy(path.join(file), path.join("list.new")).expect("copied");
        fs::rename(path.join("list.new"), path.join("list.p7m")).expect("renamed");
    };
    put("two.p7m");
    service.wait("the second list", |service| service.verdict() == "valid");
    assert_eq!(service.figure("antin_trust_list_sequence"), Some(2.0));
    put("one.p7m");
    service.wait("the refusal", |service| service.log().contains("an older list does not come back"));
    put("forged.p7m");
    service.wait("the refusal", |service| service.log().contains("that may sign the trust list is not in it"));
    assert_eq!(service.verdict(), "valid");
    service.wait("the end", |service| service.log().contains("the trust list has expired"));
    assert_eq!(service.verdict(), "valid", "it goes on serving");
    assert!(service.figure("antin_trust_list_seconds_to_next_update") < Some(0.0));
    drop(service);

    // Neither does it after a restart; the one that was in force still does.
    put("one.p7m");
    let started = antin(path, &["serve", "--config", "antin.toml"]);
    let (code, text) = said(&started);
    assert!(code == 65 && text.contains("an older list does not come back"), "{text}");
    put("two.p7m");
    let service = Serving::start(path, &trust);
    service.wait("the second list", |service| service.verdict() == "valid");
    service.wait("the word about its end", |service| service.log().contains("the trust list has expired"));
}

#[test]
fn without_its_state_file_a_running_service_lets_no_older_list_back() {
    let directory = with_pki();
    let path = directory.path();
    assert_eq!((add(path, "pki/ca.crt", &[]).0, add(path, "pki/root.crt", &[]).0), (0, 0));
    for (number, file) in [("8", "eight.p7m"), ("9", "nine.p7m")] {
        assert_eq!(sign_list(path, "signers/judicial", number, from_now(3600), file).0, 0);
    }
    let sha256 = fingerprint(&path.join("pki/signers/judicial.crt"));
    let trust = format!("list = {{ file = \"list.p7m\", signer-sha256 = \"{sha256}\", state-file = \"state.json\" }}");
    let put = |file: &str| {
        fs::copy(path.join(file), path.join("list.new")).expect("copied");
        fs::rename(path.join("list.new"), path.join("list.p7m")).expect("renamed");
    };
    put("nine.p7m");
    let service = Serving::start(path, &trust);
    let number = |service: &Serving| service.figure("antin_trust_list_sequence");
    service.wait("the list", |service| number(service) == Some(9.0));
    let state = path.join("state.json");
    let kept = fs::read(&state).expect("a state");
    fs::remove_file(&state).expect("removed");
    put("eight.p7m");
    service.wait("the refusal", |service| service.log().contains("an older list does not come back"));
    service.wait("the state", |service| service.log().contains("it is written again"));
    assert_eq!((number(&service), fs::read(&state).expect("a state")), (Some(9.0), kept.clone()));
    // Nor one that was set back.
    fs::write(&state, String::from_utf8_lossy(&kept).replace("\"sequence\":9", "\"sequence\":8")).expect("written");
    service.wait("the state", |_| fs::read(&state).is_ok_and(|found| found == kept));
}
