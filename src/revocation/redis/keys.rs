//! Every key, channel and script: what lies in Redis, in one place.
//!
//! Each key begins with the configured prefix (`antin`) and a colon. `KEY` is the SHA-256 of the issuer's SubjectPublicKeyInfo,
//! `PARTITION` is `complete` or the SHA-256 of the IssuingDistributionPoint, `SOURCE` is the SHA-256 of the source's URLs; all in
//! hex. The braces stand in the keys: Cluster keeps what they hold alike on one node, which a script over several keys needs.
//!
//! ```text
//! antin:crl:{KEY}:PARTITION    the signed DER of the newest list; expires at nextUpdate and the grace
//! antin:fence:{KEY}:PARTITION  the number of the last writing of that list; expires with it
//! antin:given:{KEY}:PARTITION  there, if that list came from a source; without it, it counts as one from a distribution point, which
//!                              each node takes only while it uses it, and asks for itself; expires with it
//! antin:partitions:{KEY}       the issuer's partitions other than `complete`, each followed by a line feed
//! antin:generation             a random token, another after each change: a node that sees a new one reads again
//! antin:lock:{SOURCE}          the random name of the node that asks the source for all; expires unless it is renewed
//! antin:changed                a channel: something was changed, read again
//! ```
//!
//! Commands: GETRANGE, SET, APPEND, PUBLISH, SUBSCRIBE, EVAL, and within the scripts GET, SET, DEL, INCR, EXPIREAT, PEXPIRE.

use crate::core::crypto::sha256;

/// The partition of a complete list.
pub(super) const COMPLETE: &str = "complete";
/// A digest in hex and a line feed.
pub(super) const PARTITION_LINE: usize = 65;

/// Writes a list and raises its fence, if the fence stands as it was read before the list was judged: a node that slept in
/// between, or lost its lock, does not overwrite what another wrote since. 1 if it was written.
///
/// Keys: list, fence, given. Arguments: the fence as read, a first number, the list, the expiry in seconds since 1970, whether a
/// source gave the list (`1`) or it was found (`0`). A fence of another type reads as empty and a long one as its first 64 octets, so
/// that nobody can block a list with it. The first number is random: one of an emptied Redis is not taken for one of before.
pub(super) const WRITE_LIST: &str = r"
local fence = redis.pcall('GET', KEYS[2])
if type(fence) ~= 'string' then fence = '' end
fence = string.sub(fence, 1, 64)
if fence ~= ARGV[1] then return 0 end
if type(redis.pcall('INCR', KEYS[2])) ~= 'number' or fence == '' then
    redis.call('SET', KEYS[2], ARGV[2])
end
redis.call('EXPIREAT', KEYS[2], ARGV[4])
redis.call('SET', KEYS[1], ARGV[3], 'EXAT', ARGV[4])
if ARGV[5] == '1' then
    redis.call('SET', KEYS[3], '1', 'EXAT', ARGV[4])
else
    redis.call('DEL', KEYS[3])
end
return 1";

/// Takes a lock that is free, or renews one's own: 1 if it is ours now, 0 if it is another's, -1 if it stays free.
///
/// Key: lock. Arguments: our name, its life in milliseconds, whether a free one is taken (`1`) or only looked at (`0`).
pub(super) const CLAIM: &str = r"
local holder = redis.pcall('GET', KEYS[1])
if holder == ARGV[1] then
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
    return 1
end
if holder then return 0 end
if ARGV[3] == '0' then return -1 end
redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
return 1";

/// Frees one's own lock. Key: lock. Argument: our name.
pub(super) const RELEASE: &str = r"
if redis.pcall('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0";

/// The names of all keys.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    pub fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    pub fn list(&self, issuer_key: [u8; 32], partition: &str) -> String {
        format!("{}:crl:{{{}}}:{partition}", self.prefix, hex::encode(issuer_key))
    }

    pub fn fence(&self, issuer_key: [u8; 32], partition: &str) -> String {
        format!("{}:fence:{{{}}}:{partition}", self.prefix, hex::encode(issuer_key))
    }

    pub fn given(&self, issuer_key: [u8; 32], partition: &str) -> String {
        format!("{}:given:{{{}}}:{partition}", self.prefix, hex::encode(issuer_key))
    }

    pub fn partitions(&self, issuer_key: [u8; 32]) -> String {
        format!("{}:partitions:{{{}}}", self.prefix, hex::encode(issuer_key))
    }

    pub fn generation(&self) -> String {
        format!("{}:generation", self.prefix)
    }

    pub fn lock(&self, urls: &[String]) -> String {
        format!("{}:lock:{{{}}}", self.prefix, hex::encode(sha256(urls.join("\n").as_bytes())))
    }

    pub fn changed(&self) -> String {
        format!("{}:changed", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_script_touches_lies_on_one_node_of_a_cluster() {
        let keys = Keys::new("a:b");
        let tag =
            |key: &str| key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag.to_owned());
        let (list, fence) = (keys.list([1; 32], COMPLETE), keys.fence([1; 32], COMPLETE));
        assert_eq!(list, format!("a:b:crl:{{{}}}:complete", "01".repeat(32)));
        assert!(tag(&list).is_some_and(|tag| tag.len() == 64));
        assert_eq!(tag(&list), tag(&fence));
        assert_eq!(tag(&list), tag(&keys.partitions([1; 32])));
        assert_eq!(tag(&list), tag(&keys.given([1; 32], COMPLETE)));
        assert_ne!(tag(&list), tag(&keys.list([2; 32], COMPLETE)));
        let urls = |urls: &[&str]| keys.lock(&urls.iter().map(|url| (*url).to_owned()).collect::<Vec<_>>());
        assert_ne!(urls(&["http://a", "http://b"]), urls(&["http://b", "http://a"]));
    }
}
