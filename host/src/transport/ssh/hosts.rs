//! Which host keys are trusted.

use std::borrow::Cow;
use std::str::FromStr;

use russh::Preferred;
use russh::keys::ssh_key::Fingerprint;
use russh::keys::{Algorithm, HashAlg, PublicKey};

use crate::transport::{SettingsError, Ssh};

/// The host keys that the operator vouches for. There is no trust on first use.
#[derive(Debug)]
pub(super) struct HostKeys {
    keys: Vec<PublicKey>,
    fingerprints: Vec<Fingerprint>,
}

impl HostKeys {
    /// # Errors
    /// None at all, or one that cannot be read, at `/ssh/host_keys`.
    pub(super) fn new(settings: &Ssh) -> Result<Self, SettingsError> {
        let mut errors = SettingsError::default();
        let mut own = Self { keys: Vec::new(), fingerprints: Vec::new() };
        for (index, text) in settings.host_keys.iter().enumerate() {
            if let Ok(fingerprint @ Fingerprint::Sha256(_)) = Fingerprint::from_str(text.trim()) {
                own.fingerprints.push(fingerprint);
            } else if let Some(key) = read(text.trim()) {
                own.keys.push(key);
            } else {
                let message = "is neither an OpenSSH public key (`ssh-ed25519 AAAA…`) nor a fingerprint (`SHA256:…`)";
                errors.add(format!("/ssh/host_keys/{index}"), message);
            }
        }
        if settings.host_keys.is_empty() {
            let message = "is required: the backend's host keys as `ssh-keyscan -p PORT HOST` prints them, or their \
                           fingerprints (`ssh-keyscan -p PORT HOST | ssh-keygen -lf -`); compare them with those that the device itself shows";
            errors.add("/ssh/host_keys", message);
        }
        if errors.violations.is_empty() { Ok(own) } else { Err(errors) }
    }

    /// Whether this is a key of the backend.
    pub(super) fn know(&self, key: &PublicKey) -> bool {
        let fingerprint = key.fingerprint(HashAlg::Sha256);
        self.keys.iter().any(|known| known.key_data() == key.key_data()) || self.fingerprints.contains(&fingerprint)
    }

    /// The algorithms to offer. A server with several host keys shows the one that is asked for: it must be one that is
    /// known. Signatures with SHA-1 are not accepted.
    pub(super) fn preferred(&self) -> Preferred {
        let sound = |algorithm: &Algorithm| !matches!(algorithm, Algorithm::Rsa { hash: None } | Algorithm::Dsa);
        let (mut known, others): (Vec<_>, Vec<_>) = Preferred::DEFAULT
            .key
            .iter()
            .filter(|algorithm| sound(algorithm))
            .cloned()
            .partition(|algorithm| self.keys.iter().any(|key| same(&key.algorithm(), algorithm)));
        if !self.fingerprints.is_empty() {
            known.extend(others);
        }
        Preferred { key: Cow::Owned(known), ..Preferred::DEFAULT }
    }
}

/// RSA is one algorithm of keys, but several of signatures.
fn same(key: &Algorithm, signature: &Algorithm) -> bool {
    key == signature || matches!((key, signature), (Algorithm::Rsa { .. }, Algorithm::Rsa { .. }))
}

/// A public key line, or the line of `ssh-keyscan` or `known_hosts`, where the host's name comes first.
fn read(line: &str) -> Option<PublicKey> {
    let without_host = || line.split_once(' ').and_then(|(_, rest)| PublicKey::from_openssh(rest.trim()).ok());
    PublicKey::from_openssh(line).ok().or_else(without_host)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIoYxA9u8j6OkO7BPhjNv8EHqG1efX8qGAIT9fDeQ74a";
    const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMeDNOmc7PkIn3HuzSA/rsbQTBGuRhpmjfIubbJhx2uO";

    fn keys(lines: &[&str]) -> Result<HostKeys, SettingsError> {
        HostKeys::new(&Ssh { host_keys: lines.iter().map(ToString::to_string).collect() })
    }

    #[test]
    fn a_key_is_known_by_its_line_or_by_its_fingerprint_and_no_other_is() {
        let (key, other) = (PublicKey::from_openssh(ED25519).unwrap(), PublicKey::from_openssh(OTHER).unwrap());
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        let scanned = format!("[sw1.example]:830 {ED25519}");
        for line in [ED25519, &format!("  {ED25519} root@sw1 "), &scanned, &fingerprint] {
            let known = keys(&[line]).unwrap();
            assert!(known.know(&key), "{line}");
            assert!(!known.know(&other), "{line}");
        }
    }

    #[test]
    fn no_key_or_an_unreadable_one_is_refused_with_its_place() {
        let pointers = |lines: &[&str]| -> Vec<String> {
            keys(lines).unwrap_err().violations.into_iter().map(|violation| violation.pointer).collect()
        };
        assert_eq!(pointers(&[]), ["/ssh/host_keys"]);
        assert_eq!(pointers(&[ED25519, "", "ssh-ed25519 AAAA"]), ["/ssh/host_keys/1", "/ssh/host_keys/2"]);
        assert_eq!(pointers(&["MD5:00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff"]), ["/ssh/host_keys/0"]);
        assert_eq!(pointers(&[&format!("@revoked * {ED25519}")]), ["/ssh/host_keys/0"]);
    }

    #[test]
    fn only_algorithms_of_known_keys_are_offered_unless_a_fingerprint_leaves_that_open() {
        assert_eq!(keys(&[ED25519]).unwrap().preferred().key.to_vec(), [Algorithm::Ed25519]);
        let key = PublicKey::from_openssh(OTHER).unwrap();
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        let offered = keys(&[&fingerprint]).unwrap().preferred().key.to_vec();
        assert!(offered.len() > 3, "{offered:?}");
        assert!(!offered.contains(&Algorithm::Rsa { hash: None }), "{offered:?}");
    }
}
