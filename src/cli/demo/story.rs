//! `antin demo`: the whole story on this machine: a development PKI, the service, two real papers signed over mutual TLS and
//! verified over HTTP, one byte flipped, a prepared paper caught, one signer revoked.

use std::error::Error;
use std::io::IsTerminal as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::office::Office;
use super::{HEALTH_BOOK, JUDICIAL_CERTIFICATE, OTHERS, judicial_pdf, shadow};
use crate::cli::output::note;
use crate::cli::{dev, exit, serve};
use crate::clock;
use crate::core::report::text::Language;
use crate::core::report::{Text, message};
use crate::pki::{self, Member, Reason};

/// A revocation is seen by the service within this time.
const REVOCATION_SEEN: Duration = Duration::from_secs(10);

const FHIR: &str = "application/fhir+json";
const JSON: &str = "application/json";

type Failure = Box<dyn Error>;

/// Runs the story; exit 0 if every answer was the one told, 70 otherwise.
pub fn run() -> ExitCode {
    let told = serve::runtime().map_err(Failure::from).and_then(|runtime| runtime.block_on(tell()));
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            note(format_args!("antin demo: {failure}"));
            exit::INTERNAL.into()
        }
    }
}

async fn tell() -> Result<(), Failure> {
    let directory = fresh_directory()?;
    let addresses = free_addresses()?;
    let say = |text: String| exit::print(&format!("{text}\n"));
    say("antin: from the office that signs to the office that relies on it, on this machine\n".into());

    let running = dev::start(&directory, addresses).await?;
    let pki = directory.join("pki");
    say(format!("1 PKI      a root, a public-service CA, a signer for each authority, CRLs: {}", pki.display()));
    let [public, mutual_tls] = addresses.map(|address| address.port());
    say(format!(
        "2 service  http://127.0.0.1:{public} to verify, https://127.0.0.1:{mutual_tls} (mutual TLS) to sign\n"
    ));
    let office = Office::new(&pki, public, mutual_tls)?;

    let certificate = judicial_pdf::render(&serde_json::from_str(JUDICIAL_CERTIFICATE)?)?;
    let health_book = Paper::sign(&office, "health-book", HEALTH_BOOK.as_bytes(), Place::Beside(FHIR)).await?;
    let judicial = Paper::sign(&office, "judicial-certificate", &certificate, Place::InPdf).await?;
    let papers = [("health book", &health_book), ("judicial certificate", &judicial)];
    let signed = |name: &str, paper: &Paper| {
        let size = paper.content.len().div_ceil(1024);
        format!("3 sign     {name:24}201 {}  {size} KiB, {}", paper.id, paper.place.words())
    };
    for (name, paper) in papers {
        say(signed(name, paper));
    }
    let mut others = Vec::new();
    for (kind, document) in OTHERS {
        let paper = Paper::sign(&office, kind, document.as_bytes(), Place::Beside(JSON)).await?;
        say(signed(&kind.replace('-', " "), &paper));
        others.push(paper);
    }
    let incomplete = JUDICIAL_CERTIFICATE.replace("\"birthDate\"", "\"bornOn\"");
    let refused = Paper::sign(&office, "judicial-certificate-1", incomplete.as_bytes(), Place::Beside(JSON)).await;
    let why = refused.err().map(|failure| failure.to_string()).unwrap_or_default();
    if !why.contains("document-malformed") {
        return Err(format!("a form without a birth date was not refused: {why}").into());
    }
    say(format!("  ✘ a form 1 without a birth date is not signed: {}", field_of(&why, "detail")));
    let shown = Shown { colour: std::io::stdout().is_terminal(), language: crate::cli::verify::language() };

    say("\n4 an agency verifies them".into());
    for (name, paper) in papers {
        shown.expect(name, &paper.verify(&office, false).await?, "valid")?;
    }
    for paper in &others {
        shown.expect(&paper.kind.replace('-', " "), &paper.verify(&office, false).await?, "valid")?;
    }
    say("\n5 one byte is flipped".into());
    for (name, paper) in papers {
        shown.expect(name, &paper.verify(&office, true).await?, "document-changed")?;
    }
    say("\n6 a forger has a paper signed that he prepared, and hides the criminal record afterwards (a shadow attack)"
        .into());
    let (prepared, cover) = shadow::prepare(&certificate)?;
    let prepared = Paper::sign(&office, "judicial-certificate", &prepared, Place::InPdf).await?;
    let answer = prepared.verify(&office, false).await?;
    shown.expect("as it was signed", &answer, "valid")?;
    shown.warnings(&answer);
    let revealed = Paper { signature: shadow::reveal(&prepared.signature, cover)?, ..prepared };
    shown.expect("as he shows it", &revealed.verify(&office, false).await?, "pdf-changed-page")?;
    say("\n7 the hospital's certificate is revoked (its key was stolen)".into());
    pki::revoke(&pki, &Member::Health.certificate_path(&pki), Reason::KeyCompromise, clock::now())?;
    let answer = until_revoked(&office, &health_book).await?;
    shown.expect("health book", &answer, "certificate-revoked")?;
    shown.expect("judicial certificate", &judicial.verify(&office, false).await?, "valid")?;

    running.shutdown().await;
    judicial.keep(&directory, "judicial-certificate")?;
    health_book.keep(&directory, "health-book")?;
    say(by_hand(&directory, public, mutual_tls));
    Ok(())
}

