//! `antin demo`: the whole story on this machine: a development PKI, the service, papers of every kind signed over mutual TLS, proved to be
//! in the issuance log and verified over HTTP; one byte flipped, a prepared paper caught, one used up, one withdrawn, one signer revoked,
//! a rewritten log caught.

use std::io::IsTerminal as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::office::{Failure, Office};
use super::shown::Shown;
use super::signed_paper::{Paper, Place, field_of};
use super::transparency::Auditor;
use super::{HEALTH_BOOK, JUDICIAL_CERTIFICATE, OTHERS, judicial_pdf, shadow, standing};
use crate::cli::output::note;
use crate::cli::{dev, exit, serve};
use crate::clock;
use crate::pki::{self, Member, Reason};

/// A revocation is seen by the service within this time.
const REVOCATION_SEEN: Duration = Duration::from_secs(10);

const FHIR: &str = "application/fhir+json";
const JSON: &str = "application/json";

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
    let office = Office::new(&pki, Member::IssuingSystem, public, mutual_tls)?;
    let agency = Office::new(&pki, Member::Agency, public, mutual_tls)?;

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

    say("\n4 each is in the public issuance log: the proof holds offline, with the log's public key alone".into());
    let log = directory.join(dev::ISSUANCE_LOG);
    let mut auditor = Auditor::new(&log.with_extension("pub"))?;
    let mut positions = Vec::new();
    for (name, paper) in papers {
        auditor.prove(&office, name, paper).await?;
    }
    for paper in &others {
        positions.push(auditor.prove(&office, &paper.kind.replace('-', " "), paper).await?);
    }
    auditor.keep_checkpoint(&office).await?;

    say("\n5 an agency verifies them".into());
    for (name, paper) in papers {
        shown.expect(name, &paper.verify(&office, false).await?, "valid")?;
    }
    for paper in &others {
        shown.expect(&paper.kind.replace('-', " "), &paper.verify(&office, false).await?, "valid")?;
    }
    say("\n6 one byte is flipped".into());
    for (name, paper) in papers {
        shown.expect(name, &paper.verify(&office, true).await?, "document-changed")?;
    }
    say("\n7 a forger has a paper signed that he prepared, and hides the criminal record afterwards (a shadow attack)"
        .into());
    let (prepared, cover) = shadow::prepare(&certificate)?;
    let prepared = Paper::sign(&office, "judicial-certificate", &prepared, Place::InPdf).await?;
    let answer = prepared.verify(&office, false).await?;
    shown.expect("as it was signed", &answer, "valid")?;
    shown.warnings(&answer);
    let revealed = Paper { signature: shadow::reveal(&prepared.signature, cover)?, ..prepared };
    shown.expect("as he shows it", &revealed.verify(&office, false).await?, "pdf-changed-page")?;

    let of_kind = |kind: &str| others.iter().position(|paper| paper.kind == kind).ok_or("a kind is missing");
    let appointment = &others[of_kind("re-examination")?];
    say("\n8 an appointment is good once; two counters take it at the same moment".into());
    standing::use_at_two_counters(&agency, &shown, appointment).await?;
    shown.expect("re examination", &appointment.verify(&office, false).await?, "document-used")?;

    say("\n9 the issuer withdraws a judicial certificate that was issued by mistake".into());
    let withdrawn = of_kind("judicial-certificate-1")?;
    standing::withdraw(&office, &others[withdrawn]).await?;
    shown.expect("judicial certificate 1", &others[withdrawn].verify(&office, false).await?, "document-withdrawn")?;

    say("\n10 the hospital's certificate is revoked (its key was stolen)".into());
    pki::revoke(&pki, &Member::Health.certificate_path(&pki), Reason::KeyCompromise, clock::now())?;
    let answer = until_revoked(&office, &health_book).await?;
    shown.expect("health book", &answer, "certificate-revoked")?;
    shown.expect("judicial certificate", &judicial.verify(&office, false).await?, "valid")?;

    running.shutdown().await;
    say("\n11 somebody rewrites the issuance log".into());
    auditor.catch_forgers(&log, &log.with_extension("key"), positions[withdrawn])?;
    judicial.keep(&directory, "judicial-certificate")?;
    health_book.keep(&directory, "health-book")?;
    say(by_hand(&directory, public, mutual_tls));
    Ok(())
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
