use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crosspoint_contract::{AuthScheme, Description};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use super::{Reach, SettingsError, oauth2};

/// Where a backend is, whom to trust there, and how long and how much to bear from it.
///
/// Durations are written as `10s`, `500ms`. [`Settings::default`] has no endpoint; everything else in it is usable.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The address of each endpoint role: `http://` or `https://`, host, port if unusual, and a path prefix if wanted;
    /// no user name, query or fragment. For messages and line protocols: `tcp://` or `tls://`, host and port.
    pub endpoints: BTreeMap<String, String>,
    /// Trust and identity on `https` and `tls` endpoints.
    pub tls: Tls,
    /// Which version of HTTP to speak.
    pub http_version: HttpVersion,
    /// Trust on `ssh` endpoints.
    pub ssh: Ssh,
    /// The longest to wait for a connection, TLS included.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// The longest to wait for a whole reply once there is a connection. By default what the driver says, else 60 s.
    #[serde(with = "humantime_serde")]
    pub reply_timeout: Option<Duration>,
    /// The longest reply body in bytes. By default what the driver says, else 8 MiB.
    pub reply_size: Option<u32>,
    /// How long an unused connection is kept. It should be shorter than the backend keeps it: a request that meets a
    /// connection being closed cannot be told from one that was lost on the way back. Apache httpd and Node.js wait
    /// 5 s, so the default is 4 s. How many there are is bounded by how many exchanges run at once.
    #[serde(with = "humantime_serde")]
    pub idle_timeout: Duration,
    /// Where backends may be; the same for all of them.
    #[serde(skip)]
    pub reach: Arc<Reach>,
}

/// Trust and identity in TLS. Versions 1.2 and 1.3 are spoken.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// The certificate authorities to trust, and no others: PEM, one or more certificates. Without it, those that the
    /// system trusts.
    pub ca_pem: Option<String>,
    /// The name that the backend's certificate must bear, where that is not the host in the address.
    pub server_name: Option<String>,
    /// Our own certificate, followed by its intermediates: PEM.
    pub client_certificate_pem: Option<String>,
    /// The private key of our certificate: PEM; PKCS#8, PKCS#1 or SEC1.
    #[serde(deserialize_with = "secret")]
    pub client_key: Option<SecretString>,
}

/// Trust in SSH.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ssh {
    /// The host keys to trust, and no others: OpenSSH public key lines (`ssh-ed25519 AAAA…`), or fingerprints
    /// (`SHA256:…`).
    pub host_keys: Vec<String>,
}

/// Which version of HTTP to speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HttpVersion {
    /// What TLS negotiates (ALPN); HTTP/1.1 without TLS.
    #[default]
    Auto,
    /// HTTP/1.1 only.
    Http11,
    /// HTTP/2 only; without TLS, with prior knowledge (RFC 9113, section 3.3).
    Http2,
}

/// No timeout may be longer: it is meant to end.
const LONGEST: Duration = Duration::from_hours(24);
const REPLY_TIMEOUT: Duration = Duration::from_mins(1);
const REPLY_SIZE: u32 = 8 * 1024 * 1024;

impl Default for Settings {
    fn default() -> Self {
        Self {
            endpoints: BTreeMap::new(),
            tls: Tls::default(),
            http_version: HttpVersion::Auto,
            ssh: Ssh::default(),
            connect_timeout: Duration::from_secs(10),
            reply_timeout: None,
            reply_size: None,
            idle_timeout: Duration::from_secs(4),
            reach: Arc::default(),
        }
    }
}

impl Settings {
    /// The reply timeout that holds: the operator's, else the driver's, else 60 s.
    pub(super) fn effective_reply_timeout(&self, description: &Description) -> Duration {
        let described =
            || description.limits.reply_timeout_ms.filter(|ms| *ms > 0).map(|ms| Duration::from_millis(ms.into()));
        self.reply_timeout.or_else(described).unwrap_or(REPLY_TIMEOUT)
    }

    /// The limit on a reply's body that holds: the operator's, else the driver's, else 8 MiB.
    pub(super) fn effective_reply_size(&self, description: &Description) -> usize {
        let bytes = self.reply_size.or(description.limits.reply_size).unwrap_or(REPLY_SIZE);
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    /// Finds what is wrong with the roles and the limits. Addresses and certificates are found wrong by whoever parses
    /// them.
    pub(super) fn check(&self, description: &Description, errors: &mut SettingsError) {
        for role in description.endpoints.iter().filter(|role| role.required) {
            if !self.endpoints.contains_key(&role.name) {
                errors.add(pointer("endpoints", &role.name), format!("is required: {}", role.summary));
            }
        }
        let takes_token = description.authentication.contains(&AuthScheme::OAuth2ClientCredentials);
        let known = |name: &str| {
            description.endpoints.iter().any(|role| role.name == name) || (takes_token && name == oauth2::ROLE)
        };
        for name in self.endpoints.keys().filter(|name| !known(name)) {
            let known = description.endpoints.iter().map(|role| format!("`{}`", role.name)).collect::<Vec<_>>();
            let message = format!("driver {} has no such role; it has {}", description.name, known.join(", "));
            errors.add(pointer("endpoints", name), message);
        }
        let durations = [
            ("/connect_timeout", Some(self.connect_timeout)),
            ("/reply_timeout", self.reply_timeout),
            ("/idle_timeout", Some(self.idle_timeout)),
        ];
        for (pointer, duration) in durations {
            if duration.is_some_and(|duration| duration.is_zero() || duration > LONGEST) {
                errors.add(pointer, "must be more than nothing and at most 24 hours");
            }
        }
        if self.reply_size == Some(0) {
            errors.add("/reply_size", "must be more than nothing");
        }
    }
}

/// The JSON Pointer (RFC 6901) of a member of an object.
pub(super) fn pointer(object: &str, member: &str) -> String {
    format!("/{object}/{}", member.replace('~', "~0").replace('/', "~1"))
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
}
