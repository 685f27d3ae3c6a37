//! Whoever signs PDFs: a development PKI with a time-stamping authority, the program, and foreign programs that look at what it made.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

use antin::{
    clock,
    core::{
        cms::{build::attribute, timestamp_exchange, unsigned::add_attribute},
        der::writer,
    },
    pki::{self, InitOptions, tsa::TimeStampingAuthority},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::oracles;
use crate::revocation::responder::{Answer as Reply, Responder};

/// Three pages of PDF/A with a table of cross-references.
pub const PAPER: &[u8] = include_bytes!("../../testvectors/documents/judicial-certificate.pdf");

pub struct Office {
    directory: TempDir,
    authority: Responder,
}

impl Office {
    pub fn open() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        pki::init(&directory.path().join("pki"), &InitOptions::default(), clock::now()).expect("a PKI");
        let authority = TimeStampingAuthority::load(&directory.path().join("pki")).expect("an authority");
        let answer = move |query: &[u8]| authority.answer(query, clock::now()).expect("an answer");
        Self { directory, authority: Responder::start(Reply::Made(Arc::new(answer))) }
    }

    /// With an authority whose tokens have so many octets more, which nobody signed.
    pub fn with_long_tokens(octets: usize) -> Self {
        let office = Self::open();
        let authority = TimeStampingAuthority::load(&office.path("pki")).expect("an authority");
        let answer = move |query: &[u8]| {
            let answer = authority.answer(query, clock::now()).expect("an answer");
            let padding = attribute(&[0x2A, 3, 4, 5], &writer::octet_string(&vec![7; octets]));
            let token = timestamp_exchange::decode_response(&answer).expect("granted");
            timestamp_exchange::encode_granted(&add_attribute(token, 0, &padding).expect("one signer"))
        };
        office.authority.tell(Reply::Made(Arc::new(answer)));
        office
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("UTF-8").to_owned()
    }

    /// Where its time-stamping authority is asked.
    pub fn authority(&self) -> String {
        self.authority.base_url()
    }

    /// Writes a file there; its path.
    pub fn lay(&self, name: &str, octets: &[u8]) -> String {
        fs::write(self.path(name), octets).expect("written");
        self.text(name)
    }

    /// The options that name the root, the CA and their CRLs.
    fn evidence(&self) -> Vec<String> {
        let of = |option: &str, name: &str| [option.to_owned(), self.text(&format!("pki/{name}"))];
        let [root, ca] = [of("--trust-anchor", "root.crt"), of("--intermediate", "ca.crt")];
        [root, ca, of("--crl", "crl/root.crl"), of("--crl", "crl/ca.crl")].concat()
    }

    fn antin(&self, arguments: &[String]) -> Output {
        let nothing = self.path("no-anchors");
        fs::create_dir_all(&nothing).expect("a folder");
        let mut command = Command::new(env!("CARGO_BIN_EXE_antin"));
        command.args(arguments).env("ANTIN_TRUST_ANCHORS", nothing).output().expect("it runs")
    }

    /// What `antin` wrote, or its exit code and what it said.
    fn made(&self, arguments: Vec<String>, input: &[u8]) -> Result<Vec<u8>, (i32, String)> {
        let (input, out) = (self.lay("input.pdf", input), self.path("out.pdf"));
        let _ = fs::remove_file(&out);
        let out_text = self.text("out.pdf");
        let output = self.antin(&[arguments, vec!["--out".to_owned(), out_text, input]].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.code() {
            Some(0) => Ok(fs::read(out).expect("written")),
            code => {
                assert!(!out.exists(), "{said}");
                Err((code.expect("no signal"), said))
            }
        }
    }

    /// `antin sign --format pades` by `judicial` or `health`.
    pub fn sign(&self, signer: &str, input: &[u8], options: &[&str]) -> Result<Vec<u8>, (i32, String)> {
        let key = self.text(&format!("pki/signers/{signer}.key"));
        let [certificate, ca] = [self.text(&format!("pki/signers/{signer}.crt")), self.text("pki/ca.crt")];
        let fixed = ["sign", "--format", "pades", "--key", &key, "--cert", &certificate, "--chain", &ca];
        let mut arguments: Vec<String> = fixed.iter().chain(options).map(|option| (*option).to_owned()).collect();
        if options.contains(&"--level") {
            arguments.extend(["--tsa".to_owned(), self.authority.base_url()]);
            arguments.extend(self.evidence());
        }
        self.made(arguments, input)
    }

    pub fn extend(&self, input: &[u8], level: &str) -> Result<Vec<u8>, (i32, String)> {
        let url = self.authority.base_url();
        let fixed = ["extend", "--level", level, "--tsa", &url].map(str::to_owned);
        self.made([fixed.to_vec(), self.evidence()].concat(), input)
    }

    /// The judgement of `antin verify`.
    pub fn report(&self, pdf: &[u8]) -> Value {
        let file = self.lay("judged.pdf", pdf);
        let fixed = ["verify", "--format", "json"].map(str::to_owned);
        let output = self.antin(&[fixed.to_vec(), self.evidence(), vec![file]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
    }

    /// It is accepted, by these formats of its signatures.
    pub fn accepts(&self, pdf: &[u8], formats: &[&str]) -> Value {
        let report = self.report(pdf);
        assert_eq!(report["reliance"]["outcome"], "ACCEPT", "{}", report["verdict"]);
        let signatures = report["signatures"].as_array().expect("a list");
        let found: Vec<&str> = signatures.iter().filter_map(|signature| signature["format"].as_str()).collect();
        assert_eq!(found, formats);
        report
    }
}

/// The same document written anew by qpdf; `None` where there is none.
pub fn rewritten(office: &Office, document: &[u8], options: &[&str]) -> Option<Vec<u8>> {
    let qpdf = oracles::command("qpdf")?;
    let (input, out) = (office.lay("plain.pdf", document), office.text("rewritten.pdf"));
    let output = oracles::run(qpdf, &[options, &[&input, &out]].concat());
    assert!(output.status.success(), "{options:?}: {output:?}");
    Some(fs::read(Path::new(&out)).expect("written"))
}

/// qpdf finds nothing wrong, and pdfsig as many valid signatures.
pub fn foreign_programs_accept(office: &Office, pdf: &[u8], signatures: usize) {
    let file = office.lay("looked-at.pdf", pdf);
    if let Some(qpdf) = oracles::command("qpdf") {
        let output = oracles::run(qpdf, &["--check", &file]);
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
    if let Some(pdfsig) = oracles::command("pdfsig") {
        let output = oracles::run(pdfsig, &["-nocert", &file]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(said.matches("Signature Validation: Signature is Valid.").count(), signatures, "{said}");
    }
}
