//! The configuration as it is used: complete, and checked as far as it can be without doing anything.

use super::error::ConfigError;
use super::identity::identity;
use super::keys::Values;
use super::mail::{Texts, texts};
use super::members::{Members, Peers, members, peers};
use super::secret::SecretFile;
use super::webhook::{WebhookSettings, webhook};
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// The port of the API.
const API_PORT: u16 = 8443;
/// The port of metrics and health.
const HEALTH_PORT: u16 = 8445;
/// Where data stands unless the operator says otherwise.
const DATA_DIR: &str = "/var/lib/custody";
/// How long one mail may take.
const SMTP_TIMEOUT_S: u64 = 30;
/// The longest address of the cluster: with it, a link still fits a line of a mail.
const URL_BYTES_MAX: usize = 256;
/// The ballast where nothing is set.
const BALLAST_MIB: u64 = 256;
/// Most worker processes of one conversion.
const WORKERS_MAX: usize = 256;

/// What the operator has decided.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Where facts and bytes are kept.
    pub(crate) data_dir: PathBuf,
    /// How long the file is that only takes room, in MiB; 0 for none.
    pub(crate) ballast_mib: u64,
    /// Where conversions keep unnamed temporary files.
    pub(crate) work_dir: PathBuf,
    /// The key that wraps all keys.
    pub(crate) kek_file: PathBuf,
    /// This member's number.
    pub(crate) member: u64,
    /// Whether that was set.
    pub(crate) names_member: bool,
    /// The members of the cluster, when there are several.
    pub(crate) members: Option<Members>,
    /// How this member is reached, where each has an identity of its own.
    pub(crate) peers: Peers,
    /// What requests may cost.
    pub(crate) limits: api::Limits,
    /// Whose pages may ask, beside our own.
    pub(crate) origins: api::Origins,
    /// Where it answers.
    pub(crate) listen: Listen,
    /// How it proves who it is; without, it speaks plain HTTP on loopback.
    pub(crate) tls: Option<TlsFiles>,
    /// What users type to come here; links in mails begin with it. No slash at its end. Without, users come to the
    /// address on which the API answers.
    public_url: Option<String>,
    /// Whom to hand mails to; without, none are sent and all wait.
    pub(crate) smtp: Option<Smtp>,
    /// Which server is told besides people; without, messages for it wait.
    pub(crate) webhook: Option<WebhookSettings>,
    /// Who vouches for users, besides the cluster's own tokens.
    pub(crate) identity: Option<api::IdentityRules>,
    /// Worker processes of one conversion.
    pub(crate) workers: NonZeroUsize,
    /// How the log is written.
    pub(crate) log: LogFormat,
    /// The folder with systemd's credentials, when there is one.
    pub(crate) credentials: Option<PathBuf>,
}

/// Where a member answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listen {
    /// The API and the pages.
    pub(crate) api: SocketAddr,
    /// Metrics and health, on loopback.
    pub(crate) health: SocketAddr,
}

/// PEM files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    /// The certificate and those above it.
    pub(crate) certificate: PathBuf,
    /// Its private key.
    pub(crate) key: PathBuf,
}

/// A mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Smtp {
    /// Its name.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// How the connection is protected.
    pub(crate) encryption: Encryption,
    /// Who the mails are from.
    pub(crate) from: lettre::message::Mailbox,
    /// Who we are to the server.
    pub(crate) login: Option<Login>,
    /// How long one mail may take.
    pub(crate) timeout: Duration,
    /// What the mails say.
    pub(crate) texts: Texts,
}

/// A name and the file with its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Login {
    /// The name.
    pub(crate) username: String,
    /// Where the password stands.
    pub(crate) password_file: SecretFile,
}

/// Makes an enum of a setting with a fixed set of values.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name {
            $($(#[$variant_doc])* $variant),+
        }

        impl FromStr for $name {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(()),
                }
            }
        }
    };
}

choice!(
    /// How a connection to a mail server is protected.
    Encryption {
        /// TLS after STARTTLS; without it no mail is sent.
        StartTls = "starttls",
        /// TLS from the first byte.
        Tls = "tls",
        /// Not at all: for a server on the same machine.
        None = "none",
    }
);

choice!(
    /// How the log is written.
    LogFormat {
        /// For people.
        Plain = "plain",
        /// One JSON object a line.
        Json = "json",
    }
);

