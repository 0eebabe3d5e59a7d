//! Backend credentials at rest: sealed with a key that is kept in a file of its own.
//!
//! A sealed value is text, `xps1.KEY-ID.BASE64URL`, so that it can stand in any record. It is bound to the place that
//! it was sealed for (see [`place`]): moved to another backend or another secret, it does not open. The key's id is
//! part of the text, so a wrong key is told apart from a damaged value.
//!
//! XChaCha20-Poly1305: its 192-bit nonces may be drawn at random for any number of values.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, Generate as _, Payload};
use chacha20poly1305::{Key, KeyInit as _, XChaCha20Poly1305, XNonce};
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};

/// The form of a sealed value; a later form gets another word.
const SEALED: &str = "xps1";

/// What a key file starts with.
const KEY_FILE: &str = "crosspoint-key-1:";

/// The most bytes that a key file can have and still be one.
const KEY_FILE_BYTES: u64 = 256;

/// The length of a nonce in bytes.
const NONCE: usize = 24;

/// Why a secret cannot be sealed or opened, or the key not be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretsError {
    /// The key file cannot be read or made.
    #[error("secret key {}: {source}", path.display())]
    File {
        /// Where it is.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others than its owner can read the key file. Take that away, and consider the secrets known.
    #[error("secret key {} can be read by others (mode {mode:o}): run `chmod 600 {}`", path.display(), path.display())]
    Permissions {
        /// Where it is.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file holds no key. Restore it from a backup.
    #[error("secret key {} is damaged: restore it from a backup", path.display())]
    KeyDamaged {
        /// Where it is.
        path: PathBuf,
    },
    /// The value was sealed with another key. Restore that key, or enter the secret anew.
    #[error("sealed with key {sealed_with}, and this is key {have}: restore that key file, or enter the secret anew")]
    WrongKey {
        /// The id of the key that the value was sealed with.
        sealed_with: String,
        /// The id of the key at hand.
        have: String,
    },
    /// The value is of a form that this version does not know. A newer version wrote it.
    #[error("not a sealed secret of a form that this version knows; a newer one may have written it")]
    UnknownForm,
    /// The value was altered, or was sealed for another place. Enter the secret anew.
    #[error("the sealed secret is damaged, or was moved from another place: enter it anew")]
    Damaged,
    /// The system has no randomness to give.
    #[error("the system's random source fails: {0}")]
    Random(io::Error),
}

/// Names the place that a secret is sealed for. Different pairs never give the same text.
#[must_use]
pub fn place(backend: &str, secret: &str) -> String {
    format!("backend:{}:{backend}:{secret}", backend.len())
}

/// Seals and opens secrets with one key. `Debug` shows the key's id alone.
pub struct Keyring {
    cipher: XChaCha20Poly1305,
    id: String,
}

impl Keyring {
    /// Reads the key at `path`; makes one, readable by its owner alone, where there is none.
    pub fn open_or_create(path: &Path) -> Result<Self, SecretsError> {
        match Self::read(path) {
            Err(SecretsError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            known => return known,
        }
        match create(path) {
            Ok(()) => tracing::info!(
                path = %path.display(),
                "made a new secret key; without it no stored backend credential can be opened, so back it up"
            ),
            // Another process was faster; its key is the one.
            Err(SecretsError::File { source, .. }) if source.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        Self::read(path)
    }

    /// Reads the key at `path`, which must exist.
    pub fn read(path: &Path) -> Result<Self, SecretsError> {
        let failed = |source| SecretsError::File { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(SecretsError::Permissions { path: path.to_owned(), mode });
        }
        let mut text = String::new();
        file.take(KEY_FILE_BYTES).read_to_string(&mut text).map_err(failed)?;
        text.trim()
            .strip_prefix(KEY_FILE)
            .and_then(|key| BASE64_URL_SAFE_NO_PAD.decode(key).ok())
            .and_then(|key| Key::try_from(key.as_slice()).ok())
            .map(|key| Self::with_key(&key))
            .ok_or_else(|| SecretsError::KeyDamaged { path: path.to_owned() })
    }

    fn with_key(key: &Key) -> Self {
        let digest = Sha256::new().chain_update("crosspoint key id").chain_update(key).finalize();
        let [a, b, c, d, ..] = <[u8; 32]>::from(digest);
        Self { cipher: XChaCha20Poly1305::new(key), id: format!("{:08x}", u32::from_be_bytes([a, b, c, d])) }
    }

    /// The key's id: enough to tell keys apart, and nothing more.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Seals `plaintext` for the place that `associated_data` names.
    pub fn seal(&self, plaintext: &str, associated_data: &str) -> Result<String, SecretsError> {
        let nonce = XNonce::try_generate().map_err(|error| SecretsError::Random(io::Error::other(error)))?;
        let payload = Payload { msg: plaintext.as_bytes(), aad: associated_data.as_bytes() };
        let ciphertext = self.cipher.encrypt(&nonce, payload).map_err(|_| SecretsError::Damaged)?;
        let sealed = [nonce.as_slice(), &ciphertext].concat();
        Ok(format!("{SEALED}.{}.{}", self.id, BASE64_URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// Opens what [`Keyring::seal`] gave, for the same place.
    pub fn open(&self, sealed: &str, associated_data: &str) -> Result<SecretString, SecretsError> {
        let (key_id, sealed) = sealed
            .strip_prefix(SEALED)
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|rest| rest.split_once('.'))
            .ok_or(SecretsError::UnknownForm)?;
        if key_id != self.id {
            return Err(SecretsError::WrongKey { sealed_with: key_id.to_owned(), have: self.id.clone() });
        }
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(sealed).map_err(|_| SecretsError::Damaged)?;
        let (nonce, ciphertext) = sealed.split_at_checked(NONCE).ok_or(SecretsError::Damaged)?;
        let nonce = XNonce::try_from(nonce).map_err(|_| SecretsError::Damaged)?;
        let payload = Payload { msg: ciphertext, aad: associated_data.as_bytes() };
        let plaintext = self.cipher.decrypt(&nonce, payload).map_err(|_| SecretsError::Damaged)?;
        String::from_utf8(plaintext).map(SecretString::from).map_err(|_| SecretsError::Damaged)
    }
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Makes a key file that appears whole or not at all, and never replaces one.
fn create(path: &Path) -> Result<(), SecretsError> {
    let key = Key::try_generate().map_err(|error| SecretsError::Random(io::Error::other(error)))?;
    let text = format!("{KEY_FILE}{}\n", BASE64_URL_SAFE_NO_PAD.encode(key));
    let draft = path.with_extension(format!("{}.draft", std::process::id()));
    write_durably(path, &draft, text.as_bytes()).map_err(|source| SecretsError::File { path: path.to_owned(), source })
}

fn write_durably(path: &Path, draft: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(directory)?;
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    // A link, unlike a rename, fails where a key is already there.
    let linked = fs::hard_link(draft, path);
    fs::remove_file(draft)?;
    linked?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use secrecy::ExposeSecret as _;

    use super::*;

    fn keyring() -> (tempfile::TempDir, Keyring) {
        let folder = tempfile::tempdir().unwrap();
        let keyring = Keyring::open_or_create(&folder.path().join("secret.key")).unwrap();
        (folder, keyring)
    }

    #[test]
    fn a_secret_survives_sealing_and_a_restart() {
        let (folder, keyring) = keyring();
        let sealed = keyring.seal("geheim é", &place("fw-dc1", "password")).unwrap();
        let again = Keyring::open_or_create(&folder.path().join("secret.key")).unwrap();
        assert_eq!(again.open(&sealed, &place("fw-dc1", "password")).unwrap().expose_secret(), "geheim é");
    }

    #[test]
    fn a_sealed_secret_shows_nothing_and_is_never_the_same_twice() {
        let (_folder, keyring) = keyring();
        let (one, other) = (keyring.seal("hunter2", "x").unwrap(), keyring.seal("hunter2", "x").unwrap());
        assert_ne!(one, other);
        assert!(!one.contains("hunter2") && one.starts_with("xps1."));
        assert!(!format!("{keyring:?}").contains("cipher"));
    }

    #[test]
    fn a_sealed_secret_cannot_be_moved_to_another_place() {
        let (_folder, keyring) = keyring();
        let sealed = keyring.seal("hunter2", &place("fw-dc1", "password")).unwrap();
        for elsewhere in [place("fw-dc2", "password"), place("fw-dc1", "username"), place("fw", "-dc1:password")] {
            assert!(matches!(keyring.open(&sealed, &elsewhere), Err(SecretsError::Damaged)));
        }
    }

    #[test]
    fn different_places_never_share_a_name() {
        assert_ne!(place("a:b", "c"), place("a", "b:c"));
    }

    #[test]
    fn a_wrong_key_a_damaged_value_and_an_unknown_form_are_told_apart() {
        let ((_one, mine), (_other, theirs)) = (keyring(), keyring());
        let sealed = theirs.seal("hunter2", "x").unwrap();
        assert!(matches!(mine.open(&sealed, "x"), Err(SecretsError::WrongKey { have, .. }) if have == mine.id()));

        let mut sealed = mine.seal("hunter2", "x").unwrap();
        let last = if sealed.pop().unwrap() == 'A' { 'Q' } else { 'A' };
        sealed.push(last);
        assert!(matches!(mine.open(&sealed, "x"), Err(SecretsError::Damaged)));
        assert!(matches!(mine.open(&format!("xps1.{}.AA", mine.id()), "x"), Err(SecretsError::Damaged)));
        assert!(matches!(mine.open("hunter2", "x"), Err(SecretsError::UnknownForm)));
        assert!(matches!(mine.open("xps2.0.A", "x"), Err(SecretsError::UnknownForm)));
    }

    #[test]
    fn every_altered_byte_of_a_sealed_secret_is_noticed() {
        let (_folder, keyring) = keyring();
        let sealed = keyring.seal("hunter2", "x").unwrap();
        let (head, body) = sealed.rsplit_once('.').unwrap();
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(body).unwrap();
        for index in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[index] ^= 1;
            let altered = format!("{head}.{}", BASE64_URL_SAFE_NO_PAD.encode(altered));
            assert!(matches!(keyring.open(&altered, "x"), Err(SecretsError::Damaged)), "byte {index}");
        }
    }

    #[test]
    fn a_key_file_belongs_to_its_owner_alone_and_is_refused_otherwise() {
        let (folder, _keyring) = keyring();
        let path = folder.path().join("secret.key");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the draft is gone");
        for mode in [0o640, 0o604, 0o660] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(Keyring::open_or_create(&path), Err(SecretsError::Permissions { .. })), "{mode:o}");
        }
    }

    #[test]
    fn a_damaged_key_file_is_neither_used_nor_replaced() {
        let (folder, _keyring) = keyring();
        let path = folder.path().join("secret.key");
        for text in ["", "crosspoint-key-1:", "crosspoint-key-1:AAAA", "hello"] {
            fs::write(&path, text).unwrap();
            assert!(matches!(Keyring::open_or_create(&path), Err(SecretsError::KeyDamaged { .. })), "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
}