/// A paper with its signature.
struct Paper {
    id: String,
    kind: &'static str,
    content: Vec<u8>,
    /// The message; the whole document, if it stands in that.
    signature: Vec<u8>,
    place: Place,
}

/// Where a signature stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Of a document of this media type.
    Beside(&'static str),
    InPdf,
}

impl Place {
    const fn words(self) -> &'static str {
        match self {
            Self::Beside(_) => "CAdES beside it",
            Self::InPdf => "PAdES inside it",
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Beside(media_type) => media_type,
            Self::InPdf => "application/pdf",
        }
    }
}

impl Paper {
    /// Signed by the service, for the issuing system.
    async fn sign(office: &Office, kind: &'static str, content: &[u8], place: Place) -> Result<Self, Failure> {
        let answer = office.sign(&sign_request(kind, content, place)).await?;
        let text = |name: &str| answer[name].as_str().ok_or_else(|| format!("unexpected answer to sign: {answer}"));
        let signature = text(if place == Place::InPdf { "document" } else { "signature" })?;
        Ok(Self {
            id: text("id")?.to_owned(),
            kind,
            content: content.to_vec(),
            signature: STANDARD.decode(signature)?,
            place,
        })
    }

    /// The service's answer about it, or about a copy with one byte of the content flipped.
    async fn verify(&self, office: &Office, flipped: bool) -> Result<Value, Failure> {
        let flip = |bytes: &[u8]| {
            let mut bytes = bytes.to_vec();
            if flipped {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
            }
            STANDARD.encode(bytes)
        };
        office
            .verify(&match self.place {
                Place::InPdf => json!({ "document": flip(&self.signature) }),
                Place::Beside(_) => {
                    json!({ "document": flip(&self.content), "signature": STANDARD.encode(&self.signature) })
                }
            })
            .await
    }

    fn keep(&self, directory: &Path, name: &str) -> Result<(), Failure> {
        match self.place {
            Place::InPdf => std::fs::write(directory.join(format!("{name}.pdf")), &self.signature)?,
            Place::Beside(_) => {
                std::fs::write(directory.join(format!("{name}.json")), &self.content)?;
                std::fs::write(directory.join(format!("{name}.p7s")), &self.signature)?;
            }
        }
        let request = sign_request(self.kind, &self.content, self.place);
        std::fs::write(directory.join(format!("sign-{name}.json")), request.to_string())?;
        Ok(())
    }
}

/// A member of the answer that is named in a failure; all of it, if there is none.
fn field_of(failure: &str, name: &str) -> String {
    let json = failure.find('{').map(|at| &failure[at..]);
    let parsed = json.and_then(|json| serde_json::from_str::<Value>(json).ok());
    parsed.and_then(|answer| answer[name].as_str().map(str::to_owned)).unwrap_or_else(|| failure.to_owned())
}

fn sign_request(kind: &str, content: &[u8], place: Place) -> Value {
    let mut request = json!({
        "kind": kind,
        "document": STANDARD.encode(content),
        "mediaType": place.media_type(),
        "level": "B-B",
    });
    match place {
        Place::InPdf => request["format"] = "pades".into(),
        Place::Beside(_) => {
            request["format"] = "cades".into();
            request["packaging"] = "detached".into();
        }
    }
    request
}

/// How answers are shown to the visitor.
struct Shown {
    colour: bool,
    language: Language,
}