impl Settings {
    /// Checks values; what is not set gets its default. `credentials` is the folder that systemd made for this
    /// process.
    pub(crate) fn check(values: &Values, credentials: Option<PathBuf>) -> Result<Self, ConfigError> {
        let path = "a path";
        let data_dir = values.get("data_dir", path)?.unwrap_or_else(|| PathBuf::from(DATA_DIR));
        let listen = listen(values)?;
        let tls = tls(values)?;
        let member = member(values)?;
        if tls.is_none() && !listen.api.ip().is_loopback() {
            return Err(ConfigError::PlainHttp { address: listen.api });
        }
        Ok(Self {
            ballast_mib: values.get("ballast_mib", "a number of MiB, 0 for none")?.unwrap_or(BALLAST_MIB),
            work_dir: values.get("work_dir", path)?.unwrap_or_else(|| data_dir.join("work")),
            kek_file: values.get("kek_file", path)?.unwrap_or_else(|| data_dir.join("kek")),
            limits: limits(values)?,
            origins: values
                .get("cors.origins", "origins such as https://portal.example.org, with spaces between")?
                .unwrap_or_default(),
            member,
            names_member: values.is_set("member"),
            members: members(values, member)?,
            peers: peers(values)?,
            public_url: public_url(values, listen.api)?,
            smtp: smtp(values)?,
            webhook: webhook(values)?,
            identity: identity(values)?,
            workers: workers(values)?,
            log: values.get("log", "plain or json")?.unwrap_or(LogFormat::Plain),
            data_dir,
            listen,
            tls,
            credentials,
        })
    }

    /// What users type to come to a member whose API answers at `address`.
    pub(crate) fn public_url(&self, address: SocketAddr) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        self.public_url.clone().unwrap_or_else(|| format!("{scheme}://{address}"))
    }

    /// How long a mail on its way may take to end.
    pub(crate) fn mail_grace(&self) -> Duration {
        self.smtp.as_ref().map_or(Duration::ZERO, |smtp| smtp.timeout) + Duration::from_secs(2)
    }

    /// Looks at the files that settings name. What is a credential can only be seen by the service itself.
    pub(crate) fn check_files(&self) -> Result<(), ConfigError> {
        let readable = |key, path: &PathBuf| match std::fs::File::open(path) {
            Ok(_) => Ok(()),
            Err(source) => Err(ConfigError::File { key, path: path.clone(), source }),
        };
        if let Some(tls) = &self.tls {
            readable("tls.certificate", &tls.certificate)?;
            readable("tls.key", &tls.key)?;
        }
        if let Some(members) = &self.members {
            readable("cluster.ca", &members.ca)?;
            readable("cluster.certificate", &members.certificate)?;
            readable("cluster.key", &members.key)?;
        }
        let login = self.smtp.as_ref().and_then(|smtp| smtp.login.as_ref());
        match login.map(|login| &login.password_file) {
            Some(file) if self.can_read(file) => {
                file.read("smtp.password_file", self.credentials.as_deref()).map(drop)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether a secret can be read here: credentials are there for the service only.
    pub(crate) fn can_read(&self, file: &SecretFile) -> bool {
        !file.is_credential() || self.credentials.is_some()
    }
}

fn listen(values: &Values) -> Result<Listen, ConfigError> {
    let address = "an address and a port, such as 0.0.0.0:8443";
    let usual = |ip, port| SocketAddr::from((ip, port));
    let api = values.get("listen.api", address)?.unwrap_or(usual(Ipv4Addr::LOCALHOST, API_PORT));
    let health = values.get("listen.health", address)?.unwrap_or(usual(Ipv4Addr::LOCALHOST, HEALTH_PORT));
    match health.ip().is_loopback() {
        true => Ok(Listen { api, health }),
        false => Err(ConfigError::HealthNotLoopback { address: health }),
    }
}

fn limits(values: &Values) -> Result<api::Limits, ConfigError> {
    let expected = "a number of requests from 1 on";
    let usual = api::Limits::default();
    let requests_per_s = values.get("limits.requests_per_s", expected)?;
    let recorder_requests_per_s = values.get("limits.recorder_requests_per_s", expected)?;
    let expected = "a number of logins from 1 on";
    let logins_per_min = values.get("limits.logins_per_min", expected)?;
    let address_logins_per_min = values.get("limits.address_logins_per_min", expected)?;
    Ok(api::Limits {
        requests_per_s: requests_per_s.unwrap_or(usual.requests_per_s),
        recorder_requests_per_s: recorder_requests_per_s.unwrap_or(usual.recorder_requests_per_s),
        logins_per_min: logins_per_min.unwrap_or(usual.logins_per_min),
        address_logins_per_min: address_logins_per_min.unwrap_or(usual.address_logins_per_min),
        ..usual
    })
}

fn tls(values: &Values) -> Result<Option<TlsFiles>, ConfigError> {
    let file = "a path of a PEM file";
    let certificate = values.get("tls.certificate", file)?;
    let key = values.get("tls.key", file)?;
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(ConfigError::Without { key: "tls.certificate", other: "tls.key" }),
        (None, Some(_)) => Err(ConfigError::Without { key: "tls.key", other: "tls.certificate" }),
    }
}

fn member(values: &Values) -> Result<u64, ConfigError> {
    let expected = "a number from 1 on";
    let member = values.get("member", expected)?.unwrap_or(1);
    if member == 0 { Err(values.refused("member", expected)) } else { Ok(member) }
}

fn workers(values: &Values) -> Result<NonZeroUsize, ConfigError> {
    let expected = "a number from 1 to 256";
    let cores = || std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let workers = values.get("workers", expected)?.unwrap_or_else(cores);
    if workers.get() > WORKERS_MAX { Err(values.refused("workers", expected)) } else { Ok(workers) }
}

fn public_url(values: &Values, api: SocketAddr) -> Result<Option<String>, ConfigError> {
    let (key, expected) = ("public_url", "an address such as https://custody.example.org");
    let url: String = match values.get(key, expected)? {
        Some(url) => url,
        None if api.ip().is_loopback() => return Ok(None),
        None => return Err(ConfigError::Missing { key, expected }),
    };
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let is_plain = |host: &str| !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic());
    let is_whole = |host: &str| is_plain(host) && !host.contains(['?', '#', '@', '"', '<', '>']);
    match host {
        Some(host) if is_whole(host) && url.len() <= URL_BYTES_MAX => {
            Ok(Some(url.trim_end_matches('/').to_owned()))
        }
        Some(_) | None => Err(values.refused(key, expected)),
    }
}

