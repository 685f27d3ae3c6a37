//! Fetches for certificates that nobody vouches for: strangers use up the share of strangers alone.

use std::sync::Arc;

use antin::clock;
use antin::core::x509::Certificate;
use antin::pki::certificate::{Issuer, Profile, issue};
use antin::pki::{Authority, Member, profile};
use const_oid::db::rfc5280::ID_AD_CA_ISSUERS;
use der::Encode;
use der::asn1::Ia5String;
use serde_json::Value;

use super::client::Request;
use super::collecting::{Scene, code, question};
use crate::kit::key::{Kind, public_key};
use crate::revocation::responder::{Answer, Responder};

/// What one share may have asked for in a minute.
const SHARE: usize = 120;

/// Signatures by leaves of a CA that is not held, each of which names another place at `base_url`.
fn junk(foreign: &Scene, base_url: String) -> impl Iterator<Item = Value> {
    let issuer = Issuer::load(&foreign.pki(), Authority::Ca).expect("a CA");
    let publication = profile::Publication::new(&base_url).expect("a base URL");
    let key = Kind::P256.key();
    let pem = key.private_key_to_pem_pkcs8().expect("PEM");
    (0..).map(move |index| {
        let place = Ia5String::new(&format!("{base_url}/junk/{index}")).expect("ASCII");
        let name = profile::subject("antin", "Junk").expect("a name");
        let profile = Profile {
            authority_access: vec![(ID_AD_CA_ISSUERS, place)],
            ..profile::signer(name, clock::now().plus_seconds(-60), &publication)
        };
        let der = issue(&issuer, &profile, &public_key(key)).expect("a certificate").to_der().expect("DER");
        question(&pem, Arc::new(Certificate::decode(&der).expect("a certificate")))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_use_up_neither_the_share_of_a_client_nor_that_of_another_host() {
    let (scene, foreign) = (Scene::new(), Scene::new());
    let other = Responder::start(Answer::Status(404));
    let second = other.allowed();
    let service = scene.service(|config| config.revocation.allowed_hosts.push(second)).await;
    let mut junk_here = junk(&foreign, scene.site.base_url());
    let first = scene.site.asked();
    for question in junk_here.by_ref().take(SHARE) {
        assert_eq!(code(&service.verify(&question).await), "issuer-certificate-unavailable");
    }
    assert_eq!(scene.site.asked() - first, SHARE);
    // Nothing is left here for strangers; the other host has its own share.
    let question = scene.leaf_only();
    assert_eq!(code(&service.verify(&junk_here.next().expect("one more")).await), "issuer-certificate-unavailable");
    assert_eq!(code(&service.verify(&question).await), "issuer-certificate-unavailable");
    assert_eq!(scene.site.asked() - first, SHARE);
    let elsewhere = junk(&foreign, other.base_url()).next().expect("one");
    assert_eq!(code(&service.verify(&elsewhere).await), "issuer-certificate-unavailable");
    assert_eq!(other.asked(), 1);
    // A known client is served, and what it brought in serves all.
    let answer = service.as_member(Member::Agency, Request::json("/v1/verify", &question)).await;
    assert_eq!(code(&answer), "valid");
    assert_eq!(code(&service.verify(&question).await), "valid");
}
