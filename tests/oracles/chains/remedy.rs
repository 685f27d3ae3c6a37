//! The second hearing: the rule that explains a difference also says what has to be otherwise in the chain for both sides to accept
//! it. The chain with that one thing changed is judged anew by both; if one of them refuses it then, the rule has hidden something
//! else.

use antin::core::algorithm::DigestAlgorithm;

use super::draft::{ANY_POLICY, AT, CRL_SIGN, DAY, DIGITAL_SIGNATURE, Draft, Entry, List, Member};
use super::draw::UNKNOWN;
use super::draw_lists::{reason, unknown_critical};
use super::draw_names::NAME_CONSTRAINTS;
use super::draw_policies::{INHIBIT_ANY, MAPPINGS};
use super::key::Key;
use super::write::{self, is};

/// What is otherwise in a second hearing.
#[derive(Clone, Copy)]
pub enum Remedy {
    /// What the chain says.
    Drawn(fn(&mut Draft)),
    /// The oracle is given the certificates of antin's path first, and no other anchor than its own: it need not search.
    WayShown,
}

/// Everybody in the chain or beside it, anchors and all.
fn members(draft: &mut Draft) -> impl Iterator<Item = &mut Member> {
    draft.chain.iter_mut().chain(&mut draft.beside).chain(&mut draft.other_anchors)
}

/// Serial numbers are positive.
pub fn serial_numbers(draft: &mut Draft) {
    let is_positive = |serial: &[u8]| serial[0] & 0x80 == 0 && serial.iter().any(|octet| *octet != 0);
    let odd = members(draft).filter(|member| !is_positive(&member.serial_number));
    odd.for_each(|member| member.serial_number = vec![0x5F, 1]);
}

/// The target constrains no names.
pub fn constraints_in_target(draft: &mut Draft) {
    let target = draft.target();
    draft.chain[target].extensions.retain(|extension| !is(extension, NAME_CONSTRAINTS));
}

/// Nobody constrains names.
pub fn name_constraints(draft: &mut Draft) {
    members(draft).for_each(|member| member.extensions.retain(|extension| !is(extension, NAME_CONSTRAINTS)));
}

/// The target's key is of the usual kind.
pub fn target_key(draft: &mut Draft) {
    let (target, key) = (draft.target(), draft.new_key());
    draft.chain[target].key = key;
}

/// Every list is signed over the usual digest.
pub fn list_digests(draft: &mut Draft) {
    draft.lists.iter_mut().for_each(|list| list.digest = DigestAlgorithm::Sha256);
}

/// The anchor is an authority.
pub fn anchor_is_authority(draft: &mut Draft) {
    draft.chain[draft.anchor].constraints = Some((true, None));
}

/// The anchor says nothing of policies.
pub fn policies_of_anchor(draft: &mut Draft) {
    let about_policies = |extension: &Vec<u8>| {
        ["2.5.29.32", MAPPINGS, "2.5.29.36", INHIBIT_ANY].iter().any(|known| is(extension, known))
    };
    draft.chain[draft.anchor].extensions.retain(|extension| !about_policies(extension));
}

/// Nobody inhibits anyPolicy.
pub fn any_policy_inhibited(draft: &mut Draft) {
    draft.initial.inhibit_any = false;
    members(draft).for_each(|member| member.extensions.retain(|extension| !is(extension, INHIBIT_ANY)));
}

/// Nobody maps to or from anyPolicy.
pub fn mapping_of_any(draft: &mut Draft) {
    let any = write::identified(ANY_POLICY);
    let of_any = |extension: &[u8]| is(extension, MAPPINGS) && extension.windows(any.len()).any(|octets| octets == any);
    members(draft).for_each(|member| member.extensions.retain(|extension| !of_any(extension)));
}

/// What shall be removed from a list is not in a complete one; nor is it told in the list that enters it.
pub fn entered_to_be_removed(draft: &mut Draft) {
    let removes = |entry: &Entry| entry.extensions.contains(&reason(8));
    let entries = draft.lists.iter().flat_map(|list| &list.entries).filter(|entry| removes(entry));
    let removed: Vec<Vec<u8>> = entries.map(|entry| entry.serial_number.clone()).collect();
    for list in &mut draft.lists {
        let others = list.entries.iter().filter(|entry| !removes(entry));
        let entered: Vec<Vec<u8>> = others.map(|entry| entry.serial_number.clone()).collect();
        if list.is_delta() {
            list.entries.retain(|entry| !(removes(entry) && entered.contains(&entry.serial_number)));
        } else {
            list.entries.retain(|entry| !removed.contains(&entry.serial_number));
        }
    }
}

