//! How a receiver knows that a message is ours (Standard Webhooks 1.0, signature scheme v1).

use crate::config::{ConfigError, SecretFile};
use ring::hmac;
use std::path::Path;
use zeroize::Zeroizing;

/// What the text of a secret begins with.
const PREFIX: &str = "whsec_";
/// How long a secret may be.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
/// The most secrets: the newer one, and the older one until all receivers have the newer.
const SECRETS_MAX: usize = 2;

/// The secrets that are in force.
#[derive(Clone)]
pub(super) struct Secrets(Vec<hmac::Key>);

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signed<'a> {
    /// The message's name.
    pub(super) id: &'a str,
    /// When it is sent, in seconds since 1970.
    pub(super) timestamp_s: u64,
    /// Its body.
    pub(super) body: &'a str,
}

impl Secrets {
    /// One secret, or two with a space between.
    pub(super) fn read(file: &SecretFile, credentials: Option<&Path>) -> Result<Self, ConfigError> {
        let text = file.read("webhook.secret_file", credentials)?;
        let wrong = || ConfigError::WebhookSecret { file: file.clone() };
        let keys: Option<Vec<_>> = text.reveal().split_whitespace().map(key).collect();
        match keys {
            Some(keys) if !keys.is_empty() && keys.len() <= SECRETS_MAX => Ok(Self(keys)),
            Some(_) | None => Err(wrong()),
        }
    }

    /// The value of the header `webhook-signature`.
    pub(super) fn sign(&self, signed: Signed<'_>) -> String {
        let Signed { id, timestamp_s, body } = signed;
        let content = format!("{id}.{timestamp_s}.{body}");
        let one = |key| base64_simd::STANDARD.encode_to_string(hmac::sign(key, content.as_bytes()));
        let signatures: Vec<String> = self.0.iter().map(|key| format!("v1,{}", one(key))).collect();
        signatures.join(" ")
    }
}

fn key(text: &str) -> Option<hmac::Key> {
    let secret = base64_simd::STANDARD.decode_to_vec(text.strip_prefix(PREFIX)?).ok().map(Zeroizing::new)?;
    SECRET_BYTES.contains(&secret.len()).then(|| hmac::Key::new(hmac::HMAC_SHA256, &secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Secrets, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, text).unwrap();
        Secrets::read(&SecretFile::at(&file), None)
    }

    #[test]
    fn signatures_are_those_of_the_standard() {
        // The example of the libraries of Standard Webhooks.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let body = r#"{"test": 2432232314}"#;
        let signed = Signed { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp_s: 1_614_265_330, body };
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(read(secret).unwrap().sign(signed), expected);
        let two = read(&format!("{secret} {secret}\n")).unwrap().sign(signed);
        assert_eq!(two, format!("{expected} {expected}"));
    }

    #[test]
    fn what_is_no_secret_is_refused_without_being_repeated() {
        let short = format!("whsec_{}", base64_simd::STANDARD.encode_to_string([7; 23]));
        let long = format!("whsec_{}", base64_simd::STANDARD.encode_to_string([7; 65]));
        let right = format!("whsec_{}", base64_simd::STANDARD.encode_to_string([7; 24]));
        let three = [right.as_str(); 3].join(" ");
        for text in ["hunter2", "whsec_", "whsec_!!!!", &short, &long, &three] {
            let error = read(text).err().unwrap().to_string();
            let is_repeated = text != PREFIX && error.contains(text);
            assert!(error.contains("expected whsec_") && !is_repeated, "{error}");
        }
        assert!(read(&right).is_ok());
    }
}
