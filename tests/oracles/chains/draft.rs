//! A chain before it is signed: what each certificate and each list says, and who is asked what.

use std::fs;
use std::path::Path;

use antin::core::algorithm::DigestAlgorithm;
use antin::core::der::{tag, writer};
use antin::core::path::ValidatedPath;
use antin::core::time::Time;
use der::pem::{LineEnding, encode_string};

use super::feature::Feature;
use super::key::{Key, USUAL};
use super::random::Random;
use super::write::{self, extension};

/// The validation time of every chain: 2026-06-01T00:00:00Z.
pub const AT: Time = Time::from_unix(1_780_272_000);
pub const DAY: i64 = 86_400;

pub const DELTA_INDICATOR: &str = "2.5.29.27";
pub const ANY_POLICY: &str = "2.5.29.32.0";

/// Bits of the key usage, the first at the left (RFC 5280 §4.2.1.3).
pub const DIGITAL_SIGNATURE: u16 = 0x8000;
pub const KEY_CERT_SIGN: u16 = 0x0400;
pub const CRL_SIGN: u16 = 0x0200;

/// One certificate. `issuer` and `signer` are those of the certificate above it, unless they are set.
#[derive(Clone)]
pub struct Member {
    pub subject: Vec<u8>,
    pub key: Key,
    pub issuer: Option<Vec<u8>>,
    pub signer: Option<Key>,
    pub version: u8,
    pub serial_number: Vec<u8>,
    pub not_before: Time,
    pub not_after: Time,
    pub digest: DigestAlgorithm,
    pub damaged: bool,
    /// basicConstraints: `cA` and `pathLenConstraint`.
    pub constraints: Option<(bool, Option<u8>)>,
    pub key_usage: Option<u16>,
    /// Subject and authority key identifiers are written.
    pub key_identifiers: bool,
    pub extensions: Vec<Vec<u8>>,
}

impl Member {
    pub fn authority(subject: Vec<u8>, key: Key, serial_number: u8) -> Self {
        Self {
            subject,
            key,
            issuer: None,
            signer: None,
            version: 3,
            serial_number: vec![0x40, serial_number],
            not_before: AT.plus_seconds(-365 * DAY),
            not_after: AT.plus_seconds(365 * DAY),
            digest: DigestAlgorithm::Sha256,
            damaged: false,
            constraints: Some((true, None)),
            key_usage: Some(KEY_CERT_SIGN | CRL_SIGN),
            key_identifiers: true,
            extensions: Vec::new(),
        }
    }

    fn encode(&self, issuer: &[u8], signer: Key) -> Vec<u8> {
        let mut extensions = Vec::new();
        if self.key_identifiers {
            extensions.push(extension("2.5.29.14", false, &writer::octet_string(&self.key.identifier())));
            let above = writer::element(tag::context_primitive(0), &signer.identifier());
            extensions.push(extension("2.5.29.35", false, &writer::sequence(&[&above])));
        }
        if let Some((is_authority, limit)) = self.constraints {
            let yes: &[u8] = if is_authority { &[tag::BOOLEAN, 1, 0xFF] } else { &[] };
            let limit = limit.map_or(Vec::new(), |limit| write::integer(&[limit]));
            extensions.push(extension("2.5.29.19", true, &writer::sequence(&[yes, &limit])));
        }
        if let Some(usage) = self.key_usage {
            extensions.push(extension("2.5.29.15", true, &write::bits(tag::BIT_STRING, usage)));
        }
        extensions.extend(self.extensions.iter().cloned());
        write::Certificate {
            version: self.version,
            serial_number: &self.serial_number,
            issuer,
            not_before: self.not_before,
            not_after: self.not_after,
            subject: &self.subject,
            key: self.key,
            extensions: &extensions,
        }
        .sign(signer, self.digest, self.damaged)
    }
}

/// An entry of a list; content octets of the serial number.
#[derive(Clone)]
pub struct Entry {
    pub serial_number: Vec<u8>,
    pub extensions: Vec<Vec<u8>>,
}

/// A CRL.
#[derive(Clone)]
pub struct List {
    pub issuer: Vec<u8>,
    pub signer: Key,
    pub digest: DigestAlgorithm,
    pub damaged: bool,
    pub number: Option<u8>,
    pub this_update: Time,
    pub next_update: Option<Time>,
    pub entries: Vec<Entry>,
    pub extensions: Vec<Vec<u8>>,
}

impl List {
    /// A fresh and empty list of an authority.
    pub fn of(authority: &Member) -> Self {
        Self {
            issuer: authority.subject.clone(),
            signer: authority.key,
            digest: DigestAlgorithm::Sha256,
            damaged: false,
            number: Some(5),
            this_update: AT.plus_seconds(-DAY),
            next_update: Some(AT.plus_seconds(7 * DAY)),
            entries: Vec::new(),
            extensions: Vec::new(),
        }
    }