/// Extensions that nobody knows stand in a certificate once.
pub fn repeated_extension(draft: &mut Draft) {
    for member in members(draft) {
        let mut seen = false;
        member.extensions.retain(|extension| !is(extension, UNKNOWN) || !std::mem::replace(&mut seen, true));
    }
}

/// There is no delta to a list for some reasons.
pub fn delta_for_some_reasons(draft: &mut Draft) {
    let partial = |list: &List| list.extensions.iter().any(|extension| is(extension, "2.5.29.28"));
    draft.lists.retain(|list| !(list.is_delta() && partial(list)));
}

/// Every list says how long it holds.
pub fn list_without_end(draft: &mut Draft) {
    let endless = draft.lists.iter_mut().filter(|list| list.next_update.is_none());
    endless.for_each(|list| list.next_update = Some(AT.plus_seconds(DAY)));
}

/// Every list still holds.
pub fn stale_lists(draft: &mut Draft) {
    let stale = |list: &&mut List| list.next_update.is_some_and(|end| end < AT);
    draft.lists.iter_mut().filter(stale).for_each(|list| list.next_update = Some(AT.plus_seconds(DAY)));
}

/// No list enters a certificate of the chain.
pub fn revocations(draft: &mut Draft) {
    let serial_numbers: Vec<Vec<u8>> = members(draft).map(|member| member.serial_number.clone()).collect();
    let entries = draft.lists.iter_mut().map(|list| &mut list.entries);
    entries.for_each(|entries| entries.retain(|entry| !serial_numbers.contains(&entry.serial_number)));
}

/// Nothing unknown is critical in a list or an entry.
pub fn list_extensions(draft: &mut Draft) {
    let unknown = unknown_critical();
    for list in &mut draft.lists {
        list.extensions.retain(|extension| *extension != unknown);
        list.entries.iter_mut().for_each(|entry| entry.extensions.retain(|extension| *extension != unknown));
    }
}

/// What ends in this very second ends one later.
pub fn last_second(draft: &mut Draft) {
    members(draft).filter(|member| member.not_after == AT).for_each(|member| member.not_after = AT.plus_seconds(1));
}

pub fn list_last_second(draft: &mut Draft) {
    let ending = draft.lists.iter_mut().filter(|list| list.next_update == Some(AT));
    ending.for_each(|list| list.next_update = Some(AT.plus_seconds(1)));
}

/// The target maps no policies.
pub fn mapping_in_target(draft: &mut Draft) {
    let target = draft.target();
    draft.chain[target].extensions.retain(|extension| !is(extension, MAPPINGS));
}

/// The one letter that [`super::draw_names`] writes large beyond ASCII is small.
pub fn letter_beyond_ascii(draft: &mut Draft) {
    let (large, small) = ("Ử".as_bytes(), "ử".as_bytes());
    for extension in members(draft).flat_map(|member| &mut member.extensions) {
        if is(extension, NAME_CONSTRAINTS)
            && let Some(at) = extension.windows(large.len()).position(|octets| octets == large)
        {
            extension[at..at + small.len()].copy_from_slice(small);
        }
    }
}

/// The target's key may sign.
pub fn key_for_nothing(draft: &mut Draft) {
    let target = draft.target();
    draft.chain[target].key_usage =
        draft.chain[target].key_usage.filter(|usage| *usage != 0).or(Some(DIGITAL_SIGNATURE));
}

/// Every certificate names its key and its issuer's, which one of version 1 cannot.
pub fn key_identifiers(draft: &mut Draft) {
    for member in members(draft) {
        if member.version == 1 {
            // What it could not say it still does not say.
            member.extensions.clear();
        }
        (member.version, member.key_identifiers) = (3, true);
    }
}

/// What another key of an authority signed, the one in the chain signs that has no list yet.
pub fn list_of_other_key(draft: &mut Draft) {
    let has_list = |key: Key| draft.lists.iter().any(|list| list.signer == key);
    let without: Vec<Member> = draft.chain.iter().filter(|member| !has_list(member.key)).cloned().collect();
    let usual = |key: Key| draft.chain.iter().any(|member| member.key == key);
    for list in draft.lists.iter_mut().filter(|list| !usual(list.signer)) {
        if let Some(member) = without.iter().find(|member| member.subject == list.issuer) {
            list.signer = member.key;
        }
    }
}

/// Lists that nobody can have meant are not there: damaged, by a key that no certificate is about, or whose certificate says that
/// it is not for lists.
pub fn lists_by_nobody(draft: &mut Draft) {
    let may_sign = |member: &mut Member| member.key_usage.is_none_or(|usage| usage & CRL_SIGN != 0);
    let keys: Vec<Key> = members(draft).filter_map(|member| may_sign(member).then_some(member.key)).collect();
    draft.lists.retain(|list| !list.damaged && keys.contains(&list.signer));
}
