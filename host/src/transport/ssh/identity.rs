//! Who logs in.

use std::fmt;
use std::sync::Arc;

use russh::MethodKind;
use russh::client::{AuthResult, Handle, Handler, KeyboardInteractiveAuthResponse};
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg, decode_secret_key};
use secrecy::{ExposeSecret, SecretString};

use crate::transport::{Secrets, SettingsError};

/// How often a server may ask for something else, in a keyboard-interactive login.
const QUESTIONS: usize = 4;

/// A user and what proves it. Wiped from memory when dropped; its `Debug` form shows neither.
pub(in crate::transport) struct Identity {
    username: SecretString,
    proof: Proof,
}

enum Proof {
    Password(SecretString),
    Key(Arc<PrivateKey>),
}

/// What a server said to a login.
pub(super) enum Answer {
    Accepted,
    /// For people: what it wants instead.
    Refused(String),
}

impl Identity {
    /// Who has a private key uses it; else the password.
    ///
    /// # Errors
    /// A secret that is missing or cannot be read, at `/secrets/NAME`.
    pub(in crate::transport) fn from_secrets(secrets: &Secrets) -> Result<Self, SettingsError> {
        let refused = |name: &str, message: &str| SettingsError::one(format!("/secrets/{name}"), message);
        let username = secrets.get("username").cloned();
        let username = username.ok_or_else(|| refused("username", "scheme basic needs it"))?;
        let proof = match (secrets.get("private_key"), secrets.get("password")) {
            (Some(key), _) => Proof::Key(Arc::new(read(key, secrets.get("passphrase"))?)),
            (None, Some(password)) => Proof::Password(password.clone()),
            (None, None) => return Err(refused("password", "scheme basic needs it, or over SSH a `private_key`")),
        };
        Ok(Self { username, proof })
    }

    /// Logs in on a new connection. A password is tried once: devices lock users out who fail too often.
    ///
    /// # Errors
    /// The connection was lost.
    pub(super) async fn authenticate<H: Handler>(&self, handle: &mut Handle<H>) -> Result<Answer, russh::Error> {
        let user = self.username.expose_secret();
        let result = match &self.proof {
            Proof::Key(key) => {
                // RFC 8332: what a server that says nothing of its algorithms is most likely to know.
                let hash = if key.algorithm().is_rsa() {
                    handle.best_supported_rsa_hash().await?.unwrap_or(Some(HashAlg::Sha256))
                } else {
                    None
                };
                handle.authenticate_publickey(user, PrivateKeyWithHashAlg::new(Arc::clone(key), hash)).await?
            }
            Proof::Password(password) => match handle.authenticate_none(user).await? {
                // What it would accept is asked for first: a wrong guess would count as a failed login.
                AuthResult::Failure { remaining_methods, .. }
                    if remaining_methods.contains(&MethodKind::KeyboardInteractive)
                        && !remaining_methods.contains(&MethodKind::Password) =>
                {
                    return self.converse(handle, password).await;
                }
                AuthResult::Failure { remaining_methods, .. } if remaining_methods.contains(&MethodKind::Password) => {
                    handle.authenticate_password(user, password.expose_secret()).await?
                }
                result => result,
            },
        };
        match result {
            AuthResult::Success => Ok(Answer::Accepted),
            // What a login that was cut short comes to, too.
            AuthResult::Failure { remaining_methods, .. } if remaining_methods.is_empty() && handle.is_closed() => {
                Err(russh::Error::Disconnect)
            }
            AuthResult::Failure { partial_success: true, .. } => {
                Ok(Answer::Refused("it wants a further proof, which is not supported".to_owned()))
            }
            AuthResult::Failure { remaining_methods, .. } => Ok(self.refused(&remaining_methods)),
        }
    }

    /// Keyboard-interactive (RFC 4256): the password is the answer to the one question that is not echoed.
    async fn converse<H: Handler>(
        &self,
        handle: &mut Handle<H>,
        password: &SecretString,
    ) -> Result<Answer, russh::Error> {
        let mut given = false;
        let mut said = handle.authenticate_keyboard_interactive_start(self.username.expose_secret(), None).await?;
        for _ in 0..QUESTIONS {
            let answers = match said {
                KeyboardInteractiveAuthResponse::Success => return Ok(Answer::Accepted),
                KeyboardInteractiveAuthResponse::Failure { remaining_methods, .. } => {
                    return Ok(self.refused(&remaining_methods));
                }
                KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => match prompts.as_slice() {
                    [] => Vec::new(),
                    [prompt] if !prompt.echo && !given => {
                        given = true;
                        vec![password.expose_secret().to_owned()]
                    }
                    _ => break,
                },
            };
            said = handle.authenticate_keyboard_interactive_respond(answers).await?;
        }
        Ok(Answer::Refused("it asks for more than a password, which is not supported".to_owned()))
    }

    fn refused(&self, methods: &[MethodKind]) -> Answer {
        let shown = match self.proof {
            Proof::Password(_) => "the password",
            Proof::Key(_) => "the private key",
        };
        let methods = methods.iter().map(<&str>::from).collect::<Vec<_>>().join(", ");
        let methods = if methods.is_empty() { "nothing".to_owned() } else { methods };
        Answer::Refused(format!("it does not accept {shown} for this user; it would accept: {methods}"))
    }
}

fn read(key: &SecretString, passphrase: Option<&SecretString>) -> Result<PrivateKey, SettingsError> {
    let passphrase = passphrase.map(ExposeSecret::expose_secret);
    decode_secret_key(key.expose_secret(), passphrase).map_err(|error| match error {
        russh::keys::Error::KeyIsEncrypted => {
            SettingsError::one("/secrets/passphrase", "is required: the private key is encrypted")
        }
        // The error's own words are not repeated: nobody knows what of the key they hold.
        _ if passphrase.is_some() => SettingsError::one(
            "/secrets/private_key",
            "is no private key in OpenSSH or PEM form, or not of this passphrase",
        ),
        _ => SettingsError::one("/secrets/private_key", "is no private key in OpenSSH or PEM form"),
    })
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.proof {
            Proof::Password(_) => "user with a password",
            Proof::Key(_) => "user with a private key",
        })
    }
}