impl Shown {
    /// Shows an answer with its reason; an answer with another code than the story tells ends it.
    fn expect(&self, name: &str, answer: &Value, code: &str) -> Result<(), Failure> {
        let reliance = &answer["reliance"];
        let outcome = reliance["outcome"].as_str().unwrap_or_default();
        let (sign, colour) = match outcome {
            "ACCEPT" => ("✔", "\x1b[1;32m"),
            "REJECT" => ("✘", "\x1b[1;31m"),
            _ => ("?", "\x1b[1;33m"),
        };
        let (start, end) = if self.colour { (colour, "\x1b[0m") } else { ("", "") };
        let language = if self.language == Language::Vietnamese { "vi" } else { "en" };
        let indication = answer["verdict"]["indication"].as_str().unwrap_or_default();
        let sub = answer["verdict"]["subIndication"].as_str().map(|sub| format!(" / {sub}")).unwrap_or_default();
        let message = reliance["message"][language].as_str().unwrap_or_default();
        exit::print(&format!("  {start}{sign} {name:23}{outcome:13}{end}{indication}{sub}\n{:27}{message}\n", ""));
        if reliance["code"] == code { Ok(()) } else { Err(format!("{name}: expected {code}, got {answer:#}").into()) }
    }
}

impl Shown {
    /// What an answer warns of though it is a pass.
    fn warnings(&self, answer: &Value) {
        let checks = answer["signatures"].as_array().into_iter().flatten();
        let checks = checks.filter_map(|signature| signature["checks"].as_array()).flatten();
        let warned = checks.filter(|check| check["result"] == "warning").filter_map(|check| check["code"].as_str());
        for code in warned.filter_map(|code| message::codes().find(|known| *known == code)) {
            let Text { vi, en, .. } = message::of(code).message;
            exit::print(&format!("{:27}! {}\n", "", self.language.pick(vi, en)));
        }
    }
}

/// The CRL is a file that the service looks at every second.
async fn until_revoked(office: &Office, paper: &Paper) -> Result<Value, Failure> {
    let started = Instant::now();
    loop {
        let answer = paper.verify(office, false).await?;
        if answer["reliance"]["code"] != "valid" || started.elapsed() > REVOCATION_SEEN {
            return Ok(answer);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn fresh_directory() -> Result<PathBuf, Failure> {
    use std::os::unix::fs::DirBuilderExt as _;
    let mut random = [0; 6];
    openssl::rand::rand_bytes(&mut random)?;
    let directory = std::env::temp_dir().join(format!("antin-demo-{}", hex::encode(random)));
    std::fs::DirBuilder::new().mode(0o700).create(&directory)?;
    Ok(directory)
}

/// 8080 and 8081 if they are free, as the command line's defaults, else two others.
fn free_addresses() -> Result<[SocketAddr; 2], Failure> {
    let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let neighbours = |port: u16| {
        let first = TcpListener::bind(local(port)).ok()?;
        let port = first.local_addr().ok()?.port();
        let next = TcpListener::bind(local(port.checked_add(1)?)).ok()?;
        Some([local(port), next.local_addr().ok()?])
    };
    let found = std::iter::once(8080).chain(std::iter::repeat_n(0, 32)).find_map(neighbours);
    found.ok_or_else(|| "no two neighbouring ports are free on 127.0.0.1".into())
}

fn by_hand(directory: &Path, public: u16, mutual_tls: u16) -> String {
    let program = std::env::current_exe().map_or("antin".to_owned(), |path| path.display().to_string());
    let folder = directory.display();
    format!(
        "
Go on by hand (the papers, signatures and the PKI stay in {folder}):
  {program} dev --dir {folder} --port {public} &
  curl -s --retry 9 --retry-connrefused -H 'Content-Type: application/pdf' --data-binary @{folder}/judicial-certificate.pdf http://127.0.0.1:{public}/v1/verify
  curl -s -F signature=@{folder}/health-book.p7s -F document=@{folder}/health-book.json http://127.0.0.1:{public}/v1/verify
  curl -s --cacert {folder}/pki/root.crt --cert {folder}/pki/clients/issuing-system.crt --key {folder}/pki/clients/issuing-system.key \\
    -H 'Idempotency-Key: by-hand-1' -H 'Content-Type: application/json' -d @{folder}/sign-judicial-certificate.json https://127.0.0.1:{mutual_tls}/v1/sign
  {program} verify --content {folder}/health-book.json --trust-anchor {folder}/pki/root.crt --intermediate {folder}/pki/ca.crt \\
    --crl {folder}/pki/crl/root.crl --crl {folder}/pki/crl/ca.crl {folder}/health-book.p7s"
    )
}
