//! A long CRL comes while documents are verified: every answer is right and comes soon, before, while and after it is loaded.

use std::time::{Duration, Instant};

use antin::{
    clock,
    pki::{
        Authority, Member,
        certificate::Issuer,
        crl::{Reason, RevocationList},
        file,
    },
};
use der::asn1::UtcTime;
use serde_json::json;
use x509_cert::{crl::RevokedCert, serial_number::SerialNumber, time::Time};

use super::{
    CONTENT, Service, base64,
    client::{Answer, Request},
};

const ENTRIES: u32 = 200_000;
/// One answer, on a machine that is busy with tests.
const SOON: Duration = Duration::from_secs(2);
/// Until the list counts, in a build that is not optimised.
const LOADED: Duration = Duration::from_secs(60);

impl Service {
    /// Entries of the CA's list that counts now.
    async fn listed(&self) -> u64 {
        let body = self.public(Request::get("/v1/trust")).await.json();
        body["intermediates"][0]["crl"]["entries"].as_u64().expect("a list")
    }

    /// The CA's next list, in place of the one in its file.
    fn publish(&self, list: &RevocationList, issuer: &Issuer) {
        let (path, bytes) = (Authority::Ca.crl_path(&self.pki()), list.sign(issuer).expect("a list"));
        let fresh = path.with_extension("fresh");
        std::fs::write(&fresh, bytes).and_then(|()| std::fs::rename(&fresh, path)).expect("written");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_are_verified_while_a_long_crl_is_loaded() {
    let service = Service::start().await;
    let (signature, _) = service.issue("reload", "detached").await;
    let question = json!({"document": base64(CONTENT), "signature": base64(&signature)});
    let issuer = Issuer::load(&service.pki(), Authority::Ca).expect("the CA");
    let now = clock::now();
    let since_1970 = Duration::from_secs(u64::try_from(now.unix()).expect("after 1970"));
    let revocation_date = Time::UtcTime(UtcTime::from_unix_duration(since_1970).expect("before 2050"));
    let entries = (0..ENTRIES).map(|number| RevokedCert {
        serial_number: SerialNumber::new(&[&[0x40], &number.to_be_bytes()[..]].concat()).expect("a number"),
        revocation_date,
        crl_entry_extensions: None,
    });
    let mut list = RevocationList { number: 100, entries: entries.collect(), ..RevocationList::first(now) };

    // Asked one after the other until the long list counts; the slowest of all answers counts.
    service.publish(&list, &issuer);
    let (started, mut slowest, mut answers) = (Instant::now(), Duration::ZERO, 0);
    let mut ask = async || {
        let asked = Instant::now();
        let answer: Answer = service.verify(&question).await;
        slowest = slowest.max(asked.elapsed());
        answers += 1;
        answer.reliance()
    };
    let accepted = ("ACCEPT".to_owned(), "valid".to_owned());
    while service.listed().await != u64::from(ENTRIES) {
        assert_eq!(ask().await, accepted);
        assert!(started.elapsed() < LOADED, "the list does not count after {LOADED:?}");
    }
    assert_eq!(ask().await, accepted);

    // The long list is the one that is asked: it revokes.
    let signer = file::read_certificate(&Member::Health.certificate_path(&service.pki())).expect("a certificate");
    let serial_number = &signer.certificate.tbs_certificate.serial_number;
    list.number += 1;
    list.revoke(serial_number, Reason::KeyCompromise, now).expect("revoked");
    service.publish(&list, &issuer);
    let (started, revoked) = (Instant::now(), ("UNDETERMINED".to_owned(), "certificate-revoked".to_owned()));
    loop {
        let answer = ask().await;
        if answer == revoked {
            break;
        }
        assert_eq!(answer, accepted);
        assert!(started.elapsed() < LOADED, "the revocation does not count after {LOADED:?}");
    }
    assert!(answers > 10, "{answers} answers: the list was there before anything was asked");
    assert!(slowest < SOON, "an answer took {slowest:?} while a list was loaded");
}