    pub fn is_delta(&self) -> bool {
        self.extensions.iter().any(|extension| write::is(extension, DELTA_INDICATOR))
    }

    fn encode(&self) -> Vec<u8> {
        let entries = self.entries.iter().map(|entry| {
            let extensions = writer::sequence(&[&entry.extensions.concat()]);
            let extensions: &[u8] = if entry.extensions.is_empty() { &[] } else { &extensions };
            let revoked = writer::time(AT.plus_seconds(-5 * DAY));
            writer::sequence(&[&write::integer(&entry.serial_number), &revoked, extensions])
        });
        let entries = writer::sequence(&[&entries.collect::<Vec<_>>().concat()]);
        let key = writer::element(tag::context_primitive(0), &self.signer.identifier());
        let mut extensions = vec![extension("2.5.29.35", false, &writer::sequence(&[&key]))];
        extensions.extend(self.number.map(|number| extension("2.5.29.20", false, &write::integer(&[number]))));
        extensions.extend(self.extensions.iter().cloned());
        let to_be_signed = writer::sequence(&[
            &write::integer(&[1]),
            &self.signer.algorithm(self.digest).encode(),
            &self.issuer,
            &writer::time(self.this_update),
            &self.next_update.map_or(Vec::new(), writer::time),
            if self.entries.is_empty() { &[] } else { &entries },
            &writer::element(tag::context(0), &writer::sequence(&[&extensions.concat()])),
        ]);
        write::signed(&to_be_signed, self.signer, self.digest, self.damaged)
    }
}

/// The inputs of RFC 5280 §6.1.1 (c), (e), (f) and (g); policies by dotted identifier, none: any.
#[derive(Clone, Debug, Default)]
pub struct Initial {
    pub acceptable: Vec<&'static str>,
    pub require_explicit: bool,
    pub inhibit_mapping: bool,
    pub inhibit_any: bool,
}

/// A chain being drawn.
#[derive(Clone)]
pub struct Draft {
    pub features: Vec<Feature>,
    /// From a root down to the target; each is issued by the one before it.
    pub chain: Vec<Member>,
    /// Given as links too; each says by itself who issued it.
    pub beside: Vec<Member>,
    /// Which of the chain are trusted; those above and including them are not given as links, but for roots of others.
    pub anchor: usize,
    /// Trusted besides.
    pub other_anchors: Vec<Member>,
    /// Links of the chain that are not given.
    pub withheld: Vec<usize>,
    /// Given twice.
    pub repeated: Vec<usize>,
    pub initial: Initial,
    /// Every certificate below the anchor is asked about.
    pub revocation: bool,
    pub lists: Vec<List>,
    keys: usize,
}

impl Draft {
    /// A sound chain of one to five authorities, with a list of each if revocation is asked for.
    pub fn usual(random: &mut Random) -> Self {
        let mut draft = Self {
            features: Vec::new(),
            chain: Vec::new(),
            beside: Vec::new(),
            anchor: 0,
            other_anchors: Vec::new(),
            withheld: Vec::new(),
            repeated: Vec::new(),
            initial: Initial::default(),
            revocation: random.chance(60),
            lists: Vec::new(),
            keys: 0,
        };
        for level in 0..random.pick(&[1, 2, 2, 2, 3, 3, 4, 5]) {
            let key = draft.new_key();
            draft.chain.push(Member::authority(write::name(&format!("Authority {level}"), &[]), key, level));
        }
        let key = draft.new_key();
        let mut target = Member::authority(write::name("Signer", &[]), key, 0x30);
        target.constraints = None;
        target.key_usage = Some(DIGITAL_SIGNATURE);
        draft.chain.push(target);
        draft
    }

    /// A key of the pool that this chain does not use yet.
    pub fn new_key(&mut self) -> Key {
        self.keys += 1;
        assert!(self.keys <= USUAL, "the pool is too small for this chain");
        Key::Usual(self.keys - 1)
    }

    pub fn add(&mut self, feature: Feature) {
        self.features.push(feature);
    }

    /// The place of the target in the chain.
    pub fn target(&self) -> usize {
        self.chain.len() - 1
    }

    /// Some authority below the root, if there is one.
    pub fn subordinate(&self, random: &mut Random) -> Option<usize> {
        (self.target() > 1).then(|| random.between(1, self.target() - 1))
    }

    /// A certificate below the root, the target as often as all others together.
    pub fn below_root(&self, random: &mut Random) -> usize {
        if random.chance(50) { self.target() } else { random.between(1, self.target()) }
    }

    /// A certificate beside the chain, as if the authority at `above` had issued it.
    pub fn issue_beside(&mut self, above: usize, mut member: Member) {
        let issuer = &self.chain[above];
        member.issuer = Some(issuer.subject.clone());
        member.signer = Some(issuer.key);
        member.serial_number = vec![0x50, self.beside.len() as u8 + 1];
        self.beside.push(member);
    }