fn smtp(values: &Values) -> Result<Option<Smtp>, ConfigError> {
    let Some(host) = values.get("smtp.host", "the name of a mail server")? else {
        return match ["smtp.from", "mail.language", "mail.templates"]
            .into_iter()
            .find(|key| values.is_set(key))
        {
            Some(key) => Err(ConfigError::Without { key, other: "smtp.host" }),
            None => Ok(None),
        };
    };
    let encryption = values.get("smtp.encryption", "starttls, tls or none")?.unwrap_or(Encryption::StartTls);
    let usual_port = match encryption {
        Encryption::StartTls => 587,
        Encryption::Tls => 465,
        Encryption::None => 25,
    };
    let seconds = values.get("smtp.timeout_s", "seconds")?.unwrap_or(SMTP_TIMEOUT_S).clamp(1, 600);
    Ok(Some(Smtp {
        host,
        port: values.get("smtp.port", "a port")?.unwrap_or(usual_port),
        from: values.need("smtp.from", "an address such as custody@example.org")?,
        login: login(values, encryption)?,
        encryption,
        timeout: Duration::from_secs(seconds),
        texts: texts(values)?,
    }))
}

fn login(values: &Values, encryption: Encryption) -> Result<Option<Login>, ConfigError> {
    let username = values.get("smtp.username", "a name")?;
    let password_file = values.get("smtp.password_file", "a path, or the name of a systemd credential")?;
    let (username_key, file_key) = ("smtp.username", "smtp.password_file");
    match (username, password_file) {
        (Some(_), Some(_)) if encryption == Encryption::None => Err(ConfigError::PasswordInClear),
        (Some(username), Some(password_file)) => Ok(Some(Login { username, password_file })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(ConfigError::Without { key: username_key, other: file_key }),
        (None, Some(_)) => Err(ConfigError::Without { key: file_key, other: username_key }),
    }
}