    fn encode_chain(&self) -> Vec<Vec<u8>> {
        let above = |place: usize| &self.chain[place.saturating_sub(1)];
        let encode = |(place, member): (usize, &Member)| {
            let issuer = member.issuer.as_ref().unwrap_or(&above(place).subject);
            member.encode(issuer, member.signer.unwrap_or(above(place).key))
        };
        self.chain.iter().enumerate().map(encode).collect()
    }

    /// Signs everything; `random` puts it into some order.
    pub fn sign(self, mut random: Random) -> Chain {
        let order = random.clone();
        let chain = self.encode_chain();
        let alone = |member: &Member| {
            let issuer = member.issuer.as_ref().unwrap_or(&member.subject);
            member.encode(issuer, member.signer.unwrap_or(member.key))
        };
        let anchors = std::iter::once(chain[self.anchor].clone()).chain(self.other_anchors.iter().map(alone)).collect();
        let given = (self.anchor + 1..self.target()).filter(|place| !self.withheld.contains(place));
        let mut links: Vec<Vec<u8>> = given.map(|place| chain[place].clone()).collect();
        links.extend(self.repeated.iter().map(|place| chain[*place].clone()));
        links.extend(self.beside.iter().map(alone));
        random.shuffle(&mut links);
        let mut crls: Vec<Vec<u8>> = self.lists.iter().map(List::encode).collect();
        random.shuffle(&mut crls);
        let target = chain.last().expect("a target").clone();
        Chain { anchors, links, crls, target, draft: self, order }
    }
}

/// What every side is given, DER throughout; and what is known about it.
pub struct Chain {
    pub anchors: Vec<Vec<u8>>,
    pub links: Vec<Vec<u8>>,
    pub crls: Vec<Vec<u8>>,
    pub target: Vec<u8>,
    pub draft: Draft,
    /// What [`Draft::sign`] took to order the links and lists.
    pub order: Random,
}

impl Chain {
    pub fn has(&self, feature: Feature) -> bool {
        self.draft.features.contains(&feature)
    }

    pub fn has_any(&self, features: &[Feature]) -> bool {
        features.iter().any(|feature| self.has(*feature))
    }

    /// For who does not search: the certificates of the path first, from the target's issuer upwards, and its anchor alone.
    pub fn show_way(&mut self, path: &ValidatedPath) {
        let way: Vec<Vec<u8>> = path.certificates().iter().skip(1).map(|link| link.der().to_vec()).collect();
        self.links.retain(|link| !way.contains(link));
        self.links.splice(..0, way);
        self.anchors = vec![path.anchor().der().to_vec()];
    }

    /// For the oracles: numbers of four octets, big-endian, and after its length each string of octets. First the switches (1
    /// explicit policy, 2 no mapping, 4 no anyPolicy, 8 revocation), then policies, anchors, links, CRLs and the target alone.
    pub fn push_to(&self, batch: &mut Vec<u8>) {
        let initial = &self.draft.initial;
        let switches = [initial.require_explicit, initial.inhibit_mapping, initial.inhibit_any, self.draft.revocation];
        let switches: u32 = switches.iter().enumerate().map(|(bit, set)| u32::from(*set) << bit).sum();
        batch.extend(switches.to_be_bytes());
        // To the oracles an empty set is one that accepts nothing.
        let acceptable: &[&str] = if initial.acceptable.is_empty() { &[ANY_POLICY] } else { &initial.acceptable };
        let policies: Vec<Vec<u8>> = acceptable.iter().map(|policy| policy.as_bytes().to_vec()).collect();
        for strings in [&policies, &self.anchors, &self.links, &self.crls, &vec![self.target.clone()]] {
            batch.extend((strings.len() as u32).to_be_bytes());
            for string in strings {
                batch.extend((string.len() as u32).to_be_bytes());
                batch.extend(string);
            }
        }
    }

    /// Writes the files that `openssl verify` and `antin validate-path` take.
    pub fn write(&self, directory: &Path) {
        let parts = [("anchors", &self.anchors), ("links", &self.links), ("target", &vec![self.target.clone()])];
        for (name, objects, label) in parts
            .map(|(name, objects)| (name, objects, "CERTIFICATE"))
            .into_iter()
            .chain([("crls", &self.crls, "X509 CRL")])
        {
            let pem = objects.iter().map(|der| encode_string(label, LineEnding::LF, der).expect("PEM"));
            fs::create_dir_all(directory).expect("created");
            fs::write(directory.join(format!("{name}.pem")), pem.collect::<String>()).expect("written");
        }
        fs::write(directory.join("inputs"), format!("{:?}\n{:?}\n", self.draft.initial, self.draft.features))
            .expect("written");
    }
}
